"""The set-up under measure: three slots, twenty campaigns, the way a marketer writes them."""

from __future__ import annotations

from pathlib import Path

SITE = """\
name: Bench
sites: {bench: "https://bench.example"}
timezone: Europe/Paris
currency: EUR
language: fr
label: {fr: Publicité}
breakpoint: 1000px
"""
SLOTS = """\
home-top: {title: Home, sizes: {desktop: 970x250, mobile: 320x100}, on_empty: house}
post-top: {title: Top, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: house}
post-bottom: {title: Bottom, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: reserve}
"""
CAMPAIGN = """\
advertiser: Advertiser {number}
tier: {tier}
flight: {{first_day: 2026-01-01, last_day: 2035-12-31}}
weight: {weight}
slots: [home-top, "post-*"]
link: https://advertiser-{number}.example/landing
creatives:
  - {{id: words, text: {{headline: "Headline {number}", body: "A line of text.", cta: "Go"}}}}
  - {{id: more, text: {{headline: "Another {number}", body: "A second line."}}, weight: 2}}
"""


def write(folder: Path, count: int = 20) -> Path:
    """A folder of `count` campaigns, the last of them a house ad."""
    (folder / "campaigns").mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "slots.yaml").write_text(SLOTS, "utf-8")
    for number in range(count):
        tier = "house" if number == count - 1 else "standard" if number % 2 else "remnant"
        text = CAMPAIGN.format(number=number, tier=tier, weight=1 + number % 5)
        (folder / "campaigns" / f"campaign-{number}.yaml").write_text(text, "utf-8")
    return folder

"""The publisher under measure: three slots, and twenty campaigns the way a marketer writes them.

They are what such a publisher sells: two sponsorships, nine standard campaigns whose goals are
spread evenly over their flights, eight remnant ones with prices, and a house ad. Between them they
ask for sections, tags, addresses, countries, languages, devices and hours, cap their frequency, and
some do not stand beside a rival.
"""

from __future__ import annotations

import time
from pathlib import Path

SECTIONS = ("tech", "business", "culture", "travel", "food")
TOPICS = 500
SITE = f"""\
name: Bench
sites: {{bench: "https://bench.example"}}
timezone: Europe/Paris
currency: EUR
language: fr
label: {{fr: Publicité, en: Advertisement}}
breakpoint: 1000px
context:
  section: {{one_of: [{", ".join(SECTIONS)}]}}
  tags: {{many: true}}
"""
SLOTS = """\
home-top: {title: Home, sizes: {desktop: 970x250, mobile: 320x100}, on_empty: house}
post-top: {title: Top, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: house}
post-bottom: {title: Bottom, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: reserve}
"""
CAMPAIGN = """\
advertiser: Advertiser {number}
tier: {tier}
weight: {weight}
slots: {slots}
link: https://advertiser-{number}.example/landing
{terms}creatives:
  - {{id: words, text: {{headline: "Headline {number}", body: "A line of text.", cta: "Go"}}}}
  - {{id: more, text: {{headline: "Another {number}", body: "A second line."}}, weight: 2}}
"""
SLOT_COUNT = 3
# Requests of a slot, as its store knows them from the weeks before: about what is asked for while
# it is measured, pauses included.
PER_SECOND = 2_000.0
# A goal is for thirty days, and a twenty-fifth of all that comes: none is met, and all are paced.
GOAL = 600_000_000
FLIGHT_DAYS = 30
DAY_SECONDS = 86_400
CAP = "{{impressions: 3, per: day}}"
DAY = '["mon-fri 06:00-22:00"]'
NIGHT = '["22:00-06:00", "sat,sun 06:00-22:00"]'
# Each kind: its tier, what is agreed, and what it wants.
STANDARD = "goal: {{impressions: {goal}}}\nprice: {{cpm: 8.50}}\nflight: {flight}\n"
SPONSOR = "goal: {{share: 10%}}\nflight: {flight}\n"
KINDS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("sponsorship", SPONSOR + "price: {{flat: 900}}\n", {"section": "[culture]"}),
    ("sponsorship", SPONSOR + "price: {{flat: 400}}\n", {"url": '["/guides/*"]'}),
    ("standard", STANDARD + "competes_in: [coffee]\n", {"section": "[food, culture]"}),
    ("standard", STANDARD + "competes_in: [coffee]\n", {"country": "[FR, BE]"}),
    ("standard", STANDARD + f"frequency: {CAP}\n", {"device": "[desktop]"}),
    ("standard", STANDARD + "competes_in: [banks]\n", {"section": "[business]", "lang": "[fr]"}),
    ("standard", STANDARD + f"hours: {DAY}\n", {"section": "[business, tech]"}),
    ("standard", STANDARD + f"frequency: {CAP}\n", {"tags": "[topic-1, topic-2]"}),
    ("standard", STANDARD, {"url": '["/2026/*"]', "device": "{none: [mobile]}"}),
    ("standard", STANDARD + f"hours: {NIGHT}\n", {"section": "[business, tech]"}),
    ("standard", STANDARD, {"section": "[travel]"}),
    ("remnant", "price: {{cpm: 4.20}}\ncompetes_in: [banks]\n", {"section": "[business]"}),
    ("remnant", "price: {{cpm: 3.10}}\n", {"country": "[CH, CA]"}),
    ("remnant", f"price: {{{{cpm: 2.90}}}}\nfrequency: {CAP}\n", {"lang": "[en]"}),
    ("remnant", "price: {{cpm: 2.40}}\n", {"device": "[mobile]"}),
    ("remnant", "price: {{cpm: 2.20}}\n", {"tags": "{none: [topic-3]}", "section": "[travel]"}),
    ("remnant", "price: {{cpm: 1.90}}\ncompetes_in: [travel]\n", {"url": '["/travel/*"]'}),
    ("remnant", "price: {{cpm: 1.10}}\ncompetes_in: [travel]\n", {}),
    ("remnant", "price: {{cpm: 1.10}}\n", {}),
)


def write(folder: Path, now: float | None = None) -> Path:
    """The folder of what is sold, and a house ad. now: UTC seconds, which flights are around."""
    (folder / "campaigns").mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "slots.yaml").write_text(SLOTS, "utf-8")
    flight = flight_around(time.time() if now is None else now)
    for number, (tier, terms, wants) in enumerate(KINDS):
        clauses = "".join(f"  {fact}: {values}\n" for fact, values in wants.items())
        agreed = terms.format(flight=flight, goal=GOAL)
        told = agreed + (f"targeting:\n{clauses}" if clauses else "")
        write_campaign(folder, number, tier, told, '[home-top, "post-*"]')
    write_campaign(folder, len(KINDS), "house", "", "[home-top, post-top]")
    return folder


def write_campaign(folder: Path, number: int, tier: str, terms: str, slots: str) -> None:
    text = CAMPAIGN.format(
        number=number, tier=tier, weight=1 + number % 5, slots=slots, terms=terms
    )
    (folder / "campaigns" / f"campaign-{number}.yaml").write_text(text, "utf-8")


def flight_around(now: float) -> str:
    first, last = now - DAY_SECONDS, now + (FLIGHT_DAYS - 2) * DAY_SECONDS
    days = [time.strftime("%Y-%m-%d", time.gmtime(day)) for day in (first, last)]
    return "{{first_day: {}, last_day: {}}}".format(*days)

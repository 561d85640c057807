"""A folder of campaign files as a publisher with very many campaigns has one: each with two
pictures of its own and some words, a goal or a weight, targeting and a price."""

from __future__ import annotations

from pathlib import Path
from random import Random

from PIL import Image

SEED = 20261127
SITE = """\
name: Le Comptoir
sites: {blog: "https://blog.example"}
timezone: Europe/Paris
currency: EUR
language: fr
context:
  section: {one_of: [tech, business, culture, sport, food]}
  tags: {many: true}
"""
SLOTS = """\
home-top: {title: Top of the front page, sizes: {desktop: 970x250, mobile: 320x100}}
post-top: {title: Above the article, sizes: {desktop: 728x90, mobile: 320x100}}
post-bottom: {title: Below the article, sizes: {desktop: 728x90, mobile: 320x100}}
"""
CAMPAIGN = """\
# Campaign {number} of the season.
advertiser: Advertiser {advertiser}
order: BC-2026-{number}
tier: {tier}
flight: {{first_day: 2026-11-02, last_day: 2036-11-30}}
{bought}price: {{cpm: {cpm}}}
weight: {weight}
slots: [post-top, "post-b*"]
targeting:
  section: [{section}]
  tags: {{any: [café, thé, tag-{tag}], none: [crime]}}
  country: [FR, BE]
link: https://advertiser-{advertiser}.example/offer?from=%%slot%%
utm: true
creatives:
  - id: banner
    alt: "What advertiser {advertiser} has on offer."
    images: [images/c{number}-728x90.png, images/c{number}-320x100.png]
    weight: 2
  - id: card
    text: {{headline: "Offer {number}", body: Twenty yards from the quay., cta: See it}}
"""


def write_folder(folder: Path, campaigns: int) -> None:
    draw = Random(SEED)
    for name in ("campaigns", "images"):
        (folder / name).mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "slots.yaml").write_text(SLOTS, "utf-8")
    for number in range(campaigns):
        write_campaign(folder, number, draw)
        for size in ((728, 90), (320, 100)):
            write_picture(folder / "images" / f"c{number}-{size[0]}x{size[1]}.png", size, draw)


def write_campaign(folder: Path, number: int, draw: Random, headline: str = "") -> None:
    standard = number % 2 == 0
    text = CAMPAIGN.format(
        number=number,
        advertiser=number % 200,
        tier="standard" if standard else "remnant",
        bought=f"goal: {{impressions: {draw.randrange(10, 500)}000}}\n" if standard else "",
        cpm=f"{draw.randrange(100, 1500) / 100:.2f}",
        weight=draw.randrange(1, 5),
        section=draw.choice(["tech", "business", "culture", "sport", "food"]),
        tag=draw.randrange(500),
    )
    path = folder / "campaigns" / f"campaign-{number:05}.yaml"
    path.write_text(
        text.replace(f'"Offer {number}"', f'"{headline or f"Offer {number}"}"'), "utf-8"
    )


def write_picture(path: Path, size: tuple[int, int], draw: Random) -> None:
    """Stripes of colours: some kilobytes, and no two alike."""
    stripes = Image.frombytes("RGB", (size[0], 1), draw.randbytes(3 * size[0]))
    stripes.resize(size).save(path, "PNG")

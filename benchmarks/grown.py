"""A publisher of any size: so many campaigns in so many slots, and readers of its pages.

Campaigns are remnant, or have goals towards which they are paced, half of each. They want some of
twenty sections, five hundred tags, thirty countries, four languages and a hundred folders, as those
of `benchmarks.deciding` do. What the n-th campaign is depends on n alone, so a larger set-up has
all that a smaller one has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

SECTIONS = [f"section-{n}" for n in range(20)]
TAGS = [f"tag-{n}" for n in range(500)]
COUNTRIES = [
    *("AT", "BE", "BR", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "IE", "IT"),
    *("AR", "AU", "CL", "IN", "JP", "KR", "LU", "MA", "MX", "NL", "NO", "PL", "PT", "SE", "US"),
]
LANGUAGES = ["fr", "en", "de", "es"]
FOLDERS = [f"/archive/{n}/*" for n in range(100)]
# Slots that one campaign books, where there are more.
BOOKED = 3
PAGES = 500
SEED = 20_261_127

SITE = f"""\
name: Growth
sites: {{news: "https://news.example"}}
timezone: Europe/Paris
currency: EUR
language: fr
label: {{fr: Publicité, en: Advertisement}}
breakpoint: 1000px
context:
  section: {{one_of: [{", ".join(SECTIONS)}]}}
  tags: {{many: true}}
"""
# A file holds ten thousand values at most: those behind the first few are for one kind of screen.
SLOT = "{name}: {{title: Place {number}, sizes: {{desktop: 728x90}}}}\n"
FIRST_SLOT = """\
{name}: {{title: Place {number}, sizes: {{desktop: 728x90, mobile: 320x100}}, on_empty: house}}
"""
CAMPAIGN = """\
advertiser: Advertiser {number}
tier: {tier}
flight: {{first_day: 2026-01-01, last_day: 2035-12-31}}
slots: [{slots}]
link: https://advertiser-{number}.example/landing
{more}creatives:
  - {{id: words, text: {{headline: "Headline {number}", body: "A line of text.", cta: "Go"}}}}
  - {{id: more, text: {{headline: "Another {number}", body: "A second line."}}, weight: 2}}
"""


def write(folder: Path, campaigns: int, slots: int = 3, *, alike: bool = False) -> Path:
    """Its config folder. The last campaign is a house ad. alike: they want sections, and no more,
    so that each page is wanted by a fifth of them."""
    (folder / "campaigns").mkdir(parents=True)
    names = slot_names(slots)
    forms = [FIRST_SLOT if n < BOOKED else SLOT for n in range(slots)]
    written = "".join(
        form.format(name=name, number=n)
        for n, (form, name) in enumerate(zip(forms, names, strict=True))
    )
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "slots.yaml").write_text(written, "utf-8")
    for number in range(campaigns - 1):
        text = campaign(number, names, alike=alike)
        (folder / "campaigns" / f"campaign-{number}.yaml").write_text(text, "utf-8")
    house = CAMPAIGN.format(
        number=campaigns - 1, tier="house", slots=", ".join(names[:BOOKED]), more=""
    )
    (folder / "campaigns" / "house.yaml").write_text(house, "utf-8")
    return folder


def slot_names(slots: int) -> list[str]:
    return [f"place-{n}" for n in range(slots)]


def campaign(number: int, slots: list[str], *, alike: bool) -> str:
    random = Random(SEED + number)
    booked = slots if len(slots) <= BOOKED else random.sample(slots, BOOKED)
    tier = "standard" if number % 2 else "remnant"
    lines = [*terms(number, random), "targeting:", *wants(random, alike=alike)]
    more = "".join(f"{line}\n" for line in lines)
    return CAMPAIGN.format(number=number, tier=tier, slots=", ".join(booked), more=more)


def terms(number: int, random: Random) -> Iterator[str]:
    """What it was sold for: half with a goal, a third of them with a cap and a trade."""
    if number % 2:
        yield f"goal: {{impressions: {random.randint(1, 100)}000000}}"
    else:
        yield f"price: {{cpm: {random.randint(20, 900) / 100:.2f}}}"
    if number % 3 == 0:
        yield f"frequency: {{impressions: {random.randint(2, 9)}, per: day}}"
        yield f"competes_in: [trade-{random.randrange(50)}]"


def wants(random: Random, *, alike: bool) -> Iterator[str]:
    if alike:
        yield f"  section: [{', '.join(random.sample(SECTIONS, 4))}]"
        return
    yield f"  section: [{', '.join(random.sample(SECTIONS, 2))}]"
    yield f"  tags: {{any: [{tag(random)}, {tag(random)}]}}"
    if random.random() < 0.5:
        yield f"  country: [{', '.join(map(quoted, random.sample(COUNTRIES, 2)))}]"
    if random.random() < 0.2:
        yield f"  lang: [{random.choice(LANGUAGES)}]"
    if random.random() < 0.1:
        yield f'  url: ["{random.choice(FOLDERS)}"]'


def tag(random: Random) -> str:
    """Few are written about often, most seldom."""
    return TAGS[int(len(TAGS) ** random.random()) - 1]


def quoted(country: str) -> str:
    return f'"{country}"'  # NO is no country to YAML


def pages() -> list[str]:
    """What readers ask with: query strings of pages that come back."""
    random = Random(SEED)
    return [
        f"url=https%3A%2F%2Fnews.example%2Farchive%2F{random.randrange(100)}%2F{number}.html"
        f"&section={random.choice(SECTIONS)}&tags={tag(random)},{tag(random)},{tag(random)}"
        f"&country={random.choice(COUNTRIES)}&lang={random.choice(LANGUAGES)}"
        f"&device={random.choice(['desktop', 'mobile'])}"
        for number in range(PAGES)
    ]

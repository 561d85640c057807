"""Values with defaults.

A test names only what it is about; everything else is a small, valid blog.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adserver.core.catalog import (
    Campaign,
    Catalog,
    Creative,
    Device,
    Flight,
    Generation,
    Image,
    Site,
    Size,
    Slot,
    State,
    Text,
    Tier,
    names,
)
from adserver.core.events import Delivered, Metric, Row
from adserver.core.renames import Rename

ZONE = "Europe/Paris"
ALWAYS = Flight(since=None, until=None, timezone=ZONE)
# Monday 2 November 2026, 10:00 in Paris.
NOW = 1_793_610_000.0


def site(**changes: Any) -> Site:
    blog = Site(
        name="Le Comptoir",
        sites={"blog": "https://blog.example"},
        timezone=ZONE,
        currency="EUR",
        language="fr",
        label={"fr": "Publicité", "en": "Advertisement"},
        breakpoint=1000,
    )
    return replace(blog, **changes)


def slot(name: str = "post-top", **changes: Any) -> Slot:
    banner = Slot(
        name=name,
        title="Above the article",
        sizes={Device.DESKTOP: Size(728, 90), Device.MOBILE: Size(320, 100)},
    )
    return replace(banner, **changes)


def text_creative(id: str = "carte", **changes: Any) -> Creative:
    card = Creative(id=id, link="https://shop.example/", text=Text("Café de saison"))
    return replace(card, **changes)


def image(width: int = 728, height: int = 90, **changes: Any) -> Image:
    picture = Image(
        digest=f"{width:016x}{height:016x}",
        name=f"b-{width}x{height}.png",
        media_type="image/png",
        size=Size(width, height),
        density=1,
    )
    return replace(picture, **changes)


def image_creative(id: str = "bandeau", *images: Image, **changes: Any) -> Creative:
    banner = Creative(
        id=id, link="https://shop.example/", alt="Café de saison", images=images or (image(),)
    )
    return replace(banner, **changes)


def campaign(name: str = "brulerie", **changes: Any) -> Campaign:
    """Ready, open-ended, in every slot, with one text creative that fits anywhere."""
    plain = Campaign(
        name=name,
        advertiser="Brûlerie du Port",
        tier=Tier.STANDARD,
        state=State.READY,
        flight=ALWAYS,
        slots=("*",),
        creatives=(text_creative(),),
    )
    return replace(plain, **changes)


def catalog(*campaigns: Campaign, **changes: Any) -> Catalog:
    """The given campaigns (one by default) in one slot, `post-top`."""
    blog = Catalog(site=site(), slots=(slot(),), campaigns=campaigns or (campaign(),))
    return replace(blog, **changes)


def numbers(*catalogs: Catalog, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Permanent numbers as the store gives them, counted from 1 per kind of name, or on from those
    that are known."""
    given = dict(known or {})
    counters: dict[str, int] = {}
    for name, number in given.items():
        kind = name.partition("/")[0]
        counters[kind] = max(number, counters.get(kind, 0))
    for one in catalogs:
        for name in names(one):
            if name not in given:
                kind = name.partition("/")[0]
                counters[kind] = given[name] = counters.get(kind, 0) + 1
    return given


def renumbered(known: Mapping[str, int], renamed: Sequence[Rename]) -> dict[str, int]:
    """The numbers of renamed campaigns and their creatives are those of the new names."""
    given = dict(known)
    for rename in renamed:
        for name, number in known.items():
            kind, campaign, *rest = name.split("/")
            if kind in ("campaign", "creative") and campaign == rename.old:
                del given[name]
                given["/".join((kind, rename.new, *rest))] = number
    return given


def generation(of: Catalog | None = None, number: int = 1) -> Generation:
    written = of or catalog()
    return Generation(number=number, catalog=written, numbers=numbers(written))


def row(metric: Metric, count: int = 1, **changes: Any) -> Row:
    """`count` of the first creative in the first slot on the first site, in the hour of NOW."""
    plain = Row(hour=int(NOW), metric=metric, reason="", creative=1, slot=1, site=1, count=count)
    return replace(plain, **changes)


def delivered(rows: Iterable[Row]) -> Delivered:
    """What the store's totals would say of these rows."""
    found: Counter[tuple[Metric, int]] = Counter()
    for one in rows:
        if not one.reason:
            found[one.metric, one.creative] += one.count
    return found

"""A campaign of the demonstration that has been delivered, for proofs and for their picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from adserver.core.catalog import (
    Campaign,
    Catalog,
    Creative,
    Flight,
    Frequency,
    Goal,
    Period,
    Text,
    Tier,
)
from adserver.core.events import Metric, Row
from adserver.core.publication import Content, Entry
from adserver.publishing.read import read_folder
from tests.factories import ZONE
from tests.memory import MemoryStore

CONFIG = Path(__file__).parents[1] / "config"
NAME, ADVERTISER = "brulerie-du-port", "Brûlerie du Port"
HOUR = 3_600


def at(text: str) -> float:
    """UTC seconds of a wall-clock time in Paris, such as `2026-11-02 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()


FLIGHT = Flight(at("2026-11-02"), at("2026-12-01"), ZONE)
# Two days after its end it closes, and a day and an hour later it is final.
CLOSES, FINAL = at("2026-12-03"), at("2026-12-04 01:00")
DURING, ARRIVING, AFTER = at("2026-11-16 10:00"), at("2026-12-03 12:00"), at("2026-12-07 09:30")


def sold(campaign: Campaign, document: Creative) -> Campaign:
    """With every kind of creative, a goal that is passed, and every kind of limit."""
    card = Text(
        "Café de saison",
        "Torréfié ce matin, à vingt mètres du quai, et chez vous demain.",
        "Composer mon colis",
    )
    words = replace(document, id="carte", html=None, text=card, link=campaign.creatives[0].link)
    return replace(
        campaign,
        tier=Tier.STANDARD,
        flight=FLIGHT,
        goal=Goal(impressions=36_000),
        buffer=Decimal("0.03"),
        max_per_day=2_500,
        frequency=Frequency(3, Period.DAY),
        slots=("home-top", "post-*"),
        creatives=(*campaign.creatives, words, document),
    )


def written() -> tuple[Catalog, Content]:
    """The demonstration's folder, with that campaign sold for November."""
    reading = read_folder(CONFIG)
    assert reading.catalog is not None
    by_name = {one.name: one for one in reading.catalog.campaigns}
    document = next(one for one in by_name["balise-hebergement"].creatives if one.html)
    by_name[NAME] = sold(by_name[NAME], document)
    catalog = replace(reading.catalog, campaigns=tuple(by_name.values()))
    return catalog, Content(reading.files, reading.assets, reading.texts)


def delivered_store() -> MemoryStore:
    """Two generations during the flight, and rows of each of its days."""
    catalog, content = written()
    memory = MemoryStore(clock=at("2026-10-28 16:20"))
    memory.publish(0, catalog, content, Entry("ana@comptoir"))
    memory.clock = at("2026-11-09 09:05")
    memory.publish(1, catalog, content, Entry("ana@comptoir"))
    memory.counted = list(rows(memory.numbers()))
    return memory


def rows(numbers: Mapping[str, int]) -> Iterator[Row]:
    """Some of each hour of daylight, fewer at weekends, by a rule and not by chance."""
    assert FLIGHT.since is not None
    creatives = [numbers[f"creative/{NAME}/{id}"] for id in ("torrefaction", "carte")]
    slots = [numbers[f"slot/{name}"] for name in ("home-top", "post-top", "post-bottom")]
    for day in range(29):
        for hour in range(7, 23):
            begin = int(FLIGHT.since) + day * 24 * HOUR + hour * HOUR
            weekend = (day % 7) in (5, 6)
            many = (45 if weekend else 72) + (day * 7 + hour * 5) % 31
            place = (slots[hour % 3], numbers["site/comptoir"] if hour % 11 else 0)
            yield from hour_of(begin, creatives[(day + hour) % 3 == 0], place, many)


def hour_of(begin: int, creative: int, place: tuple[int, int], many: int) -> Iterator[Row]:
    counts = {
        (Metric.SERVED, ""): many + many // 8,
        (Metric.IMPRESSION, ""): many,
        (Metric.IMPRESSION, "duplicate"): many // 40,
        (Metric.IMPRESSION, "prefetch"): begin // HOUR % 5 // 4,
        (Metric.IMPRESSION, "lapsed"): begin // HOUR % 17 // 16,
        (Metric.VIEWABLE, ""): many * 5 // 8,
        (Metric.CLICK, ""): begin // HOUR % 4 // 3,
        (Metric.CLICK, "duplicate"): begin // HOUR % 29 // 28,
        (Metric.UNMATCHED, ""): begin // HOUR % 60 // 59,
    }
    for (metric, reason), count in counts.items():
        if count:
            yield Row(begin, metric, reason, creative, *place, count)

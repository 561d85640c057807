"""The worlds that pacing is judged in: a publisher's traffic and what it has sold of it.

Traffic is the sum of cells: one slot, one kind of reader and page (section, device, country). A
campaign targets some slots and some kinds, so campaigns contend where their cells overlap. What is
sold of it, see `pacing_sales.py`. Pacing is told nothing of this: it has a curve learnt from the
weeks before, and shares estimated from a sample of requests.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from adserver.core.forecast import HOUR_SECONDS, HOURS_A_WEEK, History, hour_of_week, learn
from adserver.core.pacing import Booking
from benchmarks.pacing_sales import SECTIONS, estimated, sampled, sold, sold_blind

TIMEZONE = "Europe/Paris"
# Monday, 19 October 2026, 00:00 in Paris: the week has the night with the repeated hour.
BEGIN = 1_792_360_800
HISTORY_WEEKS = 5
# Seconds until an ad begins to render, (median, sigma of its logarithm).
TOP_DELAY, BOTTOM_DELAY = (1.5, 0.8), (90.0, 0.7)
# With sections, the kinds of reader and page: how the traffic of a slot divides.
DEVICES = (0.45, 0.55)
COUNTRIES = (0.62, 0.20, 0.12, 0.06)


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of publisher: sizes of the world and how unruly its days are.

    slots: name, share of the requests, whether readers have to scroll to it. days: (low, high)
    factors of single days. spike, slump: (factor, hours), each once at a random time. blind: sold
    without a look at what others have of the same readers.
    """

    name: str
    campaigns: int
    requests_per_week: float
    weeks: int
    slots: tuple[tuple[str, float, bool], ...]
    shortest_days: float
    days: tuple[float, float]
    hourly_noise: float
    spike: tuple[float, int]
    slump: tuple[float, int]
    nodes: int
    refresh_seconds: int
    blind: bool = False


LARGE = Shape(
    name="large",
    campaigns=200,
    requests_per_week=2_000_000,
    weeks=1,
    slots=(
        ("home-top", 0.16, False),
        ("home-middle", 0.12, True),
        ("section-top", 0.14, False),
        ("section-side", 0.10, False),
        ("post-top", 0.18, False),
        ("post-side", 0.10, False),
        ("post-bottom", 0.14, True),
        ("search-top", 0.06, False),
    ),
    shortest_days=1.5,
    days=(0.93, 1.07),
    hourly_noise=0.12,
    spike=(3.0, 4),
    slump=(0.5, 12),
    nodes=3,
    refresh_seconds=60,
)
LARGE_BLIND = replace(LARGE, name="large, sold blind", blind=True)
SMALL = Shape(
    name="small",
    campaigns=20,
    # 5,000 page views a day: a quarter are the home page, the others have two slots.
    requests_per_week=5_000 * 7 * 1.75,
    weeks=5,
    slots=(
        ("home-top", 0.25 / 1.75, False),
        ("post-top", 0.75 / 1.75, False),
        ("post-bottom", 0.75 / 1.75, True),
    ),
    shortest_days=7,
    days=(0.6, 1.4),
    hourly_noise=0.15,
    spike=(3.0, 4),
    slump=(0.5, 12),
    nodes=2,
    refresh_seconds=120,
)


# Slots, sections, devices, countries that a campaign wants; and one kind of reader and page.
Kinds = tuple[set[int], set[int], set[int], set[int]]
Kind = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class World:
    """hours: for each hour of the run, requests of each slot, expected of the generator.

    cells: for each slot, (share of it, campaigns that may have it). wanted: what each campaign
    targets; samples: of each slot, how many of its requests came of which cell.
    """

    shape: Shape
    seed: int
    load: float
    hours: list[list[float]]
    cells: list[list[tuple[float, list[int]]]]
    bookings: list[Booking]
    histories: dict[str, History]
    wanted: list[Kinds]
    samples: list[Counter[int]]


def make_world(shape: Shape, load: float, seed: int) -> World:
    rng = Random(f"{shape.name} {load} {seed}")
    base = curves(shape, rng)
    histories = learnt(shape, base, rng)
    hours = traffic(shape, base, range(shape.weeks * HOURS_A_WEEK), rng, surprises=True)
    wanted = [targeting(shape, rng) for _ in range(shape.campaigns)]
    flights = [flight(shape, rng) for _ in range(shape.campaigns)]
    cells = [
        [
            (share, [c for c, kinds in enumerate(wanted) if slot in kinds[0] and fits(kinds, kind)])
            for kind, share in kinds_of_reader()
        ]
        for slot in range(len(shape.slots))
    ]
    selling = sold_blind if shape.blind else sold
    goals = selling(load, hours, cells, flights, rng)
    samples = sampled(cells, rng)
    shares = estimated(cells, samples, shape.campaigns)
    bookings = [
        Booking(
            name=f"campaign-{c:03}",
            goal=max(1, round(goals[c])),
            since=BEGIN + flights[c][0] * HOUR_SECONDS,
            until=BEGIN + flights[c][1] * HOUR_SECONDS,
            reach=tuple(
                (shape.slots[slot][0], share) for slot, share in enumerate(shares[c]) if share
            ),
        )
        for c in range(shape.campaigns)
    ]
    return World(shape, seed, load, hours, cells, bookings, histories, wanted, samples)


def curves(shape: Shape, rng: Random) -> list[list[float]]:
    """Requests of each slot in each hour of the week: a night, a day with two tops, a weekend."""
    result = []
    for _, share, _ in shape.slots:
        noon, evening, weekend = rng.gauss(12.5, 0.7), rng.gauss(20.5, 0.7), rng.uniform(0.6, 1.0)
        hours = [
            (0.08 + bump(h % 24, noon, 3.5) + 0.8 * bump(h % 24, evening, 2.2))
            * (weekend if h >= 5 * 24 else 1.0)
            for h in range(HOURS_A_WEEK)
        ]
        scale = share * shape.requests_per_week / sum(hours)
        result.append([one * scale for one in hours])
    return result


def bump(hour: float, top: float, width: float) -> float:
    away = min(abs(hour - top), 24 - abs(hour - top))
    return math.exp(-((away / width) ** 2) / 2)


def traffic(
    shape: Shape, base: list[list[float]], run: range, rng: Random, *, surprises: bool
) -> list[list[float]]:
    """Each hour's requests by slot: the curve, days that differ, hours that drift, surprises."""
    factor, drift, day = {}, 0.0, 1.0
    for hour in run:
        if hour % 24 == 0:
            day = rng.uniform(*shape.days)
        drift = 0.8 * drift + 0.6 * rng.gauss(0.0, shape.hourly_noise)
        factor[hour] = day * math.exp(drift)
    if surprises:
        for size, length in (shape.spike, shape.slump):
            first = rng.randrange(run.start, run.stop - length)
            for hour in range(first, first + length):
                factor[hour] *= size
    return [
        [slot[hour_of_week(BEGIN + hour * HOUR_SECONDS, TIMEZONE)] * factor[hour] for slot in base]
        for hour in run
    ]


def learnt(shape: Shape, base: list[list[float]], rng: Random) -> dict[str, History]:
    """What counting the weeks before has left in the store."""
    run = range(-HISTORY_WEEKS * HOURS_A_WEEK, 0)
    histories = {name: History() for name, _, _ in shape.slots}
    for hour, by_slot in zip(run, traffic(shape, base, run, rng, surprises=False), strict=True):
        for (name, _, _), expected in zip(shape.slots, by_slot, strict=True):
            begin = BEGIN + hour * HOUR_SECONDS
            histories[name] = learn(histories[name], begin, poisson(expected, rng), TIMEZONE)
    return histories


def poisson(mean: float, rng: Random) -> int:
    """Exact below 30; beyond, rounded from the normal distribution, which nobody tells apart."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    floor, count, product = math.exp(-mean), 0, rng.random()
    while product > floor:
        count, product = count + 1, product * rng.random()
    return count


def targeting(shape: Shape, rng: Random) -> Kinds:
    """Slots, sections, devices, countries that a campaign wants."""
    slots = set(rng.sample(range(len(shape.slots)), rng.randint(1, min(4, len(shape.slots)))))
    sections = some(len(SECTIONS), 3, 0.5, rng)
    return slots, sections, some(len(DEVICES), 1, 0.25, rng), some(len(COUNTRIES), 2, 0.3, rng)


def some(of: int, most: int, how_often: float, rng: Random) -> set[int]:
    if rng.random() < how_often:
        return set(rng.sample(range(of), rng.randint(1, most)))
    return set(range(of))


def kinds_of_reader() -> list[tuple[Kind, float]]:
    return [
        ((s, d, c), section * device * country)
        for s, section in enumerate(SECTIONS)
        for d, device in enumerate(DEVICES)
        for c, country in enumerate(COUNTRIES)
    ]


def fits(wanted: Kinds, kind: Kind) -> bool:
    return all(one in those for one, those in zip(kind, wanted[1:], strict=True))


def flight(shape: Shape, rng: Random) -> tuple[int, int]:
    """First hour and hour after the last: two in five run all the time, the others for a part."""
    whole = shape.weeks * HOURS_A_WEEK
    if rng.random() < 0.4:
        return 0, whole
    length = rng.randint(round(shape.shortest_days * 24), whole)
    first = rng.randint(0, whole - length)
    return first, first + length

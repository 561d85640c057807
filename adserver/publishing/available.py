"""`available`: from what is live, learnt and counted to what can still be sold of a slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from adserver.core.available import HORIZON_SECONDS, Available, Counted, Question, available
from adserver.core.booking import may_book
from adserver.core.bought import ByUnit, bought, delivered_by_unit
from adserver.core.catalog import Catalog, Clause, Generation, Site, Slot
from adserver.core.context import Context
from adserver.core.deviation import Deviation, deviation_of
from adserver.core.events import Delivered, Metric
from adserver.core.flights import zone
from adserver.core.forecast import (
    DAY_SECONDS,
    HOURS_A_DAY,
    NOTHING,
    Clock,
    Forecast,
    History,
    clock,
    curve,
)
from adserver.core.market import Market, is_sold
from adserver.core.ports.commands import KnownSamples, KnownTraffic
from adserver.core.problems import Problem
from adserver.core.samples import Sample
from adserver.core.targeting import URL, values_of
from adserver.core.traffic import Scope, Traffic, days_counted
from adserver.publishing import moments
from adserver.publishing.findings import Findings
from adserver.publishing.nodes import ListNode, MapNode, Node, Scalar
from adserver.publishing.schema import Fields
from adserver.publishing.targeting import read_targeting

# A forecast knows each day of the week, or says nothing.
MIN_DAYS = 7
# Days that are looked at to see how much they differ: of the weeks that a curve still remembers.
JUDGED_DAYS = 56
# Fewer samples say nothing of a targeting.
MIN_SAMPLES = 30
# Fewer served ads say nothing of how many are shown.
MIN_SERVED = 100
DEFAULT_DAYS = 30
MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class Wish:
    """first, last: days of the site's zone, both included."""

    slot: Slot
    first: date
    last: date
    targeting: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """What the store knows. delivered: ever; numbers: every name's."""

    live: Generation
    numbers: Mapping[str, int]
    delivered: Delivered
    traffic: KnownTraffic
    samples: KnownSamples


@dataclass(frozen=True, slots=True)
class Answer:
    """found: None where nothing can be said, and `problem` why not. shown: the share of served ads
    that are shown. unknown: facts that are asked for and that no sample has."""

    found: Available | None = None
    problem: str = ""
    days: int = 0
    samples: int = 0
    shown: float = 1.0
    unknown: tuple[str, ...] = ()
    unsampled: bool = False


def read_wish(
    facts: Mapping[str, Iterable[str]], site: Site
) -> tuple[tuple[Clause, ...], list[Problem]]:
    """Facts and the values that are wanted of them, any of several, as a campaign's targeting."""
    entries: dict[str, tuple[Scalar, Node]] = {
        fact: (scalar(fact), ListNode(0, 0, [scalar(value) for value in values]))
        for fact, values in facts.items()
    }
    findings = Findings("")
    targeting: Node = MapNode(0, 0, entries)
    campaign = MapNode(0, 0, {"targeting": (scalar("targeting"), targeting)} if entries else {})
    clauses = read_targeting(Fields(campaign, findings), site)
    return clauses, findings.problems


def scalar(text: str) -> Scalar:
    return Scalar(0, 0, text)


def find_out(records: Records, wish: Wish, now: float) -> Answer:
    """now: UTC seconds."""
    return Inquiry(records, wish, now).answer()


@dataclass
class Inquiry:
    """One question, and what was read for it."""

    records: Records
    wish: Wish
    now: float
    scope: Scope = field(init=False)
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope.of(self.records.live)
        self.zone = zone(self.scope.timezone)

    @property
    def catalog(self) -> Catalog:
        return self.records.live.catalog

    def answer(self) -> Answer:
        traffic = self.records.traffic.traffic(self.scope, self.now)
        days = whole_days(traffic.history(self.number(self.wish.slot)))
        if days < MIN_DAYS:
            return Answer(problem=self.too_few_days(days), days=days)
        samples = {slot.name: self.sampled(slot) for slot in self.concerned()}
        own = samples[self.wish.slot.name]
        if self.wish.targeting and len(own) < MIN_SAMPLES:
            return Answer(problem=self.too_few_samples(len(own)), days=days, samples=len(own))
        question = self.question()
        market = Market(self.catalog, self.forecasts(traffic, question.until), samples, self.now)
        counted = Counted(
            left=dict(self.left()),
            shown=shown_of(self.records.delivered),
            deviation=self.deviation(traffic),
            samples=effective(own),
        )
        return Answer(
            found=available(market, question, counted, self.now),
            days=days,
            samples=len(own),
            shown=counted.shown,
            unknown=tuple(unknown_facts(self.wish.targeting, own)),
            unsampled=not own,
        )

    def number(self, slot: Slot) -> int:
        return self.records.live.numbers[f"slot/{slot.name}"]

    def too_few_days(self, days: int) -> str:
        counted = (
            f"only {days} days of {self.wish.slot.name} are counted"
            if days
            else f"less than a day of {self.wish.slot.name} is counted"
        )
        if days == 1:
            counted = counted.replace("days", "day").replace("are", "is")
        return f"{counted}; a forecast needs {MIN_DAYS} days"

    def too_few_samples(self, samples: int) -> str:
        return (
            f"only {samples} requests of {self.wish.slot.name} were sampled in the last days; what "
            f"a targeting means can be told from {MIN_SAMPLES} on"
        )

    def concerned(self) -> list[Slot]:
        """The slot, and every other that a campaign which competes for it is booked in."""
        sold = [one for one in self.catalog.campaigns if is_sold(one, self.now)]
        names = {
            slot.name
            for one in sold
            if may_book(one, self.wish.slot)
            for slot in self.catalog.slots
            if may_book(one, slot)
        }
        return [
            slot
            for slot in self.catalog.slots
            if slot.name in names or slot.name == self.wish.slot.name
        ]

    def sampled(self, slot: Slot) -> list[Sample]:
        return self.records.samples.samples(self.number(slot), self.now)

    def question(self) -> Question:
        return Question(
            self.wish.slot.name,
            moments.midnight(self.wish.first, self.zone),
            moments.midnight(self.wish.last + timedelta(days=1), self.zone),
            self.wish.targeting,
        )

    def forecasts(self, traffic: Traffic, until: float) -> dict[str, Forecast]:
        changes = clock_around(self.scope.timezone, self.now, until + HORIZON_SECONDS)
        return {
            slot.name: Forecast(hours_of(traffic.history(self.number(slot))), changes)
            for slot in self.catalog.slots
        }

    def left(self) -> Iterable[tuple[str, float | None]]:
        by_unit = delivered_by_unit(self.records.numbers, self.records.delivered)
        for campaign in self.catalog.campaigns:
            if (order := bought(campaign)) is not None:
                left = max(0, order.most - by_unit[order.unit].get(campaign.name, 0))
                yield campaign.name, impressions_for(campaign.name, order.metric, left, by_unit)

    def deviation(self, traffic: Traffic) -> Deviation:
        """Of the whole days before today."""
        slot = self.number(self.wish.slot)
        only = self.scope._replace(slots=(slot,))
        today = moments.local(self.now, self.zone).date()
        since = moments.midnight(today - timedelta(days=JUDGED_DAYS), self.zone)
        until = moments.midnight(today, self.zone)
        counted: Counter[date] = Counter()
        for begin, requests in self.records.traffic.requests(only, since, until).items():
            counted[moments.local(begin, self.zone).date()] += requests.get(slot, 0)
        expected = curve(traffic.history(slot))
        days = sorted(day for day, requests in counted.items() if requests)
        # The first has only begun where the slot is younger than that.
        return deviation_of([(counted[day], of_day(expected, day)) for day in days[1:]])


def whole_days(history: History) -> int:
    # Numbers that fade are not exact: an hour more or less does not matter.
    return int(days_counted(history) + 1 / HOURS_A_DAY)


def hours_of(history: History) -> tuple[float, ...]:
    """Of a slot that nobody has asked for, nothing is expected."""
    return curve(history) if any(history.requests) else NOTHING


def impressions_for(name: str, metric: Metric, left: int, by_unit: ByUnit) -> float | None:
    """How many impressions it takes; None for clicks of which there was none yet."""
    if metric is Metric.IMPRESSION:
        return float(left)
    impressions, clicks = (by_unit[unit].get(name, 0) for unit in ("impressions", "clicks"))
    return left * impressions / clicks if clicks else None


def of_day(hours: Sequence[float], day: date) -> float:
    return sum(hours[day.weekday() * 24 : day.weekday() * 24 + 24])


def clock_around(timezone: str, now: float, until: float) -> Clock:
    """From before anything that is asked for, at whole days, so that it can be kept."""
    return clock(timezone, now // DAY_SECONDS * DAY_SECONDS - DAY_SECONDS, until)


def shown_of(delivered: Delivered) -> float:
    """The share of served ads that are shown, of all that were ever served."""
    served = sum(n for (metric, _), n in delivered.items() if metric is Metric.SERVED)
    shown = sum(n for (metric, _), n in delivered.items() if metric is Metric.IMPRESSION)
    return min(1.0, shown / served) if served >= MIN_SERVED and shown else 1.0


def effective(samples: Sequence[Sample]) -> float:
    """How many samples of equal weight tell as much (Kish, 1965)."""
    squares = sum(one.weight**2 for one in samples)
    return sum(one.weight for one in samples) ** 2 / squares if squares else 0.0


def unknown_facts(targeting: Iterable[Clause], samples: Sequence[Sample]) -> Iterable[str]:
    if not samples:
        return
    for clause in targeting:
        if not any(has(clause.fact, one.context) for one in samples):
            yield clause.fact


def has(fact: str, context: Context) -> bool:
    return bool(context.url if fact == URL else values_of(context).get(fact))

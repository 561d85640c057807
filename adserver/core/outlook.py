"""Where every campaign with a goal should be by now, and what is to be said of where it is.

What `core.pacing` says of one booking, for all that are live: bookings are made of campaigns, of
the learnt traffic of their slots and of samples of it. Made anew when one of these has changed,
then asked as often as anybody likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import NamedTuple

from adserver.core import pacing
from adserver.core.booking import may_book
from adserver.core.bought import Bought, bought
from adserver.core.catalog import Campaign, Flight, Generation, Pace, Slot, State, Tier
from adserver.core.events import Metric
from adserver.core.forecast import (
    DAY_SECONDS,
    WEEK_SECONDS,
    Clock,
    Forecast,
    clock,
    curve,
    level_of,
)
from adserver.core.pacing import Booking, Course, Progress, Verdict, course, presents
from adserver.core.reach import dividing, forecast_key, sharing, taker_of
from adserver.core.samples import Sample
from adserver.core.shelf import weight_of
from adserver.core.steps import Steps, chosen, in_steps, made_of
from adserver.core.traffic import Traffic, days_counted

# A flight without an end is taken to last so long.
HORIZON_SECONDS = 366 * DAY_SECONDS
# With fewer days of a slot counted, nobody is told that a goal is out of reach.
MIN_DAYS = 7

Samples = Mapping[int, Sequence[Sample]]
"""By the slot's number."""
Reach = tuple[tuple[str, float], ...]
"""The forecasts that a campaign draws on, by their keys, and its share of each."""


class Outlook(NamedTuple):
    """expected: how many should be delivered by now, in the goal's unit; None where that cannot be
    told: a flight without a beginning, clicks as soon as possible. verdict: None where nothing is
    to be said."""

    expected: int | None
    verdict: Verdict | None


class Planned(NamedTuple):
    """days: of how many the traffic is counted in each of its slots, at least."""

    bought: Bought
    booking: Booking
    course: Course
    days: float

    @property
    def known(self) -> bool:
        """Whether well enough to say what is out of reach."""
        return self.days >= MIN_DAYS


class Outlooks:
    """Of all campaigns with a goal."""

    def __init__(
        self,
        forecasts: dict[str, Forecast],
        planned: dict[str, Planned],
        without_course: dict[str, tuple[Bought, float]],
    ) -> None:
        self._forecasts, self._planned = forecasts, planned
        self._without_course = without_course

    @classmethod
    def compiling(
        cls, generation: Generation, traffic: Traffic, samples: Samples, now: float
    ) -> Steps[Outlooks]:
        """now: UTC seconds, of when it is made."""
        counted = [
            (campaign, order)
            for campaign in generation.catalog.campaigns
            if campaign.state is not State.DRAFT and (order := bought(campaign)) is not None
        ]
        reaches = yield from Reaches.compiling(
            generation, traffic, samples, [one for one, _ in counted], now
        )
        planned: dict[str, Planned] = {}
        without: dict[str, tuple[Bought, float]] = {}
        for (campaign, order), ends in in_steps(counted):
            flight = campaign.flight
            soon = campaign.pacing is Pace.ASAP and order.metric is Metric.CLICK
            if flight.since is None or soon:
                without[campaign.name] = order, inf if flight.until is None else flight.until
            else:
                planned[campaign.name] = reaches.plan(campaign, order, flight.since)
            if ends:
                yield
        return cls(reaches.forecasts, planned, without)

    def at(self, delivered: Mapping[str, Mapping[str, int]], now: float) -> dict[str, Outlook]:
        """Of each campaign with a goal. delivered: by unit and campaign; now: UTC seconds."""
        at = presents(self._forecasts, now)
        found = {
            name: outlook_of(planned, delivered[planned.bought.unit].get(name, 0), at, now)
            for name, planned in self._planned.items()
        }
        for name, (order, until) in self._without_course.items():
            enough = delivered[order.unit].get(name, 0) >= order.goal
            over = Verdict.SHORT if now >= until else None
            found[name] = Outlook(None, Verdict.DELIVERED if enough else over)
        return found


def outlook_of(
    planned: Planned, delivered: int, at: Mapping[str, pacing.Present], now: float
) -> Outlook:
    order, booking = planned.bought, planned.booking
    due, verdict = pacing.expected(booking, planned.course, Progress(delivered), at, now)
    if verdict is Verdict.OUT_OF_REACH and not planned.known:
        verdict = pacing.verdict(booking, Progress(delivered), due, inf, now)
    # What comes beyond the goal is a precaution of ours, and nobody waits for it.
    if delivered >= order.goal:
        verdict = Verdict.DELIVERED
    return Outlook(min(due, order.goal), verdict)


class Reaches:
    """The forecasts that campaigns draw on, and which share of each they may have: of what
    sponsorships leave, as they run in the next week.

    forecasts: by slot, and by slot during some hours, at the level of the last hours. slots: the
    number of each one's slot. whole: by that number, all of a slot's traffic.
    """

    def __init__(self, campaigns: Sequence[Campaign], now: float) -> None:
        self.forecasts: dict[str, Forecast] = {}
        self.slots: dict[str, int] = {}
        self.whole: dict[int, Forecast] = {}
        self._now = now
        self._reach: dict[str, list[tuple[str, float]]] = {one.name: [] for one in campaigns}
        self._days = dict.fromkeys(self._reach, inf)
        # Many campaigns have equal ones, of which one is kept.
        self._parts: dict[tuple[str, float], tuple[str, float]] = {}
        self._reaches: dict[Reach, Reach] = {}

    @classmethod
    def compiling(
        cls,
        generation: Generation,
        traffic: Traffic,
        samples: Samples,
        campaigns: Sequence[Campaign],
        now: float,
    ) -> Steps[Reaches]:
        made = cls(campaigns, now)
        changes = clock(generation.catalog.site.timezone, *span(campaigns, now))
        sponsors = yield from chosen(generation.catalog.campaigns, is_sponsor)
        for slot in generation.catalog.slots:
            booked = yield from chosen(campaigns, partial(may_book, slot=slot))
            if booked:
                number = generation.numbers[f"slot/{slot.name}"]
                before = yield from chosen(sponsors, partial(may_book, slot=slot))
                shares = yield from made._sharing(slot, booked, before, samples.get(number, ()))
                made.whole[number] = forecast_of(traffic, number, changes, now)
                days = days_counted(traffic.history(number))
                yield from made._adding(slot, zip(booked, shares, strict=True), number, days)
            yield
        return made

    def _sharing(
        self,
        slot: Slot,
        booked: Sequence[Campaign],
        sponsors: Sequence[Campaign],
        samples: Iterable[Sample],
    ) -> Steps[list[float]]:
        takers = yield from made_of((*booked, *sponsors), partial(taker_of, slot=slot))
        parts = yield from dividing(takers, samples)
        loads = {
            position: weight_of(one) * running(one.flight, self._now)
            for position, one in enumerate(sponsors, len(booked))
        }
        return (yield from sharing(parts, len(takers), loads))[: len(booked)]

    def _adding(
        self, slot: Slot, reached: Iterable[tuple[Campaign, float]], number: int, days: float
    ) -> Steps[None]:
        forecast = self.whole[number]
        for (campaign, share), ends in in_steps(reached):
            key = forecast_key(slot.name, campaign.hours)
            if key not in self.forecasts:
                self.slots[key] = number
                self.forecasts[key] = (
                    forecast.during(campaign.hours) if campaign.hours else forecast
                )
            part = key, share
            self._reach[campaign.name].append(self._parts.setdefault(part, part))
            self._days[campaign.name] = min(days, self._days[campaign.name])
            if ends:
                yield

    def of(self, campaign: Campaign) -> Reach:
        """The forecasts that it draws on, by their keys, and its share of each."""
        reach = tuple(self._reach[campaign.name])
        return self._reaches.setdefault(reach, reach)

    def plan(self, campaign: Campaign, order: Bought, since: float) -> Planned:
        until = campaign.flight.until
        booking = Booking(
            name=campaign.name,
            goal=order.most,
            since=since,
            until=max(since, self._now) + HORIZON_SECONDS if until is None else until,
            reach=self.of(campaign),
            pace=campaign.pacing,
            max_per_day=campaign.max_per_day,
        )
        plan = course(booking, self.forecasts)
        return Planned(order, booking, plan, self._days[campaign.name])


def is_sponsor(campaign: Campaign) -> bool:
    return campaign.tier is Tier.SPONSORSHIP and campaign.state is State.READY


def running(flight: Flight, now: float) -> float:
    """The share of the next week, 0 to 1, in which a flight runs."""
    begin = now if flight.since is None else max(now, flight.since)
    week = now + WEEK_SECONDS
    end = week if flight.until is None else min(week, flight.until)
    return max(0.0, end - begin) / WEEK_SECONDS


def span(campaigns: Iterable[Campaign], now: float) -> tuple[float, float]:
    """From before the first flight to behind the last, at whole UTC days."""
    first = min((c.flight.since for c in campaigns if c.flight.since is not None), default=now)
    last = max((c.flight.until for c in campaigns if c.flight.until is not None), default=now)
    return (
        min(first, now) // DAY_SECONDS * DAY_SECONDS,
        (max(last, now) // DAY_SECONDS + 1) * DAY_SECONDS + HORIZON_SECONDS,
    )


def forecast_of(traffic: Traffic, slot: int, changes: Clock, now: float) -> Forecast:
    """A slot's forecast at the level of its last hours."""
    forecast = Forecast(curve(traffic.history(slot)), changes)
    return forecast.at_level(level_now(forecast, traffic, slot, now))


def level_now(whole: Forecast, traffic: Traffic, slot: int, now: float) -> float:
    """How a slot's last hours compare with what its forecast says of them."""
    promised = whole.usual(traffic.counted_from, now)
    return level_of(traffic.history(slot), traffic.since.get(slot, 0), promised)

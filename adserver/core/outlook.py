"""Where every campaign with a goal should be by now, and what is to be said of where it is.

What `core.pacing` says of one booking, for all that are live: bookings are made of campaigns, of
the learnt traffic of their slots and of samples of it. Made anew when one of these has changed,
then asked as often as anybody likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from adserver.core import pacing
from adserver.core.bought import Bought, bought
from adserver.core.catalog import Campaign, Generation, Pace, Slot, State, may_book
from adserver.core.events import Metric
from adserver.core.forecast import DAY_SECONDS, Clock, Forecast, clock, curve, level_of
from adserver.core.pacing import Booking, Course, Progress, Verdict, course, presents
from adserver.core.reach import forecast_key, parts_of, shares, taker_of
from adserver.core.samples import Sample
from adserver.core.traffic import Traffic, days_counted

# A flight without an end is taken to last so long.
HORIZON_SECONDS = 366 * DAY_SECONDS
# With fewer days of a slot counted, nobody is told that a goal is out of reach.
MIN_DAYS = 7

Samples = Mapping[int, Sequence[Sample]]
"""By the slot's number."""


class Outlook(NamedTuple):
    """expected: how many should be delivered by now, in the goal's unit; None where that cannot be
    told: a flight without a beginning, clicks as soon as possible. verdict: None where nothing is
    to be said."""

    expected: int | None
    verdict: Verdict | None


class Planned(NamedTuple):
    """known: whether the traffic of its slots is known well enough to say what is out of reach."""

    bought: Bought
    booking: Booking
    course: Course
    known: bool


class Outlooks:
    """now: UTC seconds, of when it is made."""

    def __init__(
        self, generation: Generation, traffic: Traffic, samples: Samples, now: float
    ) -> None:
        self._forecasts: dict[str, Forecast] = {}
        self._planned: dict[str, Planned] = {}
        self._open: dict[str, tuple[Bought, float]] = {}
        counted = [
            (campaign, order)
            for campaign in generation.catalog.campaigns
            if campaign.state is not State.DRAFT and (order := bought(campaign)) is not None
        ]
        reach = Reaches(generation, traffic, samples, [one for one, _ in counted], now)
        for campaign, order in counted:
            until = campaign.flight.until
            soon = campaign.pacing is Pace.ASAP and order.metric is Metric.CLICK
            if campaign.flight.since is None or soon:
                self._open[campaign.name] = order, inf if until is None else until
            else:
                self._planned[campaign.name] = reach.plan(campaign, order, campaign.flight.since)
        self._forecasts = reach.forecasts

    def at(self, delivered: Mapping[str, Mapping[str, int]], now: float) -> dict[str, Outlook]:
        """Of each campaign with a goal. delivered: by unit and campaign; now: UTC seconds."""
        at = presents(self._forecasts, now)
        found = {
            name: outlook_of(planned, delivered[planned.bought.unit].get(name, 0), at, now)
            for name, planned in self._planned.items()
        }
        for name, (order, until) in self._open.items():
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
    """The forecasts that campaigns draw on, and which share of each they may have."""

    def __init__(
        self,
        generation: Generation,
        traffic: Traffic,
        samples: Samples,
        campaigns: Sequence[Campaign],
        now: float,
    ) -> None:
        self.forecasts: dict[str, Forecast] = {}
        self._now = now
        self._reach: dict[str, list[tuple[str, float]]] = {one.name: [] for one in campaigns}
        self._known = dict.fromkeys(self._reach, True)
        zone = generation.catalog.site.timezone
        changes = clock(zone, *span(campaigns, now))
        for slot in generation.catalog.slots:
            booked = [one for one in campaigns if may_book(one, slot)]
            if booked:
                number = generation.numbers[f"slot/{slot.name}"]
                forecast = forecast_of(traffic, number, changes, now)
                known = days_counted(traffic.history(number)) >= MIN_DAYS
                self._add(slot, booked, samples.get(number, ()), forecast, known)

    def _add(
        self,
        slot: Slot,
        booked: Sequence[Campaign],
        samples: Iterable[Sample],
        forecast: Forecast,
        known: bool,
    ) -> None:
        parts = parts_of([taker_of(one, slot) for one in booked], samples)
        for campaign, share in zip(booked, shares(parts, len(booked)), strict=True):
            key = forecast_key(slot.name, campaign.hours)
            if key not in self.forecasts:
                self.forecasts[key] = (
                    forecast.during(campaign.hours) if campaign.hours else forecast
                )
            self._reach[campaign.name].append((key, share))
            self._known[campaign.name] &= known

    def plan(self, campaign: Campaign, order: Bought, since: float) -> Planned:
        until = campaign.flight.until
        booking = Booking(
            name=campaign.name,
            goal=order.most,
            since=since,
            until=max(since, self._now) + HORIZON_SECONDS if until is None else until,
            reach=tuple(self._reach[campaign.name]),
            pace=campaign.pacing,
        )
        plan = course(booking, self.forecasts)
        return Planned(order, booking, plan, self._known[campaign.name])


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
    history = traffic.history(slot)
    forecast = Forecast(curve(history), changes)
    promised = forecast.usual(traffic.counted_from, now)
    return forecast.at_level(level_of(history, traffic.since.get(slot, 0), promised))

"""Pacing: how often each guaranteed campaign takes part, so that all end at their goals in time.

A campaign's rate is the probability that it takes a request which it may have. It is a pure
function of what has been delivered and of the forecast, so there is no controller to lose, to
restart or to agree on between nodes: whoever has the counts has the rates. It is urgency (what is
left over the supply that is left; the base of High Water Mark, Chen et al., arXiv 1203.3593, and of
SHALE, Bharadwaj et al., KDD 2012), corrected by how far the campaign is behind a curve shaped like
its own traffic (Agarwal et al., "Budget Pacing for Targeted Online Advertisements at LinkedIn",
KDD 2014, has that curve):

    rate = min(1, remaining / supply * exp(clip(GAIN * lag, -LIMIT, LIMIT)))

Requests are drawn as in High Water Mark: rates are added up in a fixed order, scarcest first, one
draw falls into one campaign's stretch or beyond all; what reaches beyond 1 is cut, never scaled,
for scaling takes from those who have no other supply.

Rates shape delivery and do not stop it: that a goal is never exceeded is the business of leases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, sqrt
from typing import NamedTuple

from adserver.core.catalog import Pace
from adserver.core.forecast import LEVEL_SECONDS, Forecast

# How hard a lag is answered: a campaign that is 5 % of its goal behind takes 2.7 times as much.
GAIN = 20.0
# At most 4.5 times as much, at least 0.22: beyond, a wrong forecast would swing it about.
LIMIT = 1.5
# Even delivery runs this much ahead of its curve, so that it is through at 97 % of its traffic:
# what was reserved and not shown comes back while there is time to show it again.
AHEAD = 1.03


# A campaign is called behind or ahead beyond this share of its goal (where its rate is 2.7 times
# what it would be, or a third) and two standard deviations of a count as large as is expected.
TOLERANCE = 0.05
DEVIATIONS = 2.0


@dataclass(frozen=True, slots=True)
class Booking:
    """What a guaranteed campaign has bought, as numbers.

    goal: impressions, buffer included; since, until: its flight, UTC seconds, `until` exclusive.
    reach: for each forecast it draws on, by its key (a slot, or a slot during some hours), the
    share of that traffic which it may have, 0 to 1. max_per_day: 0 is without a limit.
    """

    name: str
    goal: int
    since: float
    until: float
    reach: tuple[tuple[str, float], ...]
    pace: Pace = Pace.EVEN
    max_per_day: int = 0


class Progress(NamedTuple):
    """How far a campaign is: impressions delivered, reserved (served and not yet confirmed).

    today: both together since the campaign's midnight. For `max_per_day` only.
    """

    delivered: int = 0
    reserved: int = 0
    today: int = 0


class Course(NamedTuple):
    """A stretch of time in which a goal is to be reached, laid over its forecasts.

    before: running sums of the forecasts at `since`, each times the share of it; total: requests
    that the campaign may have until `until`, by the curves alone. As good as its forecasts are, so
    made anew with them, once an hour.
    """

    goal: int
    since: float
    until: float
    reach: tuple[tuple[str, float], ...]
    before: float
    total: float


def course(booking: Booking, forecasts: Mapping[str, Forecast]) -> Course:
    """The course of the whole flight. Raises KeyError if a forecast of its reach is missing."""
    return stretch(booking, booking.goal, booking.since, booking.until, forecasts)


def day_course(
    booking: Booking, begin: float, end: float, forecasts: Mapping[str, Forecast]
) -> Course:
    """The course of one day, whose goal is `max_per_day`; the campaign's midnights, UTC seconds."""
    since, until = max(begin, booking.since), min(end, booking.until)
    return stretch(booking, booking.max_per_day, since, until, forecasts)


def stretch(
    booking: Booking, goal: int, since: float, until: float, forecasts: Mapping[str, Forecast]
) -> Course:
    before = sum(share * forecasts[key].running(since) for key, share in booking.reach)
    after = sum(share * forecasts[key].running(until) for key, share in booking.reach)
    return Course(goal, since, until, booking.reach, before, max(0.0, after - before))


def scarcity(plan: Course, name: str) -> tuple[float, str]:
    """The sorting key of the fixed order in which rates are added up, scarcest first.

    Scarcest is who has the fewest requests to choose from, as in High Water Mark; ties by name, so
    that the order of files never matters.
    """
    return plan.total, name


class Present(NamedTuple):
    """A forecast at one instant, looked up once for all the campaigns that draw on it.

    running: its sum until now; near: what its recent level adds to the next LEVEL_SECONDS.
    """

    forecast: Forecast
    running: float
    near: float


def presents(forecasts: Mapping[str, Forecast], now: float) -> dict[str, Present]:
    return {
        key: Present(one, one.running(now), one.surplus(now, now + LEVEL_SECONDS))
        for key, one in forecasts.items()
    }


def rate(  # noqa: PLR0913 - a dataclass would be made per campaign and refresh
    booking: Booking,
    plan: Course,
    progress: Progress,
    at: Mapping[str, Present],
    now: float,
    day: Course | None = None,
) -> float:
    """The probability, 0 to 1, with which a campaign takes a request that it may have.

    plan: the course of its flight; at: its forecasts at `now` (UTC seconds); day: the course of
    today, needed where there is a `max_per_day`. About 2 µs.
    """
    if not booking.since <= now < booking.until or progress.delivered >= booking.goal:
        return 0.0
    if booking.pace is Pace.ASAP:
        # What is reserved may come back at any moment, and leases know when.
        return 1.0
    taken = progress.delivered + progress.reserved
    if taken >= booking.goal or (day is not None and progress.today >= day.goal):
        return 0.0
    flight = urgency(plan, taken, at, now)
    return flight if day is None else min(flight, urgency(day, progress.today, at, now))


def urgency(plan: Course, taken: int, at: Mapping[str, Present], now: float) -> float:
    """The rate, 0 to 1, that brings a course to its goal; `taken` is less than the goal."""
    past, near = position(plan, at, now)
    return pressed(plan.goal, plan.total, taken, past, near)


def pressed(goal: int, total: float, taken: int, past: float, near: float) -> float:
    """The formula. past, near: as `position` has them; `taken` is less than the goal."""
    supply = total / AHEAD - past + near
    if supply <= 0.0:
        return 1.0
    pressure = GAIN * (min(1.0, AHEAD * past / total) - taken / goal)
    pressure = min(LIMIT, max(-LIMIT, pressure))
    return min(1.0, (goal - taken) / supply * exp(pressure))


def position(plan: Course, at: Mapping[str, Present], now: float) -> tuple[float, float]:
    """Requests of its total that are past, and how many more than usual are to come soon."""
    running, near = drawn(plan.reach, at)
    if plan.until - now < LEVEL_SECONDS:
        near = sum(share * at[key].forecast.surplus(now, plan.until) for key, share in plan.reach)
    return min(plan.total, max(0.0, running - plan.before)), near


def drawn(reach: tuple[tuple[str, float], ...], at: Mapping[str, Present]) -> tuple[float, float]:
    """What of its forecasts has come until now, as a running sum, and how many more than usual
    are to come soon; for all who draw on the same."""
    running = near = 0.0
    for key, share in reach:
        _, sum_, surplus = at[key]
        running += share * sum_
        near += share * surplus
    return running, near


def choose(order: Sequence[int], rates: Sequence[float], draw: float) -> int | None:
    """Whose stretch the draw falls in; None is beyond all: a request for the next tier.

    order: who may have the request, scarcest first, as indices of `rates`; draw: in [0, 1).
    """
    for one in order:
        draw -= rates[one]
        if draw < 0.0:
            return one
    return None


def chances(order: Sequence[int], rates: Sequence[float]) -> list[float]:
    """The probability with which each of `order` is chosen: its rate, or what is left of 1."""
    left, found = 1.0, []
    for one in order:
        found.append(min(left, rates[one]))
        left -= found[-1]
    return found


class Verdict(StrEnum):
    """How a campaign is doing, for a person."""

    NOT_STARTED = "not started"
    ON_COURSE = "on course"
    AHEAD = "ahead"
    BEHIND = "behind"
    # More is left than it could have if it took all that is forecast.
    OUT_OF_REACH = "out of reach"
    DELIVERED = "delivered"
    SHORT = "ended short"


class Outlook(NamedTuple):
    """expected: impressions that should be delivered by now, by its curve (not run ahead)."""

    expected: int
    verdict: Verdict


def expected(
    booking: Booking, plan: Course, progress: Progress, at: Mapping[str, Present], now: float
) -> Outlook:
    """Where a campaign should be at `now` (UTC seconds), and what is to be said of where it is."""
    if now < booking.since:
        return Outlook(0, Verdict.NOT_STARTED)
    due, supply = due_and_supply(booking, plan, at, now)
    return Outlook(round(due), verdict(booking, progress, due, supply, now))


def due_and_supply(
    booking: Booking, plan: Course, at: Mapping[str, Present], now: float
) -> tuple[float, float]:
    """How many should be delivered at `now`, by the curve, and how many requests that it may have
    are still to come."""
    past, near = position(plan, at, now)
    if now >= booking.until:
        due = float(plan.goal)
    elif booking.pace is Pace.ASAP:
        due = min(plan.goal, past)
    else:
        due = plan.goal * past / plan.total if plan.total else 0.0
    return due, max(0.0, plan.total - past + near)


def verdict(booking: Booking, progress: Progress, due: float, supply: float, now: float) -> Verdict:
    if progress.delivered >= booking.goal:
        return Verdict.DELIVERED
    if now >= booking.until:
        return Verdict.SHORT
    taken = progress.delivered + progress.reserved
    if booking.goal - taken > supply:
        return Verdict.OUT_OF_REACH
    slack = TOLERANCE * booking.goal + DEVIATIONS * sqrt(due)
    if taken < due - slack:
        return Verdict.BEHIND
    return Verdict.AHEAD if taken > due + slack else Verdict.ON_COURSE

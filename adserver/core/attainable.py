"""How much of each goal can still be delivered, by the traffic that was learnt.

What `core.outlook` says of campaigns that run, as a number, and of those that are to come as well:
all the requests that are forecast until a flight ends, times the share of them that the campaign
may have, of what sponsorships leave. A `max_per_day` leaves no more than itself of each day.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from adserver.core.bought import ByUnit, bought
from adserver.core.catalog import Campaign, Generation, State
from adserver.core.flights import ended
from adserver.core.forecast import DAY_SECONDS
from adserver.core.outlook import MIN_DAYS, Planned, Reaches, Samples
from adserver.core.pacing import Present, due_and_supply, presents
from adserver.core.steps import Steps, in_steps
from adserver.core.traffic import Traffic

# Of fewer days than MIN_DAYS, what is out of reach by so many times is told all the same. Hours of
# one day may differ by more than that: where no whole day is counted, it takes more.
FAR, FAR_BY_HOURS = 10, 100
# Days are reckoned with logarithms, so that a day may be a little less.
ALMOST = 0.001
HOUR = 1 / 24 - ALMOST


class Attainable(NamedTuple):
    """goal, expected: in the unit; expected: what is delivered when the flight ends, at most.
    days: how many are counted, whole ones, of which MIN_DAYS are enough."""

    goal: int
    expected: int
    unit: str
    days: int = MIN_DAYS

    @property
    def short(self) -> bool:
        """Whether it is known of too few days to be more than a rough guess."""
        return self.days < MIN_DAYS

    @property
    def far(self) -> bool:
        """Whether the goal is so far off that a rough guess will do."""
        return self.goal > self.expected * (FAR if self.days else FAR_BY_HOURS)

    @property
    def enough(self) -> bool:
        return self.expected >= self.goal


def attainable(
    generation: Generation, traffic: Traffic, samples: Samples, delivered: ByUnit, now: float
) -> Steps[dict[str, Attainable]]:
    """By campaign, of those with a goal, that are not over, and in whose slots at least seven days
    are known; of fewer (an hour at least), of those that are far from it. now: UTC seconds."""
    counted = [
        (campaign, order)
        for campaign in generation.catalog.campaigns
        if campaign.state is State.READY
        and (order := bought(campaign)) is not None
        and not ended(campaign.flight, now)
    ]
    campaigns = [campaign for campaign, _ in counted]
    reaches = yield from Reaches.compiling(generation, traffic, samples, campaigns, now)
    at = presents(reaches.forecasts, now)
    found: dict[str, Attainable] = {}
    for (campaign, order), ends in in_steps(counted):
        since = now if campaign.flight.since is None else campaign.flight.since
        planned = reaches.plan(campaign, order, since)
        if planned.booking.reach and planned.days >= HOUR:
            there = delivered[order.unit].get(campaign.name, 0)
            supply = round(supply_of(campaign, planned, at, now))
            there_then = min(order.goal, there + supply)
            one = Attainable(order.goal, there_then, order.unit, whole_days(planned))
            if one.far or not one.short:
                found[campaign.name] = one
        if ends:
            yield
    return found


def whole_days(planned: Planned) -> int:
    return MIN_DAYS if planned.known else min(int(planned.days + ALMOST), MIN_DAYS - 1)


def supply_of(
    campaign: Campaign,
    planned: Planned,
    at: Mapping[str, Present],
    now: float,
) -> float:
    booking = planned.booking
    if now < booking.since:
        supply = planned.course.total
    else:
        _, supply = due_and_supply(booking, planned.course, at, now)
    if campaign.max_per_day:
        # A day that has begun is one more of the campaign's own.
        days = ceil((booking.until - max(now, booking.since)) / DAY_SECONDS)
        supply = min(supply, campaign.max_per_day * days)
    return supply

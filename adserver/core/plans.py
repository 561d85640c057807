"""The plans of all campaigns that have goals, and the rates at which they therefore take part.

Plans follow what is known of the slots' traffic, and are made anew when an hour has been learnt or
a generation applied. Rates follow what has been delivered, every few seconds. Both are pure
functions of what the store says: each worker reckons for itself, and they agree without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from adserver.core.catalog import Campaign, Generation, State
from adserver.core.columns import NOT_BEGUN, Columns, Plan, Standing, rate_of
from adserver.core.days import day_around
from adserver.core.ecpm import click_rate
from adserver.core.flights import ended
from adserver.core.goals import Limits, Unit, limits_of
from adserver.core.outlook import HORIZON_SECONDS, Reach, Reaches, Samples, level_now
from adserver.core.pacing import (
    Booking,
    Present,
    course,
    day_course,
    due_and_supply,
    presents,
)
from adserver.core.rates import Rates, is_paced
from adserver.core.steps import Steps, chosen, in_steps, ordered
from adserver.core.traffic import Traffic


class Account(NamedTuple):
    """The numbers behind a rate, in the goal's unit.

    goal: with its buffer. due: how many should be delivered by now, None of a flight without a
    beginning. left: of the goal, neither delivered nor reserved. supply: requests that it may have
    until its flight ends, or clicks on them. today, a_day: None without a daily limit.
    """

    rate: float
    unit: Unit
    goal: int
    delivered: int
    reserved: int
    due: int | None
    left: int
    supply: int
    today: int | None = None
    a_day: int | None = None


class Plans:
    """What is known of traffic, and each campaign's plan.

    good_until: UTC seconds of the first midnight of a campaign with a daily limit.
    """

    def __init__(self, reaches: Reaches) -> None:
        self._forecasts = dict(reaches.forecasts)
        self._slots, self._whole = reaches.slots, reaches.whole
        self._columns = Columns()
        self._ranks: dict[str, int] = {}
        self.good_until = float("inf")

    @classmethod
    def compiling(
        cls,
        generation: Generation,
        traffic: Traffic,
        samples: Samples,
        standings: Mapping[str, Standing],
        now: float,
    ) -> Steps[Plans]:
        """standings: by campaign; now: UTC seconds."""
        campaigns = yield from chosen(generation.catalog.campaigns, partial(takes_part, now=now))
        reaches = yield from Reaches.compiling(generation, traffic, samples, campaigns, now)
        made = cls(reaches)
        for campaign, ends in in_steps(campaigns):
            standing = standings.get(campaign.name, NOT_BEGUN)
            made._add(campaign, reaches.of(campaign), standing, now)
            if ends:
                yield
        columns = made._columns
        order = yield from ordered(range(len(columns)), columns.scarcity)
        made._ranks = {columns.names[number]: rank for rank, number in enumerate(order)}
        return made

    def __len__(self) -> int:
        """Campaigns that have one."""
        return len(self._columns)

    def _add(self, campaign: Campaign, reach: Reach, standing: Standing, now: float) -> None:
        limits, flight = limits_of(campaign), campaign.flight
        if limits is None:
            return
        since = now if flight.since is None else flight.since
        # What is over stays over: of an open flight, too, the last one of its goal is delivered.
        before = min(standing.delivered, limits.ever - 1) if flight.since is None else 0
        booking = Booking(
            name=campaign.name,
            goal=limits.ever - before,
            since=since,
            until=max(since, now) + HORIZON_SECONDS if flight.until is None else flight.until,
            reach=in_unit(reach, limits, standing),
            pace=campaign.pacing,
            max_per_day=limits.a_day,
        )
        day = None
        if limits.a_day:
            begin, end = day_around(now, flight.timezone)
            self.good_until = min(self.good_until, end)
            day = day_course(booking, begin, end, self._forecasts)
        plan = course(booking, self._forecasts)
        begins = flight.since is not None
        self._columns.add(Plan(booking, plan, before, day, limits.unit, begins))

    def follow(self, traffic: Traffic, now: float) -> None:
        """What the last minutes say of the next hours."""
        levels = {slot: level_now(whole, traffic, slot, now) for slot, whole in self._whole.items()}
        for key, forecast in self._forecasts.items():
            self._forecasts[key] = forecast.at_level(levels[self._slots[key]])

    def rates(self, standings: Mapping[str, Standing], now: float) -> Steps[Rates]:
        """now: UTC seconds. Less than a microsecond a campaign."""
        at = presents(self._forecasts, now)
        found = yield from self._columns.rates(standings, at, now)
        return Rates(found, self._ranks)

    def accounts(self, standings: Mapping[str, Standing], now: float) -> dict[str, Account]:
        """For people: of each campaign. now: UTC seconds."""
        at = presents(self._forecasts, now)
        return {
            name: account(self._columns.plan(number), standings.get(name, NOT_BEGUN), at, now)
            for number, name in enumerate(self._columns.names)
        }


def takes_part(campaign: Campaign, now: float) -> bool:
    """Whether it has a rate; one that is paused or has not begun may run within the hour."""
    live = campaign.state is not State.DRAFT and not ended(campaign.flight, now)
    return live and is_paced(campaign)


def in_unit(reach: Reach, limits: Limits, standing: Standing) -> Reach:
    """A goal of clicks draws on clicks: requests, times how often an ad of it is clicked."""
    if limits.unit is Unit.IMPRESSIONS:
        return reach
    clicked = float(click_rate(standing.delivered, standing.shown))
    return tuple((key, share * clicked) for key, share in reach)


def account(plan: Plan, standing: Standing, at: Mapping[str, Present], now: float) -> Account:
    booking = plan.booking
    goal = booking.goal + plan.before
    due, supply = due_and_supply(booking, plan.course, at, now)
    limited = plan.day is not None
    return Account(
        rate=rate_of(plan, standing, at, now),
        unit=plan.unit,
        goal=goal,
        delivered=standing.delivered,
        reserved=standing.reserved,
        due=round(due) if plan.begins else None,
        left=max(0, goal - standing.delivered - standing.reserved),
        supply=round(supply),
        today=standing.today if limited else None,
        a_day=booking.max_per_day if limited else None,
    )

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
from adserver.core.days import day_around
from adserver.core.ecpm import click_rate
from adserver.core.flights import ended
from adserver.core.goals import Limits, Unit, limits_of
from adserver.core.outlook import HORIZON_SECONDS, Reach, Reaches, Samples, level_now
from adserver.core.pacing import (
    Booking,
    Course,
    Present,
    Progress,
    course,
    day_course,
    due_and_supply,
    presents,
    rate,
    scarcity,
)
from adserver.core.rates import Rates, is_paced
from adserver.core.steps import Steps, chosen, in_steps, ordered
from adserver.core.traffic import Traffic


class Standing(NamedTuple):
    """How far a campaign is, in its goal's unit, all nodes together.

    reserved: served and not confirmed yet; today: delivered or reserved since its midnight; shown:
    impressions, whatever the unit is.
    """

    delivered: int = 0
    reserved: int = 0
    today: int = 0
    shown: int = 0


NOT_BEGUN = Standing()


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


class Plan(NamedTuple):
    """before: what had been delivered when the course of an open flight began."""

    booking: Booking
    course: Course
    before: int
    day: Course | None
    unit: Unit
    # Whether there is a first instant, from which on one can be behind.
    begins: bool


class Plans:
    """What is known of traffic, and each campaign's plan.

    good_until: UTC seconds of the first midnight of a campaign with a daily limit.
    """

    def __init__(self, reaches: Reaches) -> None:
        self._forecasts = dict(reaches.forecasts)
        self._slots, self._whole = reaches.slots, reaches.whole
        self._plans: dict[str, Plan] = {}
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
        order = yield from ordered(list(made._plans), made._scarcity)
        made._ranks = {name: rank for rank, name in enumerate(order)}
        return made

    def _scarcity(self, name: str) -> tuple[float, str]:
        return scarcity(self._plans[name].course, name)

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
        self._plans[campaign.name] = Plan(
            booking, plan, before, day, limits.unit, begins=flight.since is not None
        )

    def follow(self, traffic: Traffic, now: float) -> None:
        """What the last minutes say of the next hours."""
        levels = {slot: level_now(whole, traffic, slot, now) for slot, whole in self._whole.items()}
        for key, forecast in self._forecasts.items():
            self._forecasts[key] = forecast.at_level(levels[self._slots[key]])

    def rates(self, standings: Mapping[str, Standing], now: float) -> Steps[Rates]:
        """now: UTC seconds. Some 2 us a campaign."""
        at, found = presents(self._forecasts, now), {}
        for (name, plan), ends in in_steps(self._plans.items()):
            found[name] = rate_of(plan, standings.get(name, NOT_BEGUN), at, now)
            if ends:
                yield
        return Rates(found, self._ranks)

    def accounts(self, standings: Mapping[str, Standing], now: float) -> dict[str, Account]:
        """For people: of each campaign. now: UTC seconds."""
        at = presents(self._forecasts, now)
        return {
            name: account(plan, standings.get(name, NOT_BEGUN), at, now)
            for name, plan in self._plans.items()
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


def rate_of(plan: Plan, standing: Standing, at: Mapping[str, Present], now: float) -> float:
    delivered = max(0, standing.delivered - plan.before)
    progress = Progress(delivered, standing.reserved, standing.today)
    return rate(plan.booking, plan.course, progress, at, now, plan.day)


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

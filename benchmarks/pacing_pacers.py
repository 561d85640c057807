"""Who sets the rates in a run: pacing as it serves, and the controls beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from adserver.core.columns import Standing
from adserver.core.forecast import (
    HOUR_SECONDS,
    HOURS_A_WEEK,
    Forecast,
    History,
    clock,
    curve,
    learn,
    level_of,
)
from adserver.core.pacing import Progress, course, presents, rate, scarcity
from adserver.core.plans import Plans
from adserver.core.steps import finish
from benchmarks.pacing_catalog import generation_of, samples_of, traffic_of
from benchmarks.pacing_world import BEGIN, TIMEZONE, World

WEEK_SECONDS = 7 * 86_400


class Pacer(Protocol):
    """delivered, reserved: impressions of each campaign; now, begin: UTC seconds."""

    def rates(self, delivered: Sequence[int], reserved: Sequence[int], now: float) -> list[float]:
        """Of each campaign."""
        ...

    def ranks(self) -> list[int]:
        """Of each campaign, its place in the order in which rates are added up."""
        ...

    def look(self, begin: float, now: float, counts: Mapping[str, int]) -> None:
        """begin: when the hour began; counts: each slot's requests since."""
        ...

    def hour_is_over(
        self, begin: float, counts: Mapping[str, int], delivered: Sequence[int]
    ) -> None:
        """counts: each slot's requests in the hour that began at `begin`."""
        ...


class Serving:
    """As a worker does it (`serving/pacing.py`): plans of the live generation made anew when an
    hour has been learnt, levels every few minutes, rates on asking."""

    def __init__(self, world: World) -> None:
        self.live = generation_of(world)
        self.samples = samples_of(world, self.live)
        self.histories = dict(world.histories)
        self.names = [booking.name for booking in world.bookings]
        self.plan(BEGIN, [0] * len(self.names))

    def plan(self, now: float, delivered: Sequence[int]) -> None:
        traffic = traffic_of(self.live, self.histories, now)
        standings = self.standings(delivered, [0] * len(self.names))
        self.plans = finish(Plans.compiling(self.live, traffic, self.samples, standings, now))
        self.order = finish(self.plans.rates(standings, now)).ranks

    def standings(self, delivered: Sequence[int], reserved: Sequence[int]) -> dict[str, Standing]:
        counted = zip(self.names, delivered, reserved, strict=True)
        return {name: Standing(done, held) for name, done, held in counted}

    def rates(self, delivered: Sequence[int], reserved: Sequence[int], now: float) -> list[float]:
        found = finish(self.plans.rates(self.standings(delivered, reserved), now))
        return [found.rate(name) for name in self.names]

    def ranks(self) -> list[int]:
        # Who is not in the order has ended, and is in nobody's way.
        return [self.order.get(name, len(self.order)) for name in self.names]

    def look(self, begin: float, now: float, counts: Mapping[str, int]) -> None:
        self.plans.follow(traffic_of(self.live, self.histories, begin, counts), now)

    def hour_is_over(
        self, begin: float, counts: Mapping[str, int], delivered: Sequence[int]
    ) -> None:
        for name, requests in counts.items():
            self.histories[name] = learn(self.histories[name], begin, requests, TIMEZONE)
        self.plan(begin + HOUR_SECONDS, delivered)


def ranks_of(order: Sequence[int]) -> list[int]:
    ranks = [0] * len(order)
    for rank, c in enumerate(order):
        ranks[c] = rank
    return ranks


class ByFormula:
    """The formulae of `core.pacing` alone, which the controls change."""

    def __init__(self, world: World) -> None:
        self.bookings = world.bookings
        self.histories = self.past(world)
        end = BEGIN + (world.shape.weeks + 1) * WEEK_SECONDS
        self.clock = clock(TIMEZONE, BEGIN - WEEK_SECONDS, end)
        self.replan()
        keys = [scarcity(p, b.name) for p, b in zip(self.plans, self.bookings, strict=True)]
        self.order = ranks_of(sorted(range(len(keys)), key=keys.__getitem__))

    def past(self, world: World) -> dict[str, History]:
        return dict(world.histories)

    def ranks(self) -> list[int]:
        return self.order

    def replan(self) -> None:
        self.forecasts = {
            name: Forecast(curve(history), self.clock, level_of(history))
            for name, history in self.histories.items()
        }
        self.plans = [course(booking, self.forecasts) for booking in self.bookings]

    def hour_is_over(
        self, begin: float, counts: Mapping[str, int], delivered: Sequence[int]
    ) -> None:
        for name, requests in counts.items():
            self.histories[name] = learn(self.histories[name], begin, requests, TIMEZONE)
        self.replan()

    def look(self, begin: float, now: float, counts: Mapping[str, int]) -> None:
        """begin: when the hour began, UTC seconds; counts: each slot's requests since."""
        for name, one in self.forecasts.items():
            level = level_of(self.histories[name], counts[name], one.usual(begin, now))
            self.forecasts[name] = one.at_level(level)

    def rates(self, delivered: Sequence[int], reserved: Sequence[int], now: float) -> list[float]:
        at = presents(self.forecasts, now)
        return [
            rate(booking, plan, Progress(done, held), at, now)
            for booking, plan, done, held in zip(
                self.bookings, self.plans, delivered, reserved, strict=True
            )
        ]


class WithoutHistory(ByFormula):
    """A new installation: nothing has been counted when the campaigns begin."""

    def past(self, world: World) -> dict[str, History]:
        return {name: History() for name in world.histories}


class FlatForecast(ByFormula):
    """A slot's requests are known, and not when they come: every hour is the mean one."""

    def replan(self) -> None:
        super().replan()
        for name, one in self.forecasts.items():
            mean = sum(one.hours) / HOURS_A_WEEK
            self.forecasts[name] = Forecast([mean] * HOURS_A_WEEK, self.clock)
        self.plans = [course(booking, self.forecasts) for booking in self.bookings]


class EvenProbability(ByFormula):
    """The control: the goal over the flight's forecast requests, set once, without feedback."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.fixed = [min(1.0, plan.goal / max(1.0, plan.total)) for plan in self.plans]

    def hour_is_over(
        self, begin: float, counts: Mapping[str, int], delivered: Sequence[int]
    ) -> None:
        pass

    def look(self, begin: float, now: float, counts: Mapping[str, int]) -> None:
        pass

    def rates(self, delivered: Sequence[int], reserved: Sequence[int], now: float) -> list[float]:
        return [
            fixed if one.since <= now < one.until and done + held < one.goal else 0.0
            for fixed, one, done, held in zip(
                self.fixed, self.bookings, delivered, reserved, strict=True
            )
        ]

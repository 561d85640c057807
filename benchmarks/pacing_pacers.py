"""Who sets the rates in a run: pacing as it serves, without a past, and the controls beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adserver.core.forecast import (
    HOURS_A_WEEK,
    Forecast,
    History,
    clock,
    curve,
    learn,
    level_of,
)
from adserver.core.pacing import Progress, course, presents, rate
from benchmarks.pacing_world import BEGIN, TIMEZONE, World

WEEK_SECONDS = 7 * 86_400


class Pacer:
    """As a node does it: forecasts renewed each hour, levels every few minutes, rates on asking."""

    def __init__(self, world: World) -> None:
        self.bookings = world.bookings
        self.histories = self.past(world)
        end = BEGIN + (world.shape.weeks + 1) * WEEK_SECONDS
        self.clock = clock(TIMEZONE, BEGIN - WEEK_SECONDS, end)
        self.replan()

    def past(self, world: World) -> dict[str, History]:
        return dict(world.histories)

    def replan(self) -> None:
        self.forecasts = {
            name: Forecast(curve(history), self.clock, level_of(history))
            for name, history in self.histories.items()
        }
        self.plans = [course(booking, self.forecasts) for booking in self.bookings]

    def hour_is_over(self, begin: float, counts: Mapping[str, int]) -> None:
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


class WithoutHistory(Pacer):
    """A new installation: nothing has been counted when the campaigns begin."""

    def past(self, world: World) -> dict[str, History]:
        return {name: History() for name in world.histories}


class FlatForecast(Pacer):
    """A slot's requests are known, and not when they come: every hour is the mean one."""

    def replan(self) -> None:
        super().replan()
        for name, one in self.forecasts.items():
            mean = sum(one.hours) / HOURS_A_WEEK
            self.forecasts[name] = Forecast([mean] * HOURS_A_WEEK, self.clock)
        self.plans = [course(booking, self.forecasts) for booking in self.bookings]


class EvenProbability(Pacer):
    """The control: the goal over the flight's forecast requests, set once, without feedback."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.fixed = [min(1.0, plan.goal / max(1.0, plan.total)) for plan in self.plans]

    def hour_is_over(self, begin: float, counts: Mapping[str, int]) -> None:
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

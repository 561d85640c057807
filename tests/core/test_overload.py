"""A worker's loop, modelled: rounds that take up what has come since, and a timer beside them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.overload import (
    PATIENCE_SECONDS,
    QUEUE_REQUESTS,
    RANGE_SECONDS,
    REFUSING_SECONDS,
    TARGET_SECONDS,
    TICK_SECONDS,
    Overload,
)

PROMISE_SECONDS = 0.100
# Of one request: three slots decided.
COST_SECONDS = 0.000_150
CHEAP = 0.15
# Of a request's cost, what is spent before it is queued.
READING = 0.1
WAKING_SECONDS = 0.000_020


@dataclass
class Loop:
    """load: arrivals at an instant, as a multiple of what the loop can do without shedding.

    cheap: what shedding costs, as a share of a full answer. pause: at which instant all stands
    still, and for how long. refusing: nothing can be shed, only refused.
    """

    load: Callable[[float], float]
    cost: float = COST_SECONDS
    cheap: float = CHEAP
    pause: tuple[float, float] = (float("inf"), 0.0)
    shedding: bool = True
    refusing: bool = False
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    latencies: list[tuple[float, float]] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> Loop:
        self.overload = overload = Overload(0.0)
        now = due = coming = 0.0
        while now < seconds:
            if now >= due:
                overload.tick(now)
                due = now + TICK_SECONDS
            arrived = []
            while coming <= now:
                arrived.append(coming)
                coming += self.draw.expovariate(self.load(coming) / self.cost)
            if now >= self.pause[0]:
                now, self.pause = now + self.pause[1], (float("inf"), 0.0)
            if arrived:
                now = self._round(now + WAKING_SECONDS, arrived)
            else:
                now = max(now, min(coming, due))
        return self

    def _round(self, now: float, arrived: list[float]) -> float:
        """All are read, and shed or queued; then those are answered who were queued."""
        queue = []
        for at in arrived:
            draw = self.draw.random()
            dropped = self.overload.sheds(now, draw) and self.shedding
            if self.refusing:
                dropped = dropped and self.overload.refuses(now, draw)
            now += self.cost * (self.cheap if dropped else READING)
            if dropped:
                self.latencies.append((at, now - at))
                self.shed.append(now)
            else:
                self.overload.queued()
                queue.append(at)
        for at in queue:
            self.overload.begun()
            now += self.cost * (1 - READING)
            self.overload.took(self.cost * (1 - READING))
            self.latencies.append((at, now - at))
        return now

    def p99(self, since: float = 0.0) -> float:
        ordered = sorted(latency for at, latency in self.latencies if at >= since)
        return ordered[int(len(ordered) * 0.99)]


def stepped(before: float, during: float, after: float = 0.5) -> Callable[[float], float]:
    """From the first second to the third."""
    return lambda at: before if at < 1.0 else during if at < 3.0 else after


LOADS = [(1.2, 0.5), (2.0, 0.45), (2.0, 0.15), (5.0, 0.15), (5.0, 0.19)]


@pytest.mark.parametrize(("load", "cheap"), LOADS)
def test_more_than_a_worker_can_do_is_answered_in_time(load: float, cheap: float) -> None:
    loop = Loop(stepped(0.3, load), cheap=cheap).run(3.0)
    assert loop.p99(since=1.0) < PROMISE_SECONDS


def test_dear_requests_are_not_let_in_all_at_once() -> None:
    loop = Loop(stepped(0.3, 5.0), cost=0.0007, cheap=0.1).run(3.0)
    assert loop.p99(since=1.0) < PROMISE_SECONDS


@pytest.mark.parametrize(("load", "cheap"), LOADS)
def test_without_shedding_it_is_not(load: float, cheap: float) -> None:
    loop = Loop(stepped(0.3, load), cheap=cheap, shedding=False).run(3.0)
    assert loop.p99(since=1.0) > PROMISE_SECONDS * 2


@pytest.mark.parametrize(
    ("load", "cost"), [(0.7, 0.000_020), (0.3, COST_SECONDS), (0.9, COST_SECONDS), (0.7, 0.001)]
)
def test_below_capacity_nothing_is_shed(load: float, cost: float) -> None:
    assert Loop(lambda _: load, cost=cost).run(3.0).shed == []


def test_no_more_is_shed_than_has_to_be() -> None:
    loop = Loop(stepped(0.5, 2.0), cheap=0.1).run(3.0)
    # Of twice as much, half could be answered if shedding cost nothing; at a tenth, 4/9 have to be.
    while_overloaded = [at for at, _ in loop.latencies if at >= 2.0]
    share = sum(at >= 2.0 for at in loop.shed) / len(while_overloaded)
    assert 0.50 < share < 0.62


def test_a_worker_recovers_when_the_load_is_gone() -> None:
    loop = Loop(stepped(0.7, 5.0, 0.7)).run(5.0)
    assert min(loop.shed) > 1.0
    assert max(loop.shed) < 3.0 + 0.2
    assert loop.overload.probability == 0.0


def test_a_burst_sheds_for_no_longer_than_it_lasts() -> None:
    loop = Loop(lambda at: 3.0 if 1.0 <= at < 1.2 else 0.5).run(3.0)
    assert max(loop.shed) - min(loop.shed) < 0.25
    assert max(loop.shed) < 1.4


@pytest.mark.parametrize("pause", [0.01, 0.02])
def test_a_short_pause_sheds_nothing(pause: float) -> None:
    assert Loop(lambda _: 0.7, pause=(1.0, pause)).run(3.0).shed == []


@pytest.mark.parametrize("pause", [0.073, 0.200])
def test_a_pause_sheds_for_about_as_long_as_it_lasted(pause: float) -> None:
    loop = Loop(lambda _: 0.7, pause=(1.0, pause)).run(3.0)
    assert max(loop.shed) - min(loop.shed) < pause + 0.05
    assert max(loop.shed) < 1.0 + 2 * pause + 0.1
    assert loop.overload.probability == 0.0


def test_what_cannot_be_shed_is_refused_at_last() -> None:
    loop = Loop(stepped(0.5, 2.0), cheap=0.4, refusing=True).run(3.0)
    assert loop.shed
    assert loop.p99(since=2.0) < 2 * PROMISE_SECONDS
    unrefused = Loop(stepped(0.5, 2.0), cheap=0.4, refusing=True, shedding=False).run(3.0)
    assert unrefused.p99(since=2.0) > 5 * PROMISE_SECONDS


def ask(overload: Overload, now: float, times: int = QUEUE_REQUESTS) -> None:
    for _ in range(times):
        overload.sheds(now, 1.0)


def standing(lag: float) -> tuple[Overload, float]:
    """A queue that has made two rounds late by so much, and when its third is due."""
    overload, now = Overload(0.0), 0.0
    for _ in range(2):
        ask(overload, now)
        now += TICK_SECONDS + lag
        overload.tick(now)
    return overload, now + TICK_SECONDS


@given(
    st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(0, 2 * QUEUE_REQUESTS)), max_size=60),
    st.floats(0.0, 1.0, exclude_max=True),
)
def test_whatever_the_timer_says_a_probability_is_one(
    rounds: list[tuple[float, int]], draw: float
) -> None:
    overload, now = Overload(0.0), 0.0
    for lag, asked in rounds:
        ask(overload, now, asked)
        now += TICK_SECONDS + lag
        overload.tick(now)
        assert 0.0 <= overload.probability <= 1.0
        # What is refused would have been shed.
        assert overload.sheds(now, draw) or not overload.refuses(now, draw)
        assert overload.probability == 1.0 or not overload.is_last_step(now)
    # Without lag for a second: whatever was before, nothing is shed.
    for _ in range(200):
        now += TICK_SECONDS
        overload.tick(now)
    assert overload.probability == 0.0
    assert not overload.sheds(now, 0.0)


@given(st.lists(st.floats(0.0, 10.0), max_size=60))
def test_few_requests_are_no_queue_however_late_the_loop_is(lags: list[float]) -> None:
    overload, now = Overload(0.0), 0.0
    for lag in lags:
        for _ in range(QUEUE_REQUESTS - 1):
            assert not overload.sheds(now + TICK_SECONDS + lag, 0.0)
        now += TICK_SECONDS + lag
        overload.tick(now)
        assert overload.lag == pytest.approx(lag)
        assert overload.probability == 0.0


def test_one_long_round_is_not_a_queue() -> None:
    overload = Overload(0.0)
    overload.tick(TICK_SECONDS)
    due = TICK_SECONDS * 2
    ask(overload, due)
    assert not overload.sheds(due + PATIENCE_SECONDS * 0.99, 0.0)
    assert overload.sheds(due + PATIENCE_SECONDS * 1.01, 0.999)
    overload.tick(due + PATIENCE_SECONDS)
    assert overload.probability == 0.0


def test_within_a_round_of_a_standing_queue_more_is_shed_the_later_it_gets() -> None:
    overload, due = standing(TARGET_SECONDS * 1.01)
    half = due + TARGET_SECONDS + RANGE_SECONDS / 2
    assert overload.sheds(half, 0.4)
    assert not overload.sheds(half, 0.6)
    assert overload.sheds(due + TARGET_SECONDS + RANGE_SECONDS, 0.999)


def test_those_who_wait_to_be_answered_make_the_round_late() -> None:
    overload, due = standing(TARGET_SECONDS * 1.01)
    for _ in range(300):
        overload.took(0.001)
    assert not overload.sheds(due, 0.999)
    for _ in range(30):
        overload.queued()
    assert overload.sheds(due, 0.999)
    for _ in range(40):  # more than were queued: some came another way
        overload.begun()
    assert not overload.sheds(due, 0.999)
    overload.queued()
    overload.queued()
    assert not overload.sheds(due, 0.999)


def test_the_last_step_is_when_everything_is_shed_and_it_is_not_enough() -> None:
    overload, now = Overload(0.0), 0.0
    while overload.probability < 1.0:
        assert not overload.is_last_step(now)
        assert not overload.refuses(now, 0.0)
        ask(overload, now)
        now += TICK_SECONDS + REFUSING_SECONDS + RANGE_SECONDS * 0.75
        overload.tick(now)
    assert overload.is_last_step(now)
    assert overload.refuses(now, 0.5)
    assert not overload.refuses(now, 0.9)

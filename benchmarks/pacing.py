"""`python -m benchmarks.pacing`: how many campaigns end at their goals, in worlds made at random.

A large publisher (200 campaigns, 2 million requests a week) and a small one (20 campaigns, 3 slots,
5,000 page views a day), by booked load, mean of ten worlds each; beside pacing, the same worlds
with an even probability and no feedback. What a world is: `pacing_world.py`; what a run
is: `pacing_run.py`. Seeds are the worlds' numbers: the same table every time, on any machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import mean
from typing import NamedTuple

from adserver.core.forecast import FIRST_MONDAY, HOURS_A_WEEK, Forecast, clock
from adserver.core.pacing import Booking, Progress, course, presents, rate
from benchmarks.pacing_decided import Decided
from benchmarks.pacing_pacers import (
    EvenProbability,
    FlatForecast,
    Pacer,
    Serving,
    WithoutHistory,
)
from benchmarks.pacing_run import Outcome, played, run
from benchmarks.pacing_world import LARGE, LARGE_BLIND, SMALL, TIMEZONE, Shape, make_world

LOADS = {"large": (0.70, 0.85, 0.95), "large-blind": (0.70, 0.85, 0.95), "small": (0.70, 0.85)}
TOLERANCE = {"large": 0.01, "large-blind": 0.01, "small": 0.02}
SHAPES = {"large": LARGE, "large-blind": LARGE_BLIND, "small": SMALL}
CONTROL = "even probability"
PACERS: dict[str, Callable[..., Pacer]] = {
    "pacing": Serving,
    "flat forecast": FlatForecast,
    "no history": WithoutHistory,
    CONTROL: EvenProbability,
}
DECIDED = "whole decisions"
REFRESHED = 10_000


class Job(NamedTuple):
    shape: str
    load: float
    pacer: str
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description=__doc__)
    parser.add_argument("--worlds", type=int, default=10, help="of each kind (10)")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["large", "small"])
    parser.add_argument(
        "--pacers", nargs="+", choices=[*PACERS, DECIDED], default=["pacing", CONTROL]
    )
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    jobs = [
        Job(shape, load, pacer, seed)
        for shape in options.shapes
        for load in LOADS[shape]
        for pacer in options.pacers
        for seed in range(options.worlds)
    ]
    print("| publisher | load | | within | worst world | undelivered | over | unconfirmed |")
    print("|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(options.processes) as pool:
        outcomes: list[Outcome] = []
        for job, outcome in zip(jobs, pool.map(play, jobs), strict=True):
            outcomes.append(outcome)
            if len(outcomes) == options.worlds:
                print(row(job, outcomes), flush=True)
                outcomes.clear()
    print(f"\n{options.worlds} worlds each, {time.monotonic() - began:.0f} s")
    print(f"rates of {REFRESHED:,} campaigns: {refresh_seconds() * 1e3:.0f} ms a refresh")


def play(job: Job) -> Outcome:
    world = make_world(SHAPES[job.shape], job.load, job.seed)
    if job.pacer == DECIDED:
        return played(Decided(world, Serving(world)))
    return run(world, PACERS[job.pacer])


def row(job: Job, outcomes: list[Outcome]) -> str:
    name, tolerance = SHAPES[job.shape].name, TOLERANCE[job.shape]
    within = [outcome.within(tolerance) for outcome in outcomes]
    unconfirmed = sum(one.lapsed for one in outcomes) / sum(one.served for one in outcomes)
    return (
        f"| {name} | {job.load:.2f} | {job.pacer} | {mean(within):.1%} of ±{tolerance:.0%} "
        f"| {min(within):.1%} | {mean(one.undelivered() for one in outcomes):.2%} "
        f"| {sum(one.over() for one in outcomes)} | {unconfirmed:.1%} |"
    )


def refresh_seconds(shape: Shape = LARGE) -> float:
    """What one node spends on the rates of 10,000 campaigns; the best of five."""
    begin = FIRST_MONDAY + 3_000 * 7 * 86_400
    zone = clock(TIMEZONE, begin, begin + 60 * 86_400)
    names = [name for name, _, _ in shape.slots]
    forecasts = {name: Forecast([1_000.0] * HOURS_A_WEEK, zone, 1.1) for name in names}
    bookings = [
        Booking(f"c{i}", 10_000, begin, begin + (2 + i % 30) * 86_400, tuple(
            (names[(i + k) % len(names)], 0.1) for k in range(1 + i % 4)
        ))
        for i in range(REFRESHED)
    ]  # fmt: skip
    plans = [course(booking, forecasts) for booking in bookings]
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        at = presents(forecasts, begin + 86_400)
        for booking, plan in zip(bookings, plans, strict=True):
            rate(booking, plan, Progress(2_000, 20), at, begin + 86_400)
        best = min(best, time.perf_counter() - began)
    return best


if __name__ == "__main__":
    main()

"""`make bench-limits`: hard goals under faults, and how many impressions lapse for slow readers.

Three tables, the last of what a goal costs; `--only` runs one. What came out is in README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from adserver.store.embedded import Embedded
from benchmarks.limits_cost import measure
from benchmarks.limits_faults import Delivery, deliver
from benchmarks.limits_readers import WORLDS, simulate
from benchmarks.machine import machine
from benchmarks.needs import needs

GOAL, WORKERS, KILLS = 100_000, 8, 10
# Room that is leased before the rate is known lapses after eleven minutes.
PATIENCE_SECONDS = 800.0
ROUNDS, SECONDS = 6, 3


NEEDED = {"faults": ("wrk", "redis-server"), "readers": (), "cost": ("wrk",)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--only", choices=["faults", "readers", "cost"])
    parser.add_argument("--goal", type=int, default=GOAL)
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    needs(*NEEDED[options.only or "faults"])
    print(machine())
    if options.only in {None, "faults"}:
        faults(options.goal, options.patience)
    if options.only in {None, "readers"}:
        readers(options.seed)
    if options.only in {None, "cost"}:
        cost()


def faults(goal: int, patience: float) -> None:
    print("\n| | over | 99.5 % after | short at the end | acknowledged in vain | impressions/s |")
    print("|---|---|---|---|---|---|")
    for failover in (False, True):
        print(row(deliver(goal, WORKERS, KILLS, failover=failover, patience=patience)), flush=True)


def row(made: Delivery) -> str:
    at, missing = made.last
    name = f"{made.kills} kill -9, {made.cuts:,} connections cut"
    if made.failovers:
        name += ", a failover that loses a second"
    return (
        f"| {name} | {max(0, made.most - made.goal)} | {made.reached(0.995):.0f} s "
        f"| {missing} after {at:.0f} s | {made.in_vain:,} of {made.accepted:,} "
        f"| {made.impressions_per_second:,.0f} |"
    )


def readers(seed: int) -> None:
    print("\n| campaign | goal | delivered | served | refused | lapsed | of all that came |")
    print("|---|---|---|---|---|---|---|")
    with (
        tempfile.TemporaryDirectory(prefix="adserver-bench-") as folder,
        Embedded(Path(folder)).used(stop_if_last=True) as url,
    ):
        for world in WORLDS:
            made = asyncio.run(simulate(url, world, seed))
            print(
                f"| {world.name} | {world.limits.ever:,} | {made.delivered:,} | {made.served:,} "
                f"| {made.refused:,} | {made.lapsed:,} | {made.lapsed_share:.2%} |",
                flush=True,
            )


def cost() -> None:
    print("\n| CPU µs/request | without | with a goal |")
    print("|---|---|---|")
    found = measure(ROUNDS, SECONDS)
    for what in ("slot", "beacon"):
        print(f"| {what} | {found[what, 'without']:.1f} | {found[what, 'with a goal']:.1f} |")


if __name__ == "__main__":
    main()

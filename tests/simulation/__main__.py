"""`python -m tests.simulation --seeds 10000`, or `--seed N --talk` for one of them, told aloud."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.controls import CONTROLS
from tests.simulation.runs import Run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--seeds", type=int, default=200, help="so many (200)")
    parser.add_argument("--first", type=int, default=0, help="from this one on (0)")
    parser.add_argument("--weather", choices=CONTROLS, default="", help="the faults of a control")
    parser.add_argument("--without", choices=CONTROLS, default="", help="and its protection off")
    parser.add_argument("--talk", action="store_true", help="tell what happens")
    asked = parser.parse_args()
    seeds = (
        [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.seeds)
    )
    began, failed = time.monotonic(), 0
    for done, seed in enumerate(seeds, 1):
        run = Run(seed, asked.weather, asked.without)
        if problem := run.failure(talks=asked.talk):
            failed += 1
            print(run.report(problem), flush=True)
        if done % 500 == 0:
            print(f"{done} seeds, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(seeds)} seeds, {failed} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

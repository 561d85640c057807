"""`make cost`: store what a request costs now, as the number that no change may leave unnoticed.

`tests/serving/test_cost_of_a_request.py` compares with it: instructions as a ratio to a bare
callable's, within 5 % in both directions; writes, syncs, tasks and garbage exactly. Why ratios:
docs/adr/0038-the-cost-of-a-request-is-guarded.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.instructions import ROWS, Cost, Harness, cost_of, print_table, write_generation
from benchmarks.needs import needs

STORED: Final = Path(__file__).with_name("cost.json")
GUARDED: Final = tuple(row for row in ROWS if not row.startswith("R"))
PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
MARGIN = 0.05
# Of what is counted one by one. Two hundredths are less than one more in a round of 32 requests.
EXACTLY = 0.02
COUNTED: Final = ("writes", "syncs", "tasks", "garbage")
# Digits that are stored: those that are the same in each run.
DIGITS = 2

Numbers = Mapping[str, float]


def numbers_of(cost: Cost) -> Numbers:
    names = ("ratio", *COUNTED)
    return {name: round(getattr(cost, name), DIGITS) for name in names}


def stored() -> tuple[str, Mapping[str, Numbers]]:
    """Of which Python, and by row."""
    found = json.loads(STORED.read_text("utf-8"))
    return found["python"], found["rows"]


def complaints(row: str, before: Numbers, now: Numbers) -> Iterator[str]:
    """What is another than it was, and what to do."""
    for name in COUNTED:
        if abs(now[name] - before[name]) > EXACTLY:
            yield told(row, f"{now[name]:.2f} {name} a request", f"{before[name]:.2f}", now, before)
    if abs(now["ratio"] / before["ratio"] - 1) > MARGIN:
        took = f"{now['ratio']:.2f} times the instructions of a bare callable on stock uvicorn"
        yield told(row, took, f"{before['ratio']:.2f} (and 5 % to each side)", now, before)


def told(row: str, took: str, expected: str, now: Numbers, before: Numbers) -> str:
    grew = any(now[name] > before[name] for name in now)
    do = (
        f"`make bench-instructions ARGS='--profile \"{row}\"'`, here and on the commit before, "
        "shows what grew; if it has to, `make cost` stores the new numbers, and the commit says why"
        if grew
        else "`make cost` stores the new numbers, so that what was won is not lost unnoticed"
    )
    return f"{row} takes {took}; expected {expected}. {do}."


def main() -> None:
    needs("valgrind", "strace")
    with tempfile.TemporaryDirectory(prefix="adserver-cost-") as name:
        folder = Path(name)
        costs = cost_of(GUARDED, Harness(folder, write_generation(folder)))
    print_table(costs)
    rows = {row: numbers_of(costs[row]) for row in GUARDED}
    text = json.dumps({"python": PYTHON, "rows": rows}, indent=2)
    STORED.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()

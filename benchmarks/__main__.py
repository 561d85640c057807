"""`make bench`: what a request costs, beside a server that does nothing, interleaved, medians.

Runs `adserver serve` as an operator starts it, with its default settings and the embedded store,
and stock uvicorn with a bare callable that answers the same bytes to the same requests. Each round
measures all of them in turn, so that whatever else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import chart, oracle, promises, rows, session, table
from benchmarks.load import NotMeasured
from benchmarks.machine import machine
from benchmarks.needs import needs
from benchmarks.oracle import Miscounted
from benchmarks.rows import Row
from benchmarks.session import Measured, Session
from benchmarks.table import Line

WARM_UP_SECONDS = 1


def main() -> None:
    options = read_options()
    needs("wrk")
    wanted = rows.chosen(options.only, nginx=session.nginx_program() is not None)
    try:
        found = list(measured(wanted, options))
    except (Miscounted, NotMeasured) as error:
        sys.exit(f"{error}\nA run that is not right is not measured.")
    print(f"\n{machine()}, {options.rounds} rounds of {options.seconds} s, medians (min–max)")
    for workers in options.workers:
        print(f"\nWorkers: {workers}\n")
        print(table.table([line for line in found if line.workers == workers]))
    print(f"\n{promises.kept(found)}")
    print(f"\nOf {os.cpu_count()} cores others had {others(found):.2f} at the most.")
    keep(found, options)


def others(found: Sequence[Line]) -> float:
    """A session that others had a tenth of a core of is to be measured again."""
    return max(line.figures["others_cores"].most for line in found)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each run, whole ones")
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", choices=rows.NAMES, help="these, and what they are to")
    parser.add_argument("--quick", action="store_true", help="a look: one worker, one second each")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.workers = 1, 1, [1]
    return options


def measured(wanted: Sequence[Row], options: argparse.Namespace) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
        for workers in options.workers:
            these = [row for row in wanted if workers == 1 or not row.alone]
            with contextlib.ExitStack() as stack:
                one = session.start(stack, Path(name) / str(workers), these, workers)
                one.fresh_tickets(WARM_UP_SECONDS)
                for row in these:
                    one.measure(row, options.connections[0], WARM_UP_SECONDS)
                for connections in options.connections:
                    found = in_rounds(one, these, connections, options)
                    yield from table.lines(found, workers, connections)
                hold_to_report(one)


def in_rounds(
    one: Session, these: Sequence[Row], connections: int, options: argparse.Namespace
) -> dict[Row, list[Measured]]:
    found: dict[Row, list[Measured]] = {row: [] for row in these}
    for number in range(options.rounds):
        one.fresh_tickets(options.seconds)
        for row in these:
            run = one.measure(row, connections, options.seconds)
            found[row].append(run)
            print(
                f"  round {number + 1}, {connections} connections, {row.name}: "
                f"{run.load.per_second:,.0f}/s, {run.server:.1f} µs",
                file=sys.stderr,
            )
    return found


def hold_to_report(one: Session) -> None:
    """The command itself, once, as it takes as long as some of the runs."""
    for name in ("always", "interval"):
        if (server := one.servers.get(name)) and (said := oracle.commanded(server)) != (
            made := oracle.reported(server)
        ):
            raise Miscounted(f"{name}: `adserver report` says {said}, its rows are {made}")


def keep(found: Sequence[Line], options: argparse.Namespace) -> None:
    """A whole run is the last one, and its picture the one that is shown."""
    whole = not (options.only or options.quick)
    kept = {
        "machine": machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "lines": [line.as_json() for line in found],
    }
    numbers = chart.RESULTS / ("last.json" if whole else "part.json")
    picture = chart.PICTURE if whole else numbers.with_suffix(".svg")
    numbers.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    chart.draw(numbers, picture)
    print(f"\n{numbers}\n{picture}")


if __name__ == "__main__":
    main()

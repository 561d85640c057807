"""What is to be reached, beside what was measured: ratios in one run, of medians."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.table import MOST_SHED, Line


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one row with one worker, whatever the connections. 0 is none.

    rate, cpu: at least so many times what the reference does; p99: at most so many times as long.
    """

    row: str
    rate: float
    cpu: float
    p99: float = 0.0


PROMISES = (
    Promise("S", 1.15, 1.15, 1.5),
    Promise("D", 0.6, 0.6),
    Promise("I", 0.55, 0.55),
    Promise("I-int", 0.75, 0.75, 3.0),
    Promise("C", 0.5, 0.5),
    Promise("C-int", 0.65, 0.65),
)
# CPU of a slot with two workers, to that with one.
TWO_WORKERS = 1.05
HEADINGS = (
    "| | conn. | requests/s, ratio | CPU, ratio | p99, times as long |\n|---|---|---|---|---|"
)


def kept(found: Sequence[Line]) -> str:
    """Markdown: each number, and what it was to be where it falls short."""
    rows = [HEADINGS, *promised(found), *with_two(found)]
    return "\n".join(rows)


def promised(found: Sequence[Line]) -> Iterator[str]:
    for promise in PROMISES:
        for line in found:
            if line.row.name == promise.row and line.workers == 1:
                cells = (
                    at_least(line.rate_ratio, promise.rate),
                    at_least(line.cpu_ratio, promise.cpu),
                    at_most(line.p99_ratio, promise.p99) if promise.p99 else "",
                )
                shed = line.figures["shed_share"].median > MOST_SHED
                name = promise.row + (" (shed: not the same work)" if shed else "")
                yield f"| {name} | {line.connections} | {' | '.join(cells)} |"


def with_two(found: Sequence[Line]) -> Iterator[str]:
    cpu = {
        (line.connections, line.workers): line.figures["server_cpu_microseconds"].median
        for line in found
        if line.row.name == "S"
    }
    for connections in sorted({connections for connections, _ in cpu}):
        one, two = cpu.get((connections, 1)), cpu.get((connections, 2))
        if one and two:
            said = at_most(two / one, TWO_WORKERS)
            yield f"| S, CPU of two workers to one | {connections} | | {said} | |"


def at_least(value: float, promise: float) -> str:
    return f"{value:.2f}" + (f" **of {promise:g}**" if value < promise else "")


def at_most(value: float, promise: float) -> str:
    return f"{value:.2f}" + (f" **of {promise:g}**" if value > promise else "")

"""Medians of the rounds, with the smallest and the largest, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.rows import Row
from benchmarks.session import Measured

# A row that sheds more has not done the same work.
MOST_SHED = 0.01


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values))


FIGURES: dict[str, Callable[[Measured], float]] = {
    "requests_per_second": lambda one: one.load.per_second,
    "server_cpu_microseconds": lambda one: one.server,
    "store_cpu_microseconds": lambda one: one.store,
    "p50_ms": lambda one: one.load.p50 / 1e3,
    "p99_ms": lambda one: one.load.p99 / 1e3,
    "p999_ms": lambda one: one.load.p999 / 1e3,
    "longest_ms": lambda one: one.load.longest / 1e3,
    "memory_mib": lambda one: one.memory,
    "worker_mib": lambda one: one.worker,
    "wrk_busy_share": lambda one: one.load.busy,
    "shed_share": lambda one: one.shed,
    "others_cores": lambda one: one.others,
    "filled_share": lambda one: one.filled,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row as measured. The ratios are to its reference: above 1 is more requests, less CPU."""

    row: Row
    workers: int
    connections: int
    figures: Mapping[str, Spread]
    rate_ratio: float
    cpu_ratio: float
    p99_ratio: float

    def as_json(self) -> dict[str, object]:
        return {
            "row": self.row.name,
            "what": self.row.what,
            "against": self.row.against,
            "workers": self.workers,
            "connections": self.connections,
            "rate_ratio": round(self.rate_ratio, 5),
            "cpu_ratio": round(self.cpu_ratio, 5),
            "p99_ratio": round(self.p99_ratio, 5),
            **{
                name: {part: round(value, 4) for part, value in asdict(spread).items()}
                for name, spread in self.figures.items()
            },
        }


def lines(
    measured: Mapping[Row, Sequence[Measured]], workers: int, connections: int
) -> Iterator[Line]:
    """A line for each row, beside its reference in the same rounds."""
    figures = {row: figures_of(runs) for row, runs in measured.items()}
    by_name = {row.name: found for row, found in figures.items()}
    for row, own in figures.items():
        base = by_name[row.against]

        rate = ratio(own, base, "requests_per_second")
        cpu = ratio(base, own, "server_cpu_microseconds")
        yield Line(row, workers, connections, own, rate, cpu, ratio(own, base, "p99_ms"))


def ratio(own: Mapping[str, Spread], other: Mapping[str, Spread], name: str) -> float:
    """Of the medians; 0 where there is nothing to divide by."""
    return own[name].median / other[name].median if other[name].median else 0.0


def figures_of(runs: Sequence[Measured]) -> dict[str, Spread]:
    return {name: Spread.of([take(run) for run in runs]) for name, take in FIGURES.items()}


HEADINGS = (
    *("", "", "conn.", "requests/s", "ratio", "CPU µs", "ratio", "store µs"),
    *("p50 ms", "p99", "p99.9", "MiB", "a worker", "wrk", "shed"),
)


def table(found: Sequence[Line]) -> str:
    """Markdown."""
    heads = [join(HEADINGS), "|" + "---|" * len(HEADINGS)]
    return "\n".join([*heads, *(join(cells(line)) for line in found)])


def join(texts: Sequence[str]) -> str:
    return "|" + "|".join(f" {text} " if text else " " for text in texts) + "|"


def cells(line: Line) -> tuple[str, ...]:
    def said(name: str, form: str = ".1f") -> str:
        return format(line.figures[name].median, form)

    def spread(name: str, form: str) -> str:
        found = line.figures[name]
        return f"{found.median:{form}} ({found.least:{form}}–{found.most:{form}})"

    return (
        line.row.name,
        line.row.what,
        str(line.connections),
        spread("requests_per_second", ",.0f"),
        f"{line.rate_ratio:.2f}",
        spread("server_cpu_microseconds", ".1f"),
        f"{line.cpu_ratio:.2f}",
        said("store_cpu_microseconds") if line.row.counts else "",
        said("p50_ms", ".2f"),
        said("p99_ms", ".2f"),
        said("p999_ms", ".1f"),
        said("memory_mib", ".0f"),
        said("worker_mib", ".0f"),
        said("wrk_busy_share", ".0%"),
        said_of_shed(line),
    )


def said_of_shed(line: Line) -> str:
    if not line.row.counts:
        return ""
    shed = line.figures["shed_share"].median
    return f"{shed:.1%}" + (" **not the same work**" if shed > MOST_SHED else "")

"""A node's metrics as Prometheus reads them, made only when it asks.

The admin process asks every worker for its `Meter.dump`, adds them up with those of workers that
have ended, and exposes the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from adserver.metrics.declared import METRICS, PREFIX, Declared, Type
from adserver.metrics.meter import Dump, Labels


def add_up(dumps: Iterable[Dump]) -> Dump:
    """One dump of several workers' dumps, each metric by its own rule."""
    merged: dict[str, dict[Labels, Any]] = {}
    for dump in dumps:
        for name, series in dump.items():
            rows = merged.setdefault(name, {})
            for listed, value in series:
                labels = tuple(listed)
                rows[labels] = (
                    combine(METRICS[name].type, rows[labels], value) if labels in rows else value
                )
    return {name: list(rows.items()) for name, rows in merged.items()}


def combine(kind: Type, one: Any, other: Any) -> Any:
    match kind:
        case Type.HISTOGRAM:
            return [a + b for a, b in zip(one, other, strict=True)]
        case Type.HIGHEST | Type.STORE:
            return max(one, other)
        case Type.LOWEST:
            return min(one, other)
        case _:
            return one + other


def without_gauges(dump: Dump) -> Dump:
    """What outlives a worker: what it counted, not what it was."""
    lasting = {Type.COUNTER, Type.HISTOGRAM}
    return {name: series for name, series in dump.items() if METRICS[name].type in lasting}


class DumpCollector:
    """A dump, as prometheus_client collects it."""

    def __init__(self, dump: Dump) -> None:
        self._dump = dump

    def collect(self) -> Iterator[Metric]:
        for name, declared in METRICS.items():
            yield family(name, declared, self._dump.get(name, []))


def family(name: str, declared: Declared, series: Iterable[tuple[Labels, Any]]) -> Metric:
    full = PREFIX + name
    if declared.type is Type.HISTOGRAM:
        histogram = HistogramMetricFamily(full, declared.help, labels=declared.labels)
        for labels, cells in series:
            histogram.add_metric(
                labels, list(cumulated(declared.buckets, cells)), sum_value=cells[-1]
            )
        return histogram
    if declared.type is Type.COUNTER:
        counter = CounterMetricFamily(full, declared.help, labels=declared.labels)
        for labels, value in series:
            counter.add_metric(labels, value)
        return counter
    gauge = GaugeMetricFamily(full, declared.help, labels=declared.labels)
    for labels, value in series:
        gauge.add_metric(labels, value)
    return gauge


def cumulated(buckets: tuple[float, ...], cells: list[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, cell in zip([*map(repr, buckets), "+Inf"], cells[:-1], strict=True):
        total += cell
        yield bound, total

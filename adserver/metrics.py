"""Every metric, named and explained; integers while counting, Prometheus only when asked.

Each worker counts in a `Meter` of plain dictionaries. The node's admin process asks every
worker for its `dump`, adds them up with those of workers that have ended, and exposes the sum.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

PREFIX = "adserver_"
# Names of campaigns that may be labels, live ones first; the rest are "other".
MAX_CAMPAIGN_LABELS = 500
OTHER = "other"
UNKNOWN = "unknown"

REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
DECISION_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025)


class Type(StrEnum):
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    HIGHEST = "highest"  # a gauge of which a node shows its workers' highest
    LOWEST = "lowest"  # a gauge of which a node shows its workers' lowest
    SUM = "sum"  # a gauge of which a node shows its workers' sum
    STORE = "store"  # a gauge that the admin process reads from the store


@dataclass(frozen=True, slots=True)
class Declared:
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: dict[str, Declared] = {
    "http_requests_total": Declared(
        Type.COUNTER, "Answered requests of the public port.", ("route", "method", "code")
    ),
    "http_request_duration_seconds": Declared(
        Type.HISTOGRAM, "From the request's head to its answer.", ("route",), REQUEST_BUCKETS
    ),
    "http_refused_total": Declared(
        Type.COUNTER, "Connections refused or ended before their time, by reason.", ("reason",)
    ),
    "http_connections": Declared(Type.SUM, "Open connections of the public port."),
    "http_connections_limit": Declared(
        Type.SUM, "Connections at which the one that has waited longest is closed for a new one."
    ),
    "decision_duration_seconds": Declared(
        Type.HISTOGRAM, "Deciding alone, all slots of a call.", (), DECISION_BUCKETS
    ),
    "decisions_total": Declared(
        Type.COUNTER, "Decisions: fill, house or empty.", ("slot", "outcome")
    ),
    "no_fill_total": Declared(
        Type.COUNTER, "Empty slots, by the furthest that any candidate came.", ("slot", "reason")
    ),
    "impressions_total": Declared(Type.COUNTER, "Impressions counted.", ("slot", "campaign")),
    "viewable_impressions_total": Declared(
        Type.COUNTER, "Viewable impressions counted.", ("slot", "campaign")
    ),
    "clicks_total": Declared(Type.COUNTER, "Clicks counted.", ("slot", "campaign")),
    "events_discarded_total": Declared(
        Type.COUNTER, "Events that did not count, by reason.", ("event", "slot", "reason")
    ),
    "events_would_discard_total": Declared(
        Type.COUNTER, "Events that rules in dry run would discard.", ("event", "slot", "reason")
    ),
    "address_rules_suspended": Declared(
        Type.HIGHEST,
        "1 while rules by address are suspended, as it is not known where readers are.",
    ),
    "events_without_address_total": Declared(
        Type.COUNTER, "Events from trusted peers that did not say for whom: no rule has an address."
    ),
    "robots_list_info": Declared(
        Type.HIGHEST, "1, with the version of the list of robots as a label.", ("version",)
    ),
    "context_ignored_total": Declared(
        Type.COUNTER, "Facts of requests that were not used, by reason.", ("reason",)
    ),
    "store_up": Declared(Type.LOWEST, "1 while the store answers every worker."),
    "clock_ahead_seconds": Declared(
        Type.HIGHEST, "How far the node's clock is ahead of the store's; behind if negative."
    ),
    "store_command_duration_seconds": Declared(
        Type.HISTOGRAM, "Calls to the store, by operation.", ("op",), REQUEST_BUCKETS
    ),
    "store_errors_total": Declared(Type.COUNTER, "Calls to the store that failed.", ("kind",)),
    "journal_events": Declared(
        Type.SUM, "Events in journals that are not yet known to be in the store."
    ),
    "journal_bytes": Declared(
        Type.SUM, "All journals of the node, those kept after shipping included."
    ),
    "journal_limit_bytes": Declared(Type.HIGHEST, "What all journals of the node may hold."),
    "journals_quarantined": Declared(
        Type.HIGHEST, "Journals, or parts of them, that wait for a person."
    ),
    "generation": Declared(Type.LOWEST, "The generation that every worker serves at least."),
    "snapshot_age_seconds": Declared(
        Type.HIGHEST, "Since the live generation was last known to be the one served."
    ),
    "generation_load_failures_total": Declared(
        Type.COUNTER, "Generations that could not be read or compiled."
    ),
    "assets_refused_total": Declared(
        Type.COUNTER, "Files of the store that are not what was applied, not served.", ("reason",)
    ),
    "country_database_build_timestamp_seconds": Declared(
        Type.LOWEST, "When the country database in use was made, by its own word."
    ),
    "country_database_failures_total": Declared(
        Type.COUNTER, "Times that the country database could not be used, by what.", ("what",)
    ),
    "event_loop_lag_seconds": Declared(
        Type.HIGHEST, "How late a worker's event loop ran its last timer."
    ),
    "overload_shed_probability": Declared(
        Type.HIGHEST, "How likely the busiest worker is to shed a request."
    ),
    "shed_total": Declared(
        Type.COUNTER,
        "Shed in overload: house or empty instead of a decision, or a beacon refused.",
        ("what",),
    ),
    "workers": Declared(Type.SUM, "Worker processes that are up."),
    "worker_restarts_total": Declared(
        Type.COUNTER, "Processes of the node started in place of another, by reason.", ("reason",)
    ),
    "reload_failures_total": Declared(
        Type.COUNTER, "What a SIGHUP did not change, as it could not, by what.", ("what",)
    ),
    "build_info": Declared(Type.HIGHEST, "1, with the version as a label.", ("version",)),
    "campaign_delivered": Declared(
        Type.STORE, "Counted so far, equal on every node.", ("campaign", "unit")
    ),
    "campaign_goal": Declared(
        Type.STORE, "What was bought; absent where no number was.", ("campaign", "unit")
    ),
    "campaign_delivered_ratio": Declared(
        Type.STORE, "Delivered so far, as a share of the goal.", ("campaign",)
    ),
    "campaign_expected_ratio": Declared(
        Type.STORE, "What should be delivered by now, as a share of the goal.", ("campaign",)
    ),
    "campaign_verdict": Declared(
        Type.STORE, "1 for how a campaign with a goal does now, 0 else.", ("campaign", "verdict")
    ),
    "campaign_state": Declared(
        Type.STORE, "1 for the campaign's state now, 0 for the others.", ("campaign", "state")
    ),
    "pauses": Declared(Type.STORE, "Pauses in force, of whatever kind: `adserver pause --list`."),
    "campaign_flight_end_timestamp_seconds": Declared(
        Type.STORE, "When the flight ends; absent for an open one.", ("campaign",)
    ),
    "campaign_info": Declared(
        Type.STORE, "1, with the campaign's facts as labels.", ("campaign", "advertiser", "tier")
    ),
}

BUCKETS = {name: declared.buckets for name, declared in METRICS.items()}
Labels = tuple[str, ...]
# name → [labels, value] pairs; a histogram's value is its buckets' counts and, last, its sum.
Dump = dict[str, list[tuple[Labels, Any]]]


class Meter:
    """One worker's numbers. Adding is a dictionary's `+= 1`; nothing is locked or formatted."""

    def __init__(self) -> None:
        self.counts: dict[str, defaultdict[Labels, int]] = {
            name: defaultdict(int)
            for name, declared in METRICS.items()
            if declared.type is Type.COUNTER
        }
        self.gauges: dict[str, dict[Labels, float]] = {
            name: {}
            for name, declared in METRICS.items()
            if declared.type not in {Type.COUNTER, Type.HISTOGRAM}
        }
        self.histograms: dict[str, dict[Labels, list[float]]] = {
            name: {} for name, declared in METRICS.items() if declared.type is Type.HISTOGRAM
        }

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """value: in the metric's unit, seconds for all there are."""
        self.observing(name, labels)(value)

    def observing(self, name: str, labels: Labels) -> Callable[[float], None]:
        """`observe` of one series, which is there from the first observation on."""
        series, bounds = self.histograms[name], BUCKETS[name]

        def observe(value: float) -> None:
            cells = series.get(labels)
            if cells is None:
                self.present(name, labels)
                cells = series[labels]
            cells[bisect_left(bounds, value)] += 1
            cells[-1] += value

        return observe

    def present(self, name: str, labels: Labels) -> None:
        """Show a series at 0, so that its first event is an increase."""
        if METRICS[name].type is Type.HISTOGRAM:
            # One cell a bucket, one for what is above all of them, one for the sum.
            self.histograms[name].setdefault(labels, [0] * (len(METRICS[name].buckets) + 2))
        else:
            self.counts[name].setdefault(labels, 0)

    def dump(self) -> Dump:
        return {
            name: list(series.items())
            for group in (self.counts, self.gauges, self.histograms)
            for name, series in group.items()
            if series
        }


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


def label_campaigns(running: Iterable[str], others: Iterable[str]) -> Mapping[str, str]:
    """Campaign → its label: its own name for the first 500, those that run first, else "other"."""
    ordered = [*sorted(running), *sorted(others)]
    return {
        name: name if position < MAX_CAMPAIGN_LABELS else OTHER
        for position, name in enumerate(ordered)
    }

"""What one worker has counted: plain dictionaries, integers while counting."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Any

from adserver.metrics.declared import BUCKETS, METRICS, Type

# Names of campaigns that may be labels, live ones first; the rest are "other".
MAX_CAMPAIGN_LABELS = 500
OTHER = "other"
UNKNOWN = "unknown"

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
        cells = self._cells(name, labels)
        cells[bisect_left(BUCKETS[name], value)] += 1
        cells[-1] += value

    def observing(self, name: str, labels: Labels) -> Callable[[float], None]:
        """`observe` of one series, which is there from the first observation on.

        Written out, as each request makes two, and a call costs as much as what it does.
        """
        series, bounds = self.histograms[name], BUCKETS[name]

        def observe(value: float) -> None:
            cells = series.get(labels)
            if cells is None:
                cells = self._cells(name, labels)
            cells[bisect_left(bounds, value)] += 1
            cells[-1] += value

        return observe

    def present(self, name: str, labels: Labels) -> None:
        """Show a series at 0, so that its first event is an increase."""
        if METRICS[name].type is Type.HISTOGRAM:
            self._cells(name, labels)
        else:
            self.counts[name].setdefault(labels, 0)

    def _cells(self, name: str, labels: Labels) -> list[float]:
        """One a bucket, one for what is above all of them, one for the sum."""
        series = self.histograms[name]
        if labels not in series:
            series[labels] = [0] * (len(BUCKETS[name]) + 2)
        return series[labels]

    def dump(self) -> Dump:
        return {
            name: list(series.items())
            for group in (self.counts, self.gauges, self.histograms)
            for name, series in group.items()
            if series
        }


class CampaignLabels(dict[str, str]):
    """By campaign; of those alone that have one of their own, as all others have the same."""

    def __missing__(self, campaign: str) -> str:
        return OTHER


def label_campaigns(running: Iterable[str], others: Iterable[str]) -> CampaignLabels:
    """Campaign → its label: its own name for the first 500, those that run first, else "other"."""
    named = nsmallest(MAX_CAMPAIGN_LABELS, running)
    named += nsmallest(MAX_CAMPAIGN_LABELS - len(named), others)
    return CampaignLabels(zip(named, named, strict=True))

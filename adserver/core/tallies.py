"""What needs no acknowledgement (requests, served, no fill, discarded), added up by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from adserver.core.batch import MAX_TALLIES_PER_BATCH
from adserver.core.events import Metric, Tally
from adserver.core.hour import Hour, hour_at

# Distinct rows in memory while nothing can be written: slots x creatives, then dropped.
MAX_TALLIES = 100_000

# As text, as rows are; a member's hash is another.
REQUEST, SERVED = Metric.REQUEST.value, Metric.SERVED.value
Rows = defaultdict[Tally, int]
Fills = defaultdict[tuple[int, int, int], int]
"""Slots that a decision filled, by creative, slot and site (numbers)."""


class Tallies:
    """timezone: whose hours rows belong to."""

    def __init__(self, timezone: Callable[[], str]) -> None:
        self._timezone = timezone
        self._rows: Rows = defaultdict(int)
        self._fills: Fills = defaultdict(int)
        self._hour = Hour("", 0, 0)
        self._ends = 0
        # Of hours that ended since the last writing, or that could not be written.
        self._earlier: list[tuple[Hour, dict[Tally, int]]] = []

    def add(self, now: float, row: Tally, many: int = 1) -> None:
        """now: UTC seconds; the row is the hour's in which this happened, so many times."""
        if now >= self._ends:
            self._begin_hour(now)
        self._rows[row] += many

    def fills(self, now: float) -> Fills:
        """Those of the hour, to add to: each is a row of a request and one of a served ad, of which
        there are as many, and which are told apart when they are written. now: UTC seconds."""
        if now >= self._ends:
            self._begin_hour(now)
        return self._fills

    def _begin_hour(self, now: float) -> None:
        self._set_aside()
        self._hour = hour_at(now, self._timezone())
        self._ends = self._hour.end

    def put_back(self, hour: Hour, rows: Mapping[Tally, int]) -> None:
        """They were written, and may be lost."""
        self._earlier.append((hour, dict(rows)))

    def records(self) -> Iterator[tuple[Hour, dict[Tally, int]]]:
        """All there is, in portions of one record; one is let go when the next is asked for."""
        self._set_aside()
        while self._earlier:
            hour, rows = self._earlier[0]
            while rows:
                some = dict(islice(rows.items(), MAX_TALLIES_PER_BATCH))
                yield hour, some
                for row in some:
                    del rows[row]
            del self._earlier[0]

    def _set_aside(self) -> None:
        rows = self._rows
        for (creative, slot, site), times in self._fills.items():
            rows[REQUEST, 0, slot, site] += times
            rows[SERVED, creative, slot, site] += times
        self._fills.clear()
        if self._rows:
            self._earlier.append((self._hour, self._rows))
            self._rows = defaultdict(int)

    @property
    def waiting(self) -> int:
        """Rows that could not be written so far."""
        return sum(len(rows) for _, rows in self._earlier)

    def drop(self) -> None:
        self._earlier.clear()

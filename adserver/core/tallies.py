"""What needs no acknowledgement (requests, served, no fill, discarded), added up by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from adserver.core.batch import MAX_TALLIES_PER_BATCH
from adserver.core.events import Tally
from adserver.core.hour import Hour, hour_at

# Distinct rows in memory while nothing can be written: slots x creatives, then dropped.
MAX_TALLIES = 100_000

Rows = defaultdict[Tally, int]


class Tallies:
    """timezone: whose hours rows belong to."""

    def __init__(self, timezone: Callable[[], str]) -> None:
        self._timezone = timezone
        self._rows: Rows = defaultdict(int)
        self._hour = Hour("", 0, 0)
        self._ends = 0
        # Of hours that ended since the last writing, or that could not be written.
        self._earlier: list[tuple[Hour, dict[Tally, int]]] = []

    def add(self, now: float, row: Tally) -> None:
        """now: UTC seconds; the row is the hour's in which this happened."""
        self.rows(now)[row] += 1

    def rows(self, now: float) -> Rows:
        """Those of the hour, for whoever adds to several of them at one time (UTC seconds)."""
        if now >= self._ends:
            self._set_aside()
            self._hour = hour_at(now, self._timezone())
            self._ends = self._hour.end
        return self._rows

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
        if self._rows:
            self._earlier.append((self._hour, self._rows))
            self._rows = defaultdict(int)

    @property
    def waiting(self) -> int:
        """Rows that could not be written so far."""
        return sum(len(rows) for _, rows in self._earlier)

    def drop(self) -> None:
        self._earlier.clear()

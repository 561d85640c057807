"""Delivery of all nodes together, for who looks every second: each look reads what has changed.

Every shard numbers the changes of its totals and keeps, by creative, the number of the last one.
A look asks for what lies behind the number that it has seen: one call a shard, which costs no
more than a GET where nothing has changed. What was seen is no longer believed, and everything is
read anew, where the shard's number has gone backwards, and behind a new connection: a store that
was restarted, rolled back or failed over may have reached the same number by another way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from adserver.core.events import Delivered, Metric
from adserver.store.connect import AsyncClient
from adserver.store.keys import Keys
from adserver.store.line import Line, line_to
from adserver.store.script import Part, Script

# What count.lua adds up in totals.
METRICS = (Metric.SERVED, Metric.IMPRESSION, Metric.VIEWABLE, Metric.CLICK)
# Creatives a call: a millisecond of the store's time. What is behind them is the next call's.
MAX_CREATIVES_PER_CALL = 1_000

Counts = tuple[int, ...]
"""Of one creative, in the order of METRICS."""
NEVER: Counts = (0,) * len(METRICS)


class StoredLiveTotals:
    """`core.ports.serving.LiveTotals` on Redis."""

    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._shards = [Shard(line_to(client), keys, shard) for shard in range(keys.shards)]
        self._delivered: dict[tuple[Metric, int], int] = {}
        # Changes that a look has seen and, as another shard did not answer, has not told of.
        self._untold: set[int] = set()
        self._looking = asyncio.Lock()

    @property
    def delivered(self) -> Delivered:
        return self._delivered

    async def look(self) -> set[int]:
        """StoreUnavailable if a shard did not answer; what the others said is kept."""
        async with self._looking:
            looks = await asyncio.gather(
                *(self._look(shard) for shard in self._shards), return_exceptions=True
            )
            for failure in looks:
                if failure is not None:
                    raise failure
            told, self._untold = self._untold, set()
            return told

    async def close(self) -> None:
        for shard in self._shards:
            await shard.line.close()

    async def _look(self, shard: Shard) -> None:
        for creative, before, after in await shard.look():
            self._untold.add(creative)
            for metric, was, now in zip(METRICS, before, after, strict=True):
                if was != now:
                    key = metric, creative
                    self._delivered[key] = self._delivered.get(key, 0) + now - was


class Shard:
    """What is known of one shard, and up to which change."""

    def __init__(self, line: Line, keys: Keys, shard: int) -> None:
        self.line = line
        self._keys = [keys.change(shard), keys.changes(shard), keys.totals(shard)]
        self._script = Script.named("changed")
        self._known: dict[int, Counts] = {}
        self._seen = 0
        self._connection = 0

    async def look(self) -> list[tuple[int, Counts, Counts]]:
        """Creatives whose counts have changed, with what they were and what they are."""
        found: dict[int, Counts] = {}
        seen, anew = self._seen, False
        while True:
            told, last, *creatives = await self._call(seen)
            new_connection = self.line.connections != self._connection
            self._connection = self.line.connections
            if seen and (new_connection or last < seen):
                seen, anew = 0, True
                found.clear()
                continue
            found.update(by_creative(creatives))
            seen = told
            if told == last:
                return self._learn(found, seen, anew)

    async def _call(self, seen: int) -> list[int]:
        args: list[Part] = [seen, MAX_CREATIVES_PER_CALL, *METRICS]
        answer: Sequence[Any] = await self.line.run(self._script, self._keys, args)
        return [int(part) for part in answer]

    def _learn(
        self, found: dict[int, Counts], seen: int, anew: bool
    ) -> list[tuple[int, Counts, Counts]]:
        known = self._known
        asked = known.keys() | found.keys() if anew else found.keys()
        pairs = [(c, known.get(c, NEVER), found.get(c, NEVER)) for c in asked]
        if anew:
            self._known = found
        else:
            known.update(found)
        self._seen = seen
        return [(creative, was, now) for creative, was, now in pairs if was != now]


def by_creative(parts: Sequence[int]) -> Iterator[tuple[int, Counts]]:
    step = len(METRICS) + 1
    for at in range(0, len(parts), step):
        yield parts[at], tuple(parts[at + 1 : at + step])

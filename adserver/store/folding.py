"""Folding: rows are kept by the hour for a while and by the day from then on.

An hour is folded by one script call, which adds its rows to those of its day and removes them:
whole or not at all, and a second time there is nothing left to add. So it does not matter how
many nodes do it at the same time, or where one of them is killed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from adserver.core.hour import Hour, day_of, hour_at, hour_named
from adserver.store.connect import AsyncClient, answering
from adserver.store.keys import Keys
from adserver.store.line import Line, line_to
from adserver.store.script import Script

DAY_SECONDS = 86_400
# Days that keep their hours: a quarter, which is what people compare hours over.
HOURS_KEPT_DAYS = 90
# Hours asked for at a time: a day's.
HOURS_A_STEP = 24
# Of the time that folding takes, the share in which the store is left to others.
REST = 0.5


@dataclass(frozen=True, slots=True)
class Folded:
    hours: int = 0
    rows: int = 0

    def __add__(self, other: Folded) -> Folded:
        return Folded(self.hours + other.hours, self.rows + other.rows)


class Folding:
    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._fold = Script.named("fold")

    async def run(self, now: float, timezone: str) -> Folded:
        """Fold all hours that are old enough. now: UTC seconds; timezone: the site's.

        StoreUnavailable where the store stops answering; what was folded until then is.
        """
        until = kept_from(now, timezone)
        done = Folded()
        for shard in range(self._keys.shards):
            line = line_to(self._client)
            try:
                while old := await self._old(shard, until):
                    for hour in old:
                        done += await self._gently(line, shard, hour, timezone)
            finally:
                await line.close()
        return done

    async def _old(self, shard: int, until: int) -> list[Hour]:
        with answering():
            found = await self._client.zrangebyscore(
                self._keys.hours(shard), "-inf", f"({until}", 0, HOURS_A_STEP, withscores=True
            )
        return [hour_named(name.decode(), int(begin)) for name, begin in found]

    async def _gently(self, line: Line, shard: int, hour: Hour, timezone: str) -> Folded:
        begun = time.monotonic()
        rows = await self._one(line, shard, hour, timezone)
        took = time.monotonic() - begun
        await asyncio.sleep(took * REST / (1 - REST))
        return Folded(1 if rows else 0, rows)

    async def _one(self, line: Line, shard: int, hour: Hour, timezone: str) -> int:
        day = day_of(hour, timezone)
        keys = [
            self._keys.counts(shard, hour.name),
            self._keys.daily(shard, day.name),
            self._keys.hours(shard),
            self._keys.days(shard),
        ]
        return int(await line.run(self._fold, keys, [hour.name, day.name, day.begin]))


def kept_from(now: float, timezone: str) -> int:
    """The beginning of the first day that keeps its hours, so that days are folded whole."""
    return day_of(hour_at(now - HOURS_KEPT_DAYS * DAY_SECONDS, timezone), timezone).begin

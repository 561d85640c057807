"""Slots' traffic in the store: histories, what is counted behind them, when ads were served.

Whoever asks names the slots and sites, so that of an hour's rows, of which there may be a hundred
thousand, only those of requests are read.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import inf
from typing import Any

from adserver.core.forecast import DAY_SECONDS, History
from adserver.core.hour import hour_at
from adserver.core.traffic import MINUTE_SECONDS, Scope, Traffic, minutes_of, unlearnt_from
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.keys import Keys
from adserver.store.line import line_to
from adserver.store.script import Part, Script

THROUGH = "#through"
# A byte of version, 338 numbers, and the time up to which it goes: 1,361 bytes a slot.
HISTORY = struct.Struct("<B338fd")
VERSION = 1
# Longer than hours are caught up on.
UP_SECONDS = 35 * DAY_SECONDS
MINUTES_A_DAY = 1_440
# Fields asked for at once: half a millisecond of the store's time.
FIELDS_A_CALL = 1_000


def pack(history: History) -> bytes:
    return HISTORY.pack(VERSION, *history.numbers())


def read(packed: bytes) -> History | None:
    """None for what another release has written: it is learnt anew."""
    try:
        version, *numbers = HISTORY.unpack(packed)
    except struct.error:
        return None
    return History.of(numbers) if version == VERSION else None


def read_all(fields: Mapping[bytes, bytes]) -> dict[int, History]:
    found = {int(slot): read(packed) for slot, packed in fields.items() if slot[:1] != b"#"}
    return {slot: history for slot, history in found.items() if history is not None}


def through_of(said: bytes | None) -> int:
    return int(said or 0)


class Fields:
    """The fields of an hour's rows that count requests, and whose each of them is."""

    def __init__(self, scope: Scope) -> None:
        pairs = [(slot, site) for slot in scope.slots for site in (0, *scope.sites)]
        self._calls = [
            ([f"r:0:{slot}:{site}" for slot, site in some], [slot for slot, _ in some])
            for some in chunks(pairs)
        ]
        self.names = [names for names, _ in self._calls]

    def add_up(self, answers: Iterable[Sequence[bytes | None]]) -> Counter[int]:
        """Requests by slot, of answers in the order of `names`."""
        found: Counter[int] = Counter()
        for (_, slots), counts in zip(self._calls, answers, strict=True):
            for slot, count in zip(slots, counts, strict=True):
                if count:
                    found[slot] += int(count)
        return found


def chunks(pairs: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    for at in range(0, len(pairs), FIELDS_A_CALL):
        yield pairs[at : at + FIELDS_A_CALL]


class StoredTraffic:
    """`core.ports.commands.KnownTraffic` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def traffic(self, scope: Scope, now: float) -> Traffic:
        with answering():
            fields = self._client.hgetall(self._keys.traffic)
        through = through_of(fields.get(THROUGH.encode()))
        begin = unlearnt_from(through, now, scope.timezone)
        since: Counter[int] = Counter()
        for requests in self.requests(scope, begin, inf).values():
            since.update(requests)
        return Traffic(through, read_all(fields), begin, since)

    def requests(self, scope: Scope, since: float, until: float) -> dict[int, Counter[int]]:
        asked = Fields(scope)
        found: dict[int, Counter[int]] = {}
        with answering():
            for shard in range(self._keys.shards):
                for begin, requests in self._of_shard(shard, asked, since, until):
                    hour = hour_at(begin, scope.timezone).begin
                    found.setdefault(hour, Counter()).update(requests)
        return found

    def _of_shard(
        self, shard: int, asked: Fields, since: float, until: float
    ) -> Iterator[tuple[int, Counter[int]]]:
        window = (since, f"({until}")
        hours = self._client.zrangebyscore(self._keys.hours(shard), *window, withscores=True)
        pipeline = self._client.pipeline(transaction=False)
        for name, _ in hours:
            for some in asked.names:
                pipeline.hmget(self._keys.counts(shard, name.decode()), some)
        answers = iter(pipeline.execute())
        for _, begin in hours:
            yield int(begin), asked.add_up([next(answers) for _ in asked.names])


class StoredLiveTraffic:
    """`core.ports.serving.LiveTraffic` on Redis, and what the admin process writes of it."""

    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._line = line_to(client)
        self._learn, self._beat = Script.named("learn"), Script.named("beat")
        # Histories change once an hour: what was read is kept until they do.
        self._through = 0
        self._histories: dict[int, History] = {}

    async def traffic(self, scope: Scope, now: float) -> Traffic:
        await self._refresh()
        begin = unlearnt_from(self._through, now, scope.timezone)
        counted = await self.requests(scope, begin, inf)
        since: Counter[int] = Counter()
        for requests in counted.values():
            since += requests
        return Traffic(self._through, self._histories, begin, since)

    async def through(self) -> int:
        """UTC seconds up to which hours have been learnt, 0 before the first time."""
        with answering():
            return through_of(await self._client.hget(self._keys.traffic, THROUGH))

    async def _refresh(self) -> None:
        through = await self.through()
        if through != self._through:
            with answering():
                fields = await self._client.hgetall(self._keys.traffic)
            self._through = through_of(fields.get(THROUGH.encode()))
            self._histories = read_all(fields)

    async def requests(self, scope: Scope, since: float, until: float) -> dict[int, Counter[int]]:
        asked = Fields(scope)
        with answering():
            shards = await asyncio.gather(
                *(self._of_shard(shard, asked, since, until) for shard in range(self._keys.shards))
            )
        found: dict[int, Counter[int]] = {}
        for begin, requests in chain.from_iterable(shards):
            # An hour may have a name of another zone's; it is of the hour in which it begins.
            hour = hour_at(begin, scope.timezone).begin
            found.setdefault(hour, Counter()).update(requests)
        return found

    async def _of_shard(
        self, shard: int, asked: Fields, since: float, until: float
    ) -> list[tuple[int, Counter[int]]]:
        window = (since, f"({until}")
        hours = await self._client.zrangebyscore(self._keys.hours(shard), *window, withscores=True)
        found = []
        for name, begin in hours:
            key = self._keys.counts(shard, name.decode())
            answers = [await self._client.hmget(key, some) for some in asked.names]
            found.append((int(begin), asked.add_up(answers)))
        return found

    async def histories(self) -> tuple[int, dict[int, History]]:
        """Up to where hours have been learnt (UTC seconds), and what that came to."""
        await self._refresh()
        return self._through, self._histories

    async def learn(self, before: int, through: int, histories: Mapping[int, History]) -> bool:
        """Write the histories up to `through`; whether that was not done by somebody else, who
        left it at another hour than `before`."""
        args: list[Part] = [before or "", through]
        for slot, history in histories.items():
            args += [slot, pack(history)]
        return bool(await self._line.run(self._learn, [self._keys.traffic], args))

    async def beat(self, minutes: Iterable[int]) -> None:
        """Note minutes since 1970 in which ads were served."""
        days: dict[int, list[int]] = {}
        for minute in minutes:
            days.setdefault(minute // MINUTES_A_DAY, []).append(minute % MINUTES_A_DAY)
        for day, some in days.items():
            await self._line.run(self._beat, [self._keys.up(day)], [UP_SECONDS, *some])

    async def minutes(self, since: float, until: float) -> set[int]:
        """Minutes since 1970 in which ads were served, of the UTC days from `since` to `until`."""
        first, last = (int(at // (MINUTES_A_DAY * MINUTE_SECONDS)) for at in (since, until))
        found: set[int] = set()
        for day in range(first, last + 1):
            with answering():
                bits = await self._client.get(self._keys.up(day))
            found.update(minutes_of(day, bits or b""))
        return found

    async def close(self) -> None:
        await self._line.close()

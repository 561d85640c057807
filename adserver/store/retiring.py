"""Retiring: generations lose their content when they are old, and with it go files that no other
one needs (`core.retention` says which).

Each step may be done twice, and by several nodes at the same time: what is to go is found before
it is noted as gone, and a file goes only while no generation has claimed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adserver.core.retention import MAX_RECORDS, Stored, oldest_kept
from adserver.store.connect import AsyncClient, answering
from adserver.store.files import parts
from adserver.store.keys import Keys
from adserver.store.line import line_to
from adserver.store.script import Script

# Fields of `Keys.kept`.
CONTENT, RECORD = "content", "record"
GENERATIONS_A_CALL = 200
FILES_A_CALL = 200


@dataclass(frozen=True, slots=True)
class Retired:
    """How many lost their content, how many are forgotten, how many files were removed."""

    contents: int = 0
    records: int = 0
    files: int = 0

    def __bool__(self) -> bool:
        return bool(self.contents or self.records or self.files)


class Retiring:
    """life: seconds for which what a generation has shown may be asked for when it is gone."""

    def __init__(self, client: AsyncClient, keys: Keys, life: float) -> None:
        self._client: Any = client
        self._keys = keys
        self._life = life
        self._line = line_to(client)
        self._weigh, self._remove = Script.named("weigh"), Script.named("remove")

    async def run(self, now: float) -> Retired:
        """now: UTC seconds. StoreUnavailable; what was done until then is."""
        try:
            return await self._run(now)
        finally:
            await self._line.close()

    async def _run(self, now: float) -> Retired:
        with answering():
            live = int(await self._client.get(self._keys.live) or 0)
            noted = await self._client.hmget(self._keys.kept, CONTENT, RECORD)
        if not live:
            return Retired()
        first, first_record = (int(number or 1) for number in noted)
        oldest = oldest_kept(await self._stored(first, live), now, self._life)
        record = min(oldest, max(first_record, live - MAX_RECORDS + 1))
        with answering():
            for number in range(first, oldest):
                await self._client.hdel(self._keys.generation(number), "body", "files")
            for number in range(first_record, record):
                await self._client.unlink(self._keys.generation(number))
            await self._client.hset(self._keys.kept, mapping={CONTENT: oldest, RECORD: record})
        files = await self._remove_files(oldest)
        return Retired(oldest - first, record - first_record, files)

    async def _stored(self, first: int, live: int) -> list[Stored]:
        """Newest first. One that somebody has removed by hand weighs nothing."""
        found: list[Stored] = []
        numbers = range(live, first - 1, -1)
        for at in range(0, len(numbers), GENERATIONS_A_CALL):
            some = numbers[at : at + GENERATIONS_A_CALL]
            keys = [self._keys.generation(number) for number in some]
            told = await self._line.run(self._weigh, keys, [])
            found += [
                Stored(number, size, float(began or 0))
                for number, began, size in zip(some, told[::2], told[1::2], strict=True)
            ]
        return found

    async def _remove_files(self, oldest: int) -> int:
        with answering():
            found = await self._client.zrangebyscore(self._keys.contents, "-inf", f"({oldest}")
        removed = 0
        for some in parts([digest.decode() for digest in found], FILES_A_CALL):
            removed += await self._remove_these(some, oldest)
        return removed

    async def _remove_these(self, digests: Sequence[str], oldest: int) -> int:
        keys = self._keys_of(digests)
        return int(await self._line.run(self._remove, keys, [oldest, *digests]))

    def _keys_of(self, digests: Sequence[str]) -> list[str]:
        of_each = (
            key
            for digest in digests
            for key in (self._keys.asset(digest), self._keys.source(digest))
        )
        return [self._keys.contents, *of_each]

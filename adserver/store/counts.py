"""Counting in the store: one script call a batch, each event once, whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

import redis.asyncio

from adserver.core.errors import StoreUnavailable
from adserver.core.events import METRIC_OF, Event, Kind, Metric, Outcome, Row
from adserver.core.hour import Hour
from adserver.core.ports import Tally
from adserver.store.connect import answering, script
from adserver.store.keys import SLACK_SECONDS, Keys, bit_of
from adserver.store.line import Line, Script

LETTERS = {
    ord("a"): Outcome.ACCEPTED,
    ord("u"): Outcome.UNMATCHED,
    ord("d"): Outcome.DUPLICATE,
}
METRIC_LETTERS = tuple(METRIC_OF[kind].value.encode() for kind in Kind)
PACKED_EVENT = Struct(">IIHBc")
WRITER_BITS = 32
CLAIM_ATTEMPTS = 20


class StoredCounts:
    """`core.ports.Counts` on Redis. ticket_life: seconds for which a ticket's bits are kept."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, ticket_life: int) -> None:
        self._client: Any = client
        self._keys = keys
        self._life = ticket_life + SLACK_SECONDS
        self._line = Line(client)
        self._count = Script(script("count"))
        self._add: Any = client.register_script(script("add"))

    async def count(self, hour: Hour, events: Sequence[Event]) -> list[Outcome]:
        groups = by_bitmap(events)
        packed = [b"".join(map(pack, members)) for members in groups.values()]
        keys = [*self._rows(hour), *(self._keys.seen(0, *group) for group in groups)]
        letters = await self._line.run(
            self._count, keys, [hour.name, hour.begin, self._life, *packed]
        )
        outcomes = [Outcome.ACCEPTED] * len(events)
        members_in_order = (m for members in groups.values() for m in members)
        for (position, _, _), letter in zip(members_in_order, letters, strict=True):
            outcomes[position] = LETTERS[letter]
        return outcomes

    async def add(
        self, hour: Hour, writer: int, sequence: int, tallies: Mapping[Tally, int]
    ) -> None:
        args: list[Any] = [hour.name, hour.begin, sequence, self._life]
        for (metric, creative, slot, site), count in tallies.items():
            args += (f"{metric}:{creative}:{slot}:{site}", count)
        with answering():
            await self._add(keys=[*self._rows(hour), self._keys.ledger(0, writer)], args=args)

    async def claim_writer(self) -> int:
        """At random, and claimed, so that even a store that was emptied does not give out twice
        a number whose tickets are still on pages."""
        for _ in range(CLAIM_ATTEMPTS):
            writer = secrets.randbits(WRITER_BITS)
            with answering():
                if await self._client.set(self._keys.writer(writer), 1, nx=True, ex=self._life):
                    return writer
        raise StoreUnavailable(f"no free writer number in {CLAIM_ATTEMPTS} attempts")

    async def keep_writer(self, writer: int) -> None:
        with answering():
            await self._client.set(self._keys.writer(writer), 1, ex=self._life)

    def _rows(self, hour: Hour) -> list[str]:
        return [self._keys.counts(0, hour.name), self._keys.totals(0), self._keys.hours(0)]


Member = tuple[int, int, Event]


def pack(member: Member) -> bytes:
    """An event as count.lua reads it."""
    _, bit, event = member
    letter = METRIC_LETTERS[event.kind]
    return PACKED_EVENT.pack(bit, event.creative, event.slot, event.site, letter)


def by_bitmap(events: Sequence[Event]) -> dict[tuple[int, int], list[Member]]:
    """(writer, block) → (position in the batch, bit, event), in the order of arrival."""
    groups: dict[tuple[int, int], list[Member]] = {}
    for position, event in enumerate(events):
        block, bit = bit_of(event.serial, event.kind)
        groups.setdefault((event.writer, block), []).append((position, bit, event))
    return groups


def read_rows(hour: int, fields: Iterable[tuple[bytes, bytes]]) -> Iterable[Row]:
    for field, count in fields:
        what, creative, slot, site = field.decode().split(":")
        metric, _, reason = what.partition(".")
        yield Row(hour, Metric(metric), reason, int(creative), int(slot), int(site), int(count))

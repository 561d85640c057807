"""Counting in the store: one script call a shipment, applied whole, once, and in order."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from adserver.core.batch import NOTHING, Mark, Shipment
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Metric, Row
from adserver.core.invalid import Mode
from adserver.core.ports.serving import Source, Told
from adserver.core.record import BITMAP, bitmaps_of, limited_in
from adserver.store.connect import AsyncClient, answering
from adserver.store.keys import SLACK_SECONDS, Keys
from adserver.store.line import line_to
from adserver.store.script import Script

WRITER_BITS = 32
CLAIM_ATTEMPTS = 20


class StoredCounts:
    """`core.ports.serving.Counts` on Redis.

    ticket_life: seconds in which a ticket's events count. unmatched: what becomes of clicks on ads
    without an impression so far, which only the store knows.
    """

    def __init__(
        self, client: AsyncClient, keys: Keys, ticket_life: int, unmatched: Mode = Mode.OFF
    ) -> None:
        self._unmatched = unmatched
        self._client: Any = client
        self._keys = keys
        # An event may come as late as its ticket lives, and be shipped as late again.
        self._life = 2 * ticket_life + SLACK_SECONDS
        self._lines = [line_to(client) for _ in range(keys.shards)]
        self._count = Script.named("count")

    @property
    def shards(self) -> int:
        return self._keys.shards

    async def apply(self, source: Source, shard: int, shipment: Shipment) -> Told:
        events, hour = shipment.events, shipment.hour
        bitmaps, limited = bitmaps_of(events), limited_in(events)
        keys = [
            self._keys.ledger(shard, *source),
            self._keys.counts(shard, hour.name),
            self._keys.totals(shard),
            self._keys.hours(shard),
            self._keys.changes(shard),
            self._keys.change(shard),
            *(self._keys.seen(shard, *BITMAP.unpack(bitmap)) for bitmap in bitmaps),
            *(self._keys.lease(shard, campaign) for campaign in limited),
        ]
        said = await self._lines[shard].run(
            self._count,
            keys,
            [
                line_of(shipment.previous),
                line_of(shipment.mark),
                self._life,
                hour.name,
                hour.begin,
                events,
                b"".join(bitmaps),
                shipment.tallies,
                b"".join(campaign.to_bytes(4, "big") for campaign in limited),
                self._unmatched,
            ],
        )
        return read_ledger(said, hour.begin)

    async def ledger(self, source: Source, shard: int) -> Told:
        with answering():
            said = await self._client.get(self._keys.ledger(shard, *source))
        return read_ledger(said) if said else Told(NOTHING, [])

    async def claim_writer(self) -> int:
        """At random, and claimed, so that even a store that was emptied does not give out twice
        a number whose tickets are still on pages."""
        for _ in range(CLAIM_ATTEMPTS):
            writer = secrets.randbits(WRITER_BITS)
            with answering():
                if await self._client.set(self._keys.writer(writer), 1, nx=True, ex=self._life):
                    return writer
        raise StoreUnavailable(f"no free writer number in {CLAIM_ATTEMPTS} attempts")

    async def keep(self, sources: Sequence[Source]) -> None:
        for source in sources:
            with answering():
                await self._client.set(self._keys.writer(source.writer), 1, ex=self._life)
                for shard in range(self.shards):
                    await self._client.expire(self._keys.ledger(shard, *source), self._life)


def line_of(mark: Mark) -> str:
    return f"{mark.sequence} {mark.digest}\n"


def read_ledger(said: bytes, hour: int = 0) -> Told:
    """A ledger as the script writes it: its mark, and what the last shipment's events added."""
    first, *lines = said.decode("ascii").splitlines()
    sequence, digest = first.split(" ")
    pairs = (line.split(" ") for line in lines)
    return Told(Mark(int(sequence), int(digest)), [read_row(hour, f, n) for f, n in pairs])


def read_rows(hour: int, fields: Iterable[tuple[bytes, bytes]], day: str = "") -> Iterable[Row]:
    for field, count in fields:
        yield read_row(hour, field.decode("ascii"), count, day)


def read_row(hour: int, field: str, count: str | bytes, day: str = "") -> Row:
    what, creative, slot, site = field.split(":")
    metric, _, reason = what.partition(".")
    return Row(hour, Metric(metric), reason, int(creative), int(slot), int(site), int(count), day)

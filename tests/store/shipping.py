"""Counts as a worker's journal ships them, record by record, to every shard that they concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zlib import crc32

from adserver.core.batch import NOTHING, Mark, Shipment
from adserver.core.events import Event, Kind, Tally
from adserver.core.hour import Hour
from adserver.core.parts import part_of
from adserver.core.ports.serving import Source
from adserver.core.record import Content, pack_event, pack_tallies
from adserver.store.counts import StoredCounts


def event(kind: Kind = Kind.IMPRESSION, serial: int = 1, **changes: int) -> Event:
    """Of a campaign of the shard that its bitmap is of."""
    plain = {"writer": 7, "serial": serial, "creative": 1, "slot": 2, "site": 3, **changes}
    return Event(kind, **{"campaign": plain["writer"] + (plain["serial"] >> 16), **plain})


class Shipper:
    """One source, and what each shard's ledger says of it."""

    def __init__(self, counts: StoredCounts, writer: int = 7, epoch: int = 1) -> None:
        self.source = Source(writer, epoch)
        self._counts = counts
        self._said: dict[int, Mark] = {}
        self._last = NOTHING

    async def events(self, hour: Hour, events: Iterable[Event]) -> None:
        await self._ship(Content.EVENTS, b"".join(map(pack_event, events)), hour)

    async def tallies(self, hour: Hour, tallies: Mapping[Tally, int]) -> None:
        await self._ship(Content.TALLIES, pack_tallies(tallies.items()), hour)

    async def _ship(self, content: Content, payload: bytes, hour: Hour) -> None:
        self._last = Mark(self._last.sequence + 1, crc32(payload, self._last.digest))
        shards = self._counts.shards
        for shard in range(shards):
            part = part_of(content, payload, self._last, hour, self.source.writer, shard, shards)
            if part is None:
                continue
            shipment = Shipment(self._said.get(shard, NOTHING), (part,))
            told = await self._counts.apply(self.source, shard, shipment)
            assert told.mark == self._last, "the ledger says something else"
            self._said[shard] = told.mark

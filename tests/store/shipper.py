"""A worker's journal, in memory and for one shard, shipped as the ports of `core` ask for it.

Whatever goes wrong on the way, it is sent again; what has been counted in the end is then to be
exactly what was written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from zlib import crc32

from adserver.core.batch import NOTHING, Mark, Need, Part, Stream
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Event, Kind, Metric
from adserver.core.hour import hour_at
from adserver.core.ports.serving import Source
from adserver.core.record import pack_event
from adserver.store.connect import AsyncClient, async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.totals import delivered
from tests.factories import NOW, ZONE

HOUR = hour_at(NOW, ZONE)
AGAIN_SECONDS = 0.01
# Under load: quick enough to notice any pause, slow enough to leave the machine to the others.
PACE_SECONDS = 0.01
PATIENCE_SECONDS = 30.0
EVENTS = 3


class Shipper:
    """failures: what the store said when it did not count. longest_pause: seconds between two
    shipments that were counted."""

    def __init__(self, counts: StoredCounts, shard: int = 0) -> None:
        self._counts = counts
        self.shard = shard
        # Block 0 of this writer lies in this shard.
        self.source = Source(writer=shard + counts.shards, epoch=1)
        self.stream = Stream(NOTHING)
        self.parts: list[Part] = []
        self.failures: list[StoreUnavailable] = []
        self.longest_pause = 0.0
        self._last = time.monotonic()

    @property
    def events(self) -> int:
        return len(self.parts) * EVENTS

    def write(self) -> None:
        """A record of three impressions."""
        first = self.events
        events = b"".join(
            pack_event(Event(Kind.IMPRESSION, self.source.writer, first + n, 1, 2, 3))
            for n in range(EVENTS)
        )
        sequence = len(self.parts) + 1
        part = Part(sequence, crc32(events), HOUR, events)
        self.parts.append(part)
        self.stream.add(sequence, part)

    async def step(self) -> None:
        """What the stream says is to be done next."""
        try:
            match self.stream.step():
                case None:
                    self.write()
                case Need.LEDGER:
                    told = await self._counts.ledger(self.source, self.shard)
                    self._told(told.mark)
                case Need.PARTS:
                    behind = [p for p in self.parts if p.sequence > self.stream.position]
                    self.stream.read(behind, len(self.parts))
                case shipment:
                    told = await self._counts.apply(self.source, self.shard, shipment)
                    self._told(told.mark)
                    self._counted()
        except StoreUnavailable as error:
            self.failures.append(error)
            self.stream.failed()
            await asyncio.sleep(AGAIN_SECONDS)

    def _told(self, mark: Mark) -> None:
        self.stream.told(mark)

    def _counted(self) -> None:
        now = time.monotonic()
        self.longest_pause = max(self.longest_pause, now - self._last)
        self._last = now

    def begin(self) -> None:
        """Measure pauses from now on."""
        self._last, self.longest_pause = time.monotonic(), 0.0

    async def ship(self, records: int) -> None:
        """So many more records; counted when this returns."""
        await within(self._ship(len(self.parts) + records))

    async def _ship(self, records: int) -> None:
        while len(self.parts) < records or not self.stream.idle:
            await self.step()
        # The store may have rolled back since it answered last.
        self.stream.doubt()
        while not self.stream.idle:
            await self.step()

    async def ship_until(self, done: asyncio.Event) -> None:
        """Records, one after the other, until this is so; all are counted when this returns."""
        while not done.is_set():
            await self.step()
            await asyncio.sleep(PACE_SECONDS)
        await self.ship(1)


@asynccontextmanager
async def worker_of(url: str) -> AsyncIterator[AsyncClient]:
    """Closed also where a test fails: uvloop waits for what is left open for ever."""
    worker = async_client(url)
    try:
        yield worker
    finally:
        await worker.aclose()


async def counted(url: str, keys: Keys) -> int:
    """The impressions in the store's totals."""
    async with worker_of(url) as worker:
        return (await delivered(worker, keys)).get((Metric.IMPRESSION, 1), 0)


async def under_load(shippers: Sequence[Shipper], work: Callable[[], object]) -> None:
    """work: called beside shipping, in a thread of its own."""
    done = asyncio.Event()
    load = asyncio.gather(*(shipper.ship_until(done) for shipper in shippers))
    try:
        await within(asyncio.to_thread(work))
    finally:
        done.set()
    await load


async def within(work, seconds: float = PATIENCE_SECONDS):  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        return await work

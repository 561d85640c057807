"""Journals to the store, beside requests: this worker's own, and those that dead workers left.

One task for each journal and shard does what its `Stream` says. A journal that was adopted is
watched for ten minutes after the store has it all, in case the store rolls back, and then
removed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from adserver.core.batch import NOTHING, Need, Shipment, Stream, part_of
from adserver.core.errors import JournalError, LedgerConflict, StoreUnavailable
from adserver.core.events import Row
from adserver.core.ports import Counts, Source, Told
from adserver.metrics import Meter
from adserver.serving.counting import Written
from adserver.serving.journal import Journal
from adserver.serving.journals import Journals

log = structlog.get_logger(__name__)

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0
TIDY_SECONDS = 1.0
# Held at once by a worker: each is asked for its ledger every second.
MAX_ADOPTED = 64
# A worker that leaves waits so long for the store; the rest is adopted.
FINISH_SECONDS = 5.0


@dataclass(slots=True)
class Held:
    """A journal that is ours to ship, and how far each shard has it."""

    journal: Journal
    streams: list[Stream]
    own: bool = False
    wakes: list[asyncio.Event] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def source(self) -> Source:
        return Source(self.journal.writer, self.journal.epoch)

    @property
    def position(self) -> int:
        """Every shard has the records up to this one."""
        return min(stream.position for stream in self.streams)

    @property
    def idle(self) -> bool:
        return all(stream.idle for stream in self.streams)


class Shipping:
    """noted: told what each shipment's events have added, once."""

    def __init__(
        self,
        counts: Counts,
        journals: Journals,
        meter: Meter,
        noted: Callable[[list[Row]], None],
    ) -> None:
        self._counts = counts
        self._journals = journals
        self._meter = meter
        self._noted = noted
        self._held: list[Held] = []
        self._own: Held | None = None

    def begin(self, journal: Journal) -> None:
        """Ship this worker's own journal, a new one."""
        self._own = self._hold(journal, own=True)

    def _hold(self, journal: Journal, *, own: bool) -> Held:
        known = NOTHING if own else None
        end = journal.last.sequence
        streams = [Stream(known, end) for _ in range(self._counts.shards)]
        held = Held(journal, streams, own, [asyncio.Event() for _ in streams])
        held.tasks = [
            asyncio.create_task(self._ship(held, shard)) for shard in range(len(streams))
        ]
        self._held.append(held)
        return held

    def durable(self, written: Written) -> None:
        """A record of our own journal has become durable."""
        held = self._own
        assert held is not None
        shards, (mark, content, payload, hour) = len(held.streams), written
        for shard, stream in enumerate(held.streams):
            part = part_of(content, payload, mark, hour, held.journal.writer, shard, shards)
            stream.add(mark.sequence, part)
            if part is not None:
                held.wakes[shard].set()

    async def _ship(self, held: Held, shard: int) -> None:
        """Do what the stream says, as soon as it says something."""
        stream, wake = held.streams[shard], held.wakes[shard]
        delay = FIRST_DELAY_SECONDS
        while True:
            step = stream.step()
            if step is None:
                await wake.wait()
                wake.clear()
                continue
            try:
                await self._do(step, held, shard)
            except StoreUnavailable as error:
                stream.failed()
                self._failed(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            except (LedgerConflict, JournalError) as error:
                self._refuse(held, error)
                return
            else:
                delay = FIRST_DELAY_SECONDS

    async def _do(self, step: Shipment | Need, held: Held, shard: int) -> None:
        stream = held.streams[shard]
        if step is Need.PARTS:
            parts, until = await asyncio.to_thread(
                held.journal.read, stream.position, stream.end, shard, len(held.streams)
            )
            stream.read(parts, until)
        elif isinstance(step, Shipment):
            await self._send(step, held, shard)
        else:
            self._hear(held, shard, Told(await self._timed_ledger(held, shard), []))

    async def _timed_ledger(self, held: Held, shard: int):  # type: ignore[no-untyped-def]
        started = time.perf_counter()
        mark = await self._counts.ledger(held.source, shard)
        self._answered("ledger", started)
        return mark

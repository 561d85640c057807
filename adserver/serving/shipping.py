"""Journals to the store, beside requests: this worker's own, and those that dead workers left.

One task for each journal and shard does what its `Stream` says. A journal that was adopted is
watched for ten minutes after the store has it all, in case the store rolls back, and then
removed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from adserver.core.batch import NOTHING, Need, Shipment, Stream
from adserver.core.errors import LedgerConflict, StoreUnavailable
from adserver.core.events import Row
from adserver.core.parts import Written, part_of
from adserver.core.ports.serving import Counts, Source, Spoken, Told
from adserver.metrics.meter import Meter
from adserver.serving.held import Held
from adserver.serving.journal import Journal
from adserver.serving.journals import Journals
from adserver.serving.store_watch import StoreWatch

log = structlog.get_logger(__name__)

# Between two shipments of a stream: what becomes durable meanwhile travels together. A call costs
# the worker and the store as much as some tens of events, each row of it as much as one or two. A
# stream that is behind does not rest.
REST_SECONDS = 0.05
FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0
# Held at once by a worker: each is asked for its ledger every second.
MAX_ADOPTED = 64
# A worker that leaves waits so long for the store; the rest is adopted.
FINISH_SECONDS = 5.0
# An adopted journal that has nothing (more) is spoken for so long: rounds of leasing are a second
# each, and somebody waits to hear that nothing will come of it.
SPOKEN_SECONDS = 5.0
# Of the last seconds; a store that is further behind says less until it has caught up.
MAX_MARKS = 64


class Shipping:
    """noted: told what each shipment's events have added, once. clock: UTC seconds."""

    def __init__(
        self,
        counts: Counts,
        journals: Journals,
        meter: Meter,
        noted: Callable[[list[Row]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counts = counts
        self._journals = journals
        self._meter = meter
        self.watch = StoreWatch(meter)
        self._noted = noted
        self._clock = clock
        self._held: list[Held] = []
        self._marks: deque[tuple[int, float]] = deque(maxlen=MAX_MARKS)
        self._own: Held | None = None
        # While another store answers at our store's address.
        self.suspended = False

    @property
    def own(self) -> Journal | None:
        return self._own.journal if self._own else None

    @property
    def sources(self) -> list[Source]:
        return [held.source for held in self._held]

    def begin(self, journal: Journal) -> None:
        """Ship this worker's own journal, a new one."""
        self._own = self._hold(journal, new=True)
        self._marks.clear()

    def _hold(self, journal: Journal, *, new: bool = False) -> Held:
        shards = range(self._counts.shards)
        known = NOTHING if new else None
        streams = [Stream(known, journal.last.sequence) for _ in shards]
        wakes = [asyncio.Event() for _ in shards]
        now = time.monotonic()
        held = Held(journal, streams, wakes, [now for _ in shards], now)
        held.tasks = [asyncio.create_task(self._ship(held, shard)) for shard in shards]
        self._held.append(held)
        return held

    def spoken(self, shard: int, passed: tuple[int, float] | None) -> list[Spoken]:
        """How far each journal that we hold is in a shard of the store.

        passed: a record of our own, and when (by the store's clock) all was in it, or in one
        before, that had been accepted until then.
        """
        if passed is not None:
            self._marks.append(passed)
        return [
            Spoken(
                held.source,
                held.streams[shard].ledger,
                self._through(held.streams[shard]) if held is self._own else 0.0,
                held is not self._own and held.streams[shard].shipped,
            )
            for held in self._held
        ]

    def _through(self, stream: Stream) -> float:
        return max((at for sequence, at in self._marks if sequence <= stream.position), default=0.0)

    def durable(self, written: Sequence[Written]) -> None:
        """Records of our own journal have become durable, in their order."""
        held = self._own
        if held is None:
            return
        writer, shards = held.journal.writer, len(held.streams)
        for mark, content, payload, hour in written:
            for shard, stream in enumerate(held.streams):
                part = part_of(content, payload, mark, hour, writer, shard, shards)
                stream.add(mark.sequence, part)
                if part is not None:
                    held.wakes[shard].set()

    async def _ship(self, held: Held, shard: int) -> None:
        """Do what the stream says, as soon as it says something."""
        stream, wake = held.streams[shard], held.wakes[shard]
        delay = FIRST_DELAY_SECONDS
        while True:
            wake.clear()
            step = None if self.suspended else stream.step()
            if step is None:
                if held.closing:
                    return
                await wake.wait()
                continue
            try:
                await self._do(step, held, shard)
            except (StoreUnavailable, ValueError) as error:
                # A ledger that nobody can read is as good as none; it may be mended.
                stream.failed()
                self.watch.failed("count", error, (held.source, shard))
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            except LedgerConflict as error:
                self._refuse(held, error)
                return
            else:
                # A store that is full or read-only says what its ledger says, and takes nothing.
                if isinstance(step, Shipment):
                    delay = FIRST_DELAY_SECONDS
                    await asyncio.sleep(0 if held.closing or stream.behind else REST_SECONDS)

    async def _do(self, step: Shipment | Need, held: Held, shard: int) -> None:
        stream, journal = held.streams[shard], held.journal
        if step is Need.PARTS:
            parts, until = await asyncio.to_thread(
                journal.read, stream.position, stream.end, shard, len(held.streams)
            )
            stream.read(parts, until)
        elif step is Need.LEDGER:
            asked = time.monotonic()
            told = await self._counts.ledger(held.source, shard)
            await self._hear(held, shard, asked, told)
            self.watch.measured("ledger", asked)
            if stream.idle:
                self.watch.answered((held.source, shard))
        elif self._journals.too_old(step.hour, self._clock()):
            stream.give_up(step)
            journal.spoil(step.previous.sequence, step.mark.sequence)
            log.error("shipment_too_old", journal=journal.folder.name, hour=step.hour.name)
        else:
            asked = time.monotonic()
            told = await self._counts.apply(held.source, shard, step)
            await self._hear(held, shard, asked, told)
            self.watch.measured("count", asked)
            self.watch.answered((held.source, shard))

    async def _hear(self, held: Held, shard: int, asked: float, told: Told) -> None:
        stream, ours = held.streams[shard], None
        if not stream.expects(told.mark):
            ours = await asyncio.to_thread(held.journal.holds, told.mark)
        rollbacks, ledger = stream.rollbacks, stream.position
        news = stream.told(told.mark, ours=ours)
        held.confirmed[shard] = asked
        if news:
            self._noted(told.rows)
        elif stream.rollbacks > rollbacks:
            held.journal.rolled_back(stream.position)
            log.warning(
                "store_rolled_back",
                journal=held.journal.folder.name,
                shard=shard,
                record=ledger,
                ledger=told.mark.sequence,
            )

    def _refuse(self, held: Held, error: LedgerConflict) -> None:
        """Somebody else ships in this journal's name: none of what is left is ever sent."""
        log.error("journal_refused", journal=held.journal.folder.name, error=str(error))
        self._let_go(held)
        self._journals.quarantine(held.journal, str(error))

    def _let_go(self, held: Held) -> None:
        for task in held.tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._held.remove(held)
        for shard in range(len(held.streams)):
            self.watch.answered((held.source, shard))
        if held is self._own:
            self._own = None

    async def look_after(self) -> None:
        """Once a second: find journals to adopt, drop what is old, doubt what is idle."""
        try:
            await self._adopt()
            self._tidy()
        except OSError as error:
            # A disk that can only be read keeps its journals; what the store has of them is
            # asked for all the same.
            log.error("journals_not_tidied", error=str(error))
        for held in self._held:
            for stream in held.streams:
                stream.doubt()
            held.wake()
        self._measure()

    async def _adopt(self) -> None:
        """Past the limit, what may be missing in the store comes before what is only watched."""
        while True:
            full = len(self._held) > MAX_ADOPTED
            if full and not self._watched():
                return
            adopt = partial(self._journals.adopt, shipped_too=not full)
            found = await asyncio.to_thread(adopt, self._clock())
            if found is None:
                return
            log.info("journal_adopted", journal=found.folder.name, records=found.last.sequence)
            for held in self._watched()[:1] if full else ():
                self._let_go(held)
                self._journals.leave(held.journal, shipped=True)
            self._hold(found)

    def _watched(self) -> list[Held]:
        """Adopted, whole in the store, and kept in case that loses them."""
        return [
            held
            for held in self._held
            if held.idle and held is not self._own and not held.journal.spoilt
        ]

    def _tidy(self) -> None:
        now = time.monotonic()
        for held in list(self._held):
            held.journal.tidy(held.position, now, min(held.confirmed))
            told = now - held.since > SPOKEN_SECONDS
            if told and held.idle and held is not self._own and not held.journal.files:
                self._finish_adopted(held)

    def _finish_adopted(self, held: Held) -> None:
        self._let_go(held)
        held.journal.remove()
        held.journal.close()

    def _measure(self) -> None:
        gauges, journals = self._meter.gauges, [held.journal for held in self._held]
        gauges["journal_events"][()] = sum(
            held.journal.events_after(held.position) for held in self._held
        )
        gauges["journal_bytes"][()] = sum(journal.size for journal in journals)
        # What is damaged is kept aside when the rest of its file is; a person may look before.
        spoilt = sum(journal.spoilt for journal in journals)
        gauges["journals_quarantined"][()] = self._journals.quarantined() + spoilt

    async def finish(self) -> None:
        """Ship what is durable, for as long as a worker that leaves may wait for the store."""
        tasks = [task for held in self._held for task in held.tasks]
        for held in self._held:
            held.closing = True
            held.wake()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()
        for held in self._held:
            self._journals.leave(held.journal, shipped=held.idle)
        self._held, self._own = [], None

"""The shell around `core.batch`: events join, the journal takes them, the requester is told.

One path for good days and bad: an event is written to the worker's journal, and acknowledged
when it is durable there; `shipping` brings it to the store beside requests. What needs no
acknowledgement (requests, served, no fill, discarded) is added up in memory and written to the
same journal every second.

sync `always`: durable is what a power cut leaves; a batch of events shares one sync. `interval`:
durable is what `kill -9` leaves, at once and without waiting; synced every second.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.commit import Batch, GroupCommit
from adserver.core.errors import JournalError
from adserver.core.events import Event, Outcome
from adserver.core.hour import Hour, hour_at
from adserver.core.parts import Written
from adserver.core.record import Content, pack_event, pack_tallies, read_tallies
from adserver.core.tallies import MAX_TALLIES, Tallies
from adserver.serving.disk_thread import DiskThread
from adserver.serving.journal import Journal
from adserver.serving.journal_files import sync
from adserver.serving.patience import Patience, Waiter
from adserver.serving.seen import SharedSeen

log = structlog.get_logger(__name__)

QUIET_SECONDS = 1.0
# Python looks a member up each time that its class is asked for it.
EVENTS, ACCEPTED, DUPLICATE = Content.EVENTS, Outcome.ACCEPTED, Outcome.DUPLICATE


class Counting:
    """One worker's counting.

    timezone: whose hours rows belong to. durable: told of records that are durable, in order.
    clock: what `passed` is told by. disk: where syncs are waited for; None for a thread of its own.
    Without a journal, as before `begin`, events are refused and tallies wait.
    """

    def __init__(  # noqa: PLR0913 - what it counts with
        self,
        timezone: Callable[[], str],
        durable: Callable[[Sequence[Written]], None],
        seen: SharedSeen,
        *,
        always: bool = True,
        clock: Callable[[], float] = time.time,
        disk: DiskThread | None = None,
    ) -> None:
        self._clock = clock
        self._passed: tuple[int, float] | None = None
        self._journal: Journal | None = None
        self._timezone = timezone
        self._tell = durable
        self._always = always
        self._seen = seen
        self._commit: GroupCommit[Waiter] = GroupCommit()
        self._patience = Patience()
        self._driver: asyncio.Task[None] | None = None
        self._written: deque[Written] = deque()
        # `interval`: packed events of this round of the loop, each a record, all of one hour.
        self._round: list[bytes] = []
        self._round_hour = Hour("", 0, 0)
        self._telling = False
        self._disk = disk or DiskThread()
        self._hour = Hour("", 0, 0)
        self._tallies = Tallies(timezone)
        self.tally, self.fills = self._tallies.add, self._tallies.fills
        self._quiet_until = 0.0

    def begin(self, journal: Journal) -> None:
        """Write to this journal, a new one, from now on; one before it has been given up."""
        self._take_back(self._written)
        self._round = []
        self._journal, self._passed = journal, None

    def join(
        self, event: Event, *, patient: bool = True, known_new: bool = False
    ) -> Outcome | Waiter:
        """What became of the event, or who is told of it.

        patient: wait for it as long as it takes; otherwise None is told after 20 ms, and
        the event is counted all the same. TooManyWaiting or JournalError where it is refused.
        known_new: it has just been asked about (`knows`), and is not known.
        """
        bit = event.bit
        if not known_new and self._seen.has(bit):
            return DUPLICATE
        if not self._always:
            self._write_at_once(pack_event(event))
            self._seen.add(bit)
            return ACCEPTED
        waiter = Waiter()
        self._commit.join(event, waiter)
        if not patient:
            self._patience.limit(waiter)
        self._drive_on()
        return waiter

    def knows(self, bit: int) -> bool:
        """Whether an event (`Event.bit`) is known here to have been counted; the store knows of
        all."""
        return self._seen.has(bit)

    @property
    def passed(self) -> tuple[int, float] | None:
        """A record of the journal, and when everything was in it, or in one before, that had been
        accepted until then, by `clock`; None before the first."""
        if self._journal is None:
            return None
        if self._driver is None:
            return self._journal.last.sequence, self._clock()
        return self._passed

    def hour(self) -> Hour:
        now = time.time()
        if not self._hour.begin <= now < self._hour.end:
            self._hour = hour_at(now, self._timezone())
        return self._hour

    def _write(self, content: Content, payload: bytes, hour: Hour) -> Written:
        self._end_round()
        return Written(self._open.write(content, payload, hour), content, payload, hour)

    @property
    def _open(self) -> Journal:
        if self._journal is None:
            raise JournalError("there is no journal to write to yet")
        return self._journal

    def _write_at_once(self, packed: bytes) -> None:
        """`interval`: where shipments end is free, so events of one round travel together."""
        hour = self.hour()
        if hour is not self._round_hour or len(self._round) >= MAX_EVENTS_PER_BATCH:
            self._end_round()
            self._round_hour = hour
        self._open.write(EVENTS, packed, hour)
        self._round.append(packed)
        if not self._telling:
            self._tell_soon()

    def _end_round(self) -> None:
        if self._round:
            payload, self._round = b"".join(self._round), []
            mark = self._open.last
            self._written.append(Written(mark, EVENTS, payload, self._round_hour))

    def _drive_on(self) -> None:
        if self._driver is None:
            # A task starts in the loop's next round: what arrives in this one joins its batch.
            self._driver = asyncio.create_task(self._drive())

    async def _drive(self) -> None:
        """Batch after batch, for as long as events wait or anything written is not durable."""
        try:
            while True:
                batch = self._commit.leave()
                if batch is None and not self._written:
                    return
                left = None if self._commit.waiting else self._clock()
                try:
                    await self._commit_to_disk(batch)
                    if left is not None and self._journal is not None:
                        self._passed = self._journal.durable.sequence, left
                finally:
                    if batch is not None:
                        self._commit.settle(batch)
                # Who was answered has asked again by now: whoever has joins the next batch, which
                # costs a sync and two changes of thread, however many it is for.
                await asyncio.sleep(0)
        finally:
            self._driver = None

    async def _commit_to_disk(self, batch: Batch[Waiter] | None) -> None:
        try:
            if batch is not None:
                packed = b"".join(map(pack_event, batch.events))
                self._written.append(self._write(EVENTS, packed, self.hour()))
            await self._sync()
        except JournalError as error:
            self._complain(error)
            for waiter in batch.waiters if batch else ():
                waiter.settle(error)
        else:
            if batch is not None:
                self._settle(batch)

    async def _sync(self) -> None:
        """Make durable what is written, and pass it on. JournalError: it is not, and is undone."""
        written, self._written = self._written, deque()
        journal = self._journal
        if journal is None or not written:
            return
        try:
            await self._disk.do(partial(sync, journal.unsynced()))
        except OSError as error:
            journal.abandon(journal.durable)
            self._take_back(written)
            self._take_back(self._written)  # what was written meanwhile stands behind it
            raise JournalError(f"{journal.folder} may not be on disk: {error}") from error
        if journal is not self._journal:
            self._take_back(written)
            raise JournalError(f"{journal.folder} has been given up")
        journal.durable = written[-1].mark
        self._tell(written)

    def _take_back(self, written: deque[Written]) -> None:
        """Tallies that may not be on disk are written again; nobody waits for them."""
        while written:
            one = written.popleft()
            if one.content is Content.TALLIES:
                self._tallies.put_back(one.hour, read_tallies(one.payload))

    def _settle(self, batch: Batch[Waiter]) -> None:
        # The same event twice on its way: the store counts the second as a duplicate.
        new = self._seen.add_all([event.bit for event in batch.events])
        for is_new, waiter in zip(new, batch.waiters, strict=True):
            waiter.settle(ACCEPTED if is_new else DUPLICATE)

    async def flush(self) -> None:
        """Write the tallies; what the journal does not take is tried again the next time."""
        try:
            for hour, rows in self._tallies.records():
                packed = pack_tallies(rows.items())
                self._written.append(self._write(Content.TALLIES, packed, hour))
        except JournalError as error:
            self._complain(error)
            if self._tallies.waiting > MAX_TALLIES:
                log.error("tallies_dropped", why="the journal has taken nothing for too long")
                self._tallies.drop()
        if self._always:
            self._drive_on()
        else:
            self._tell_soon()
            await self._sync_behind()

    def _tell_soon(self) -> None:
        """When this round of the loop has ended."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_all)

    def _tell_all(self) -> None:
        self._telling = False
        self._end_round()
        written, self._written = self._written, deque()
        self._tell(written)
        self._seen.share()

    async def _sync_behind(self) -> None:
        """In `interval` mode: what was acknowledged meanwhile survives the process only."""
        journal = self._journal
        if journal is None:
            return
        try:
            await self._disk.do(partial(sync, journal.unsynced()))
        except OSError as error:
            self._complain(error)
            journal.abandon(journal.last)

    async def finish(self) -> None:
        """Make durable what is left; for a worker that ends, when no more events come."""
        await self.flush()
        while self._driver is not None:
            await self._driver
        self._tell_all()
        self._disk.close()
        self._seen.close()

    def _complain(self, error: JournalError | OSError) -> None:
        """Once a second: a full disk refuses thousands of batches in that time."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.error("journal_failed", error=str(error))

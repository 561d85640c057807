"""The shell around `core.batch`: events wait for their batch, tallies are written behind.

An event is answered when the store has its batch. Tallies (requests, served, no fill,
discarded) are added up in memory and flushed every second under a sequence of their own, so
that a flush whose answer was lost is sent again without counting twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from adserver.core.batch import Batch, GroupCommit
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Event, Outcome
from adserver.core.hour import Hour, hour_at
from adserver.core.ports import Counts, Tally
from adserver.metrics import Meter

# None: it was answered before it was counted (a click that would have waited too long).
Waiter = asyncio.Future[Outcome | None]
Noted = Callable[[Event, Outcome], None]
log = structlog.get_logger(__name__)

# A hand does not feel it; a store that takes longer is counted late, not waited for.
MAX_CLICK_WAIT_SECONDS = 0.020
# Distinct rows in memory while the store is away: slots x creatives of one hour, then refused.
MAX_TALLIES = 100_000
# Hours that ended while the store was away; past a day they run together.
MAX_UNSENT = 24


class Unsent(NamedTuple):
    hour: Hour
    sequence: int
    tallies: dict[Tally, int]


class Counting:
    """One worker's counting.

    timezone: whose hours rows belong to. noted: told of every event that has an outcome.
    """

    def __init__(
        self,
        counts: Counts,
        writer: int,
        meter: Meter,
        timezone: Callable[[], str],
        noted: Noted,
    ) -> None:
        self._counts = counts
        self._writer = writer
        self._meter = meter
        self._timezone = timezone
        self._noted = noted
        self._impatient: deque[tuple[float, Waiter]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._commit: GroupCommit[Waiter] = GroupCommit()
        self._driver: asyncio.Task[None] | None = None
        self._hour = Hour("", 0, 0)
        self._tallies: defaultdict[Tally, int] = defaultdict(int)
        self._tally_hour = Hour("", 0, 0)
        # What is to be written, oldest first; each keeps its sequence until it is.
        self._unsent: deque[Unsent] = deque()
        self._sequence = 0

    def join(self, event: Event, *, patient: bool = True) -> Waiter:
        """A future of the outcome; it raises StoreUnavailable where the batch was not counted.

        patient: wait for it as long as it takes; otherwise the future is None after 20 ms, and
        the event is counted all the same. TooManyWaiting where the limit is reached.
        """
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        self._commit.join(event, waiter)
        if not patient:
            self._impatient.append((loop.time() + MAX_CLICK_WAIT_SECONDS, waiter))
            if self._alarm is None:
                self._alarm = loop.call_later(MAX_CLICK_WAIT_SECONDS, self._lose_patience)
        if self._driver is None:
            # A task starts in the loop's next round: what arrives in this one joins its batch.
            self._driver = asyncio.create_task(self._drive())
        return waiter

    def _lose_patience(self) -> None:
        """One timer for all clicks that wait: they run out in the order in which they came."""
        loop = asyncio.get_running_loop()
        self._alarm = None
        while self._impatient:
            due, waiter = self._impatient[0]
            if not waiter.done():
                if due > loop.time():
                    self._alarm = loop.call_at(due, self._lose_patience)
                    return
                waiter.set_result(None)
            self._impatient.popleft()

    async def _drive(self) -> None:
        try:
            while (batch := self._commit.leave()) is not None:
                started = time.perf_counter()
                try:
                    outcomes = await self._counts.count(self.hour(), batch.events)
                except StoreUnavailable as error:
                    self._failed("count", error)
                    for waiter in batch.waiters:
                        refuse(waiter, error)
                else:
                    self._answered("count", started)
                    self._settle(batch, outcomes)
                finally:
                    self._commit.settle(batch)
        finally:
            self._driver = None

    def _settle(self, batch: Batch[Waiter], outcomes: Sequence[Outcome]) -> None:
        for event, waiter, outcome in zip(batch.events, batch.waiters, outcomes, strict=True):
            self._noted(event, outcome)
            if not waiter.done():
                waiter.set_result(outcome)

    def hour(self) -> Hour:
        now = time.time()
        if not self._hour.begin <= now < self._hour.end:
            self._hour = hour_at(now, self._timezone())
        return self._hour

    def tally(self, now: float, row: Tally) -> None:
        """now: UTC seconds; the row is the hour's in which this happened."""
        if now >= self._tally_hour.end:
            self._set_aside()
            self._tally_hour = hour_at(now, self._timezone())
        self._tallies[row] += 1

    def _set_aside(self) -> None:
        if self._tallies and len(self._unsent) < MAX_UNSENT:
            self._sequence += 1
            self._unsent.append(Unsent(self._tally_hour, self._sequence, self._tallies))
            self._tallies = defaultdict(int)

    async def flush(self) -> None:
        """Write the tallies; what could not be written is sent again, as it was, the next time."""
        if not self._unsent:
            self._set_aside()
        while self._unsent:
            hour, sequence, tallies = self._unsent[0]
            started = time.perf_counter()
            try:
                await self._counts.add(hour, self._writer, sequence, tallies)
            except StoreUnavailable as error:
                self._failed("add", error)
                self._bound()
                return
            self._answered("add", started)
            self._unsent.popleft()

    async def finish(self) -> None:
        """Wait for the batch in flight and write what is left; for a worker that ends."""
        if self._driver is not None:
            await self._driver
        await self.flush()
        await self.flush()

    def _bound(self) -> None:
        if len(self._tallies) > MAX_TALLIES:
            log.error("tallies_dropped", rows=len(self._tallies), why="the store is away too long")
            self._tallies.clear()

    def _answered(self, op: str, started: float) -> None:
        self._meter.gauges["store_up"][()] = 1
        self._meter.observe("store_command_duration_seconds", (op,), time.perf_counter() - started)

    def _failed(self, op: str, error: StoreUnavailable) -> None:
        self._meter.gauges["store_up"][()] = 0
        self._meter.counts["store_errors_total"][(kind_of(error),)] += 1
        log.warning("store_unavailable", op=op, error=str(error))


def refuse(waiter: Waiter, error: StoreUnavailable) -> None:
    if not waiter.done():
        waiter.set_exception(error)
        waiter.exception()  # a click that did not wait will not ask for it


def kind_of(error: StoreUnavailable) -> str:
    """A closed list: what the metric's label may be."""
    cause = type(error.__cause__).__name__
    return {"TimeoutError": "timeout", "ConnectionError": "connection"}.get(cause, "other")

"""Group commit as a state machine: events join the current batch, one batch is in flight.

No timer: a batch leaves as soon as the one before it has been settled, so it is as large as
the traffic of one round trip, alone when the server is idle and full under load. What settles
a batch (the store today) is the shell's business.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from adserver.core.errors import TooManyWaiting
from adserver.core.events import Event

# What one script call handles in about a millisecond, so that the store serves others between.
MAX_EVENTS_PER_BATCH = 1_000
# About half a second of a node's events; past that an honest refusal beats a late answer.
MAX_EVENTS_WAITING = 20_000


Waiter = TypeVar("Waiter")


@dataclass(slots=True)
class Batch(Generic[Waiter]):
    """Events and, at the same positions, who waits for each."""

    sequence: int
    events: list[Event] = field(default_factory=list)
    waiters: list[Waiter] = field(default_factory=list)


class GroupCommit(Generic[Waiter]):
    """Who joins which batch, and which batch may leave."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Event, Waiter]] = deque()
        self._in_flight: Batch[Waiter] | None = None
        self._sequence = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def join(self, event: Event, waiter: Waiter) -> None:
        """Join the batch after the one in flight; TooManyWaiting if that would pass the limit."""
        if len(self._queue) >= MAX_EVENTS_WAITING:
            raise TooManyWaiting
        self._queue.append((event, waiter))

    def leave(self) -> Batch[Waiter] | None:
        """The next batch, now in flight; None while one is, or when nobody waits."""
        if self._in_flight is not None or not self._queue:
            return None
        self._sequence += 1
        batch: Batch[Waiter] = Batch(self._sequence)
        for _ in range(min(len(self._queue), MAX_EVENTS_PER_BATCH)):
            event, waiter = self._queue.popleft()
            batch.events.append(event)
            batch.waiters.append(waiter)
        self._in_flight = batch
        return batch

    def settle(self, batch: Batch[Waiter]) -> None:
        """The batch in flight has an answer, good or bad; the next one may leave."""
        if batch is not self._in_flight:
            raise ValueError("only the batch in flight can be settled")
        self._in_flight = None

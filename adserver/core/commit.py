"""Group commit as a state machine: events join the current batch, one batch is on its way.

What is durable in the journal is acknowledged. No timer: a batch leaves when the one before it
is settled, alone when the worker is idle and full under load.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.errors import TooManyWaiting
from adserver.core.events import Event

# About half a second of a node's events; past that an honest refusal beats a late answer.
MAX_EVENTS_WAITING = 20_000

Waiter = TypeVar("Waiter")


@dataclass(slots=True)
class Batch(Generic[Waiter]):
    """Events and, at the same positions, who waits for each."""

    events: list[Event] = field(default_factory=list)
    waiters: list[Waiter] = field(default_factory=list)


class GroupCommit(Generic[Waiter]):
    """Who joins which batch, and which batch may leave."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Event, Waiter]] = deque()
        self._in_flight: Batch[Waiter] | None = None

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
        batch: Batch[Waiter] = Batch()
        for _ in range(min(len(self._queue), MAX_EVENTS_PER_BATCH)):
            event, waiter = self._queue.popleft()
            batch.events.append(event)
            batch.waiters.append(waiter)
        self._in_flight = batch
        return batch

    def settle(self, batch: Batch[Waiter]) -> None:
        """The batch in flight is durable or refused; the next one may leave."""
        if batch is not self._in_flight:
            raise ValueError("only the batch in flight can be settled")
        self._in_flight = None

"""Who waits for an event to be durable, and for how long at most."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator

import structlog

from adserver.core.errors import JournalError
from adserver.core.events import Outcome

log = structlog.get_logger(__name__)

# What became of an event. None: it was answered before it was durable (a click that would have
# waited too long). JournalError: it is refused.
Told = Outcome | JournalError | None

# A hand does not feel it; a disk that takes longer is counted late, not waited for.
MAX_CLICK_WAIT_SECONDS = 0.020


class Waiter:
    """Who waits for an event: told once, by whoever has made it durable.

    No future, as those who wait for one batch are told one after another, without a task for each
    that has to be woken.
    """

    __slots__ = ("_tell", "_told", "done")

    def __init__(self) -> None:
        self.done = False
        self._told: Told = None
        self._tell: Callable[[Told], None] | None = None

    def then(self, tell: Callable[[Told], None]) -> None:
        """To be told; at once, if it is known already."""
        if self.done:
            tell(self._told)
        else:
            self._tell = tell

    def settle(self, told: Told) -> None:
        """The first word counts."""
        if self.done:
            return
        self.done, self._told = True, told
        # What is told knows this waiter, so that keeping it would be a cycle for the collector.
        tell, self._tell = self._tell, None
        if tell is not None:
            try:
                tell(told)
            except Exception:
                # A defect of ours, and none of those who wait behind this one.
                log.exception("answer_failed")

    def __await__(self) -> Generator[None, None, Outcome | None]:
        """The outcome; raises JournalError."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.then(lambda _: None if future.done() else future.set_result(None))
        yield from future
        if isinstance(self._told, JournalError):
            raise self._told
        return self._told


class Patience:
    """One timer for all clicks that wait: they run out in the order in which they came."""

    def __init__(self) -> None:
        # To ask for it is a system call each time.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[float, Waiter]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def limit(self, waiter: Waiter) -> None:
        """None is its answer if it has no other after 20 ms."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + MAX_CLICK_WAIT_SECONDS, waiter))
        if self._alarm is None:
            self._alarm = loop.call_later(MAX_CLICK_WAIT_SECONDS, self._run_out)

    def _run_out(self) -> None:
        loop = asyncio.get_running_loop()
        self._alarm = None
        while self._waiting:
            due, waiter = self._waiting[0]
            if not waiter.done:
                if due > loop.time():
                    self._alarm = loop.call_at(due, self._run_out)
                    return
                waiter.settle(None)
            self._waiting.popleft()

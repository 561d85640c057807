"""Who waits for an event to be durable, and for how long at most."""

from __future__ import annotations

import asyncio
from collections import deque

from adserver.core.errors import JournalError
from adserver.core.events import Outcome

# None: it was answered before it was durable (a click that would have waited too long).
Waiter = asyncio.Future[Outcome | None]

# A hand does not feel it; a disk that takes longer is counted late, not waited for.
MAX_CLICK_WAIT_SECONDS = 0.020


class Patience:
    """One timer for all clicks that wait: they run out in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Waiter]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def limit(self, waiter: Waiter) -> None:
        """None is its answer if it has no other after 20 ms."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + MAX_CLICK_WAIT_SECONDS, waiter))
        if self._alarm is None:
            self._alarm = loop.call_later(MAX_CLICK_WAIT_SECONDS, self._run_out)

    def _run_out(self) -> None:
        loop = asyncio.get_running_loop()
        self._alarm = None
        while self._waiting:
            due, waiter = self._waiting[0]
            if not waiter.done():
                if due > loop.time():
                    self._alarm = loop.call_at(due, self._run_out)
                    return
                waiter.set_result(None)
            self._waiting.popleft()


def refuse(waiter: Waiter, error: JournalError) -> None:
    if not waiter.done():
        waiter.set_exception(error)
        waiter.exception()  # a click that did not wait will not ask for it

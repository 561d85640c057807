"""The timer beside requests that says how late the loop is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

from adserver.core.overload import TICK_SECONDS, Overload


class Ticker:
    """Not a task, as it runs two hundred times a second."""

    def __init__(self, overload: Overload) -> None:
        self._overload = overload
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        # Not the loop's time, which stands still within a round.
        self._overload.tick(time.perf_counter())
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def stop(self) -> None:
        self._timer.cancel()


@contextlib.contextmanager
def ticking(overload: Overload) -> Iterator[None]:
    ticker = Ticker(overload)
    try:
        yield
    finally:
        ticker.stop()

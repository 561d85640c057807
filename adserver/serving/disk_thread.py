"""A thread for what a disk may take its time for.

Of its own: a disk that hangs must not hold up whatever else waits for a thread. And plain: a batch
of events waits for two changes of thread besides its sync, and what a pool keeps of each piece of
work costs as much as both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

Work = Callable[[], None]


class DiskThread:
    """One loop's; its thread begins with the first piece of work."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: SimpleQueue[tuple[Work, asyncio.Future[None]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def do(self, work: Work) -> asyncio.Future[None]:
        """When it is done, one after the other; the work's own errors."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
            # Whoever ends without having closed this does not wait for a disk.
            self._thread = Thread(target=self._run, args=(loop,), name="journal", daemon=True)
            self._thread.start()
        done = loop.create_future()
        self._asked.put((work, done))
        return done

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (asked := self._asked.get()) is not None:
            work, done = asked
            error = None
            try:
                work()
            except Exception as raised:
                error = raised
            with suppress(RuntimeError):  # the loop has been closed, and nobody waits
                loop.call_soon_threadsafe(tell, done, error)

    def close(self) -> None:
        """When all that was asked for is done."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()
            self._thread = self._loop = None


def tell(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # who has waited was cancelled
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)

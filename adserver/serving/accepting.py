"""Whoever waits to be accepted is, however long the event loop's rounds are.

libuv accepts one connection a round. A worker whose rounds take ten milliseconds, as many others
ask, would let in a hundred visitors a second, and the others would wait where nobody sees them: in
the kernel's queue, which is no lag of the loop. So a timer looks there as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

# As often as the lag is measured; a look where nobody waits is one call of a microsecond.
LOOK_SECONDS = 0.005
# At one look: as many as are attended to in ten milliseconds. The rest is for other workers.
MOST_AT_ONCE = 64


class Accepting:
    """connect: makes what attends to a connection. room: for how many more there is some."""

    def __init__(
        self,
        listening: Sequence[socket.socket],
        connect: Callable[[], asyncio.Protocol],
        room: Callable[[], int],
    ) -> None:
        self._listening, self._connect, self._room = listening, connect, room
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Those who have been accepted are attended to all the same."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        left = min(MOST_AT_ONCE, self._room())
        for one in self._listening:
            # Nobody waits; or somebody has gone again, or no file is left: until the next look.
            with contextlib.suppress(OSError):
                while left > 0:
                    accepted, _ = one.accept()
                    left -= 1
                    task = self._loop.create_task(self._attend(accepted))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _attend(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._connect, accepted)
        except OSError:
            accepted.close()

"""Answers that leave together, behind the requests that were read together.

A write to a socket wakes whoever reads it, which costs about as much as the rest of the write; who
is awake already need not be woken. So the answers of one round of the event loop, or of so many
requests, are written one after the other, and a proxy or a machine with many readers wakes once.
"""

from __future__ import annotations

import asyncio

# Written at once, so that the first of a long round does not wait for its end.
MOST_ANSWERS = 32


class Outbox:
    """One worker's. Who writes to a connection past it, or ends one, empties it first."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self) -> None:
        # To ask for it is a system call each time.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        waiting = self._waiting
        if not waiting:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self.empty)
        waiting.append((transport, answer))
        if len(waiting) >= MOST_ANSWERS:
            self.empty()

    def empty(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, answer in waiting:
            if not transport.is_closing():  # else its reader has left
                transport.write(answer)

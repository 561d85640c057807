"""A TCP proxy between a client and its store that loses, cuts and delays calls.

A call is what one side sends before the other answers: our clients send one at a time. Some are
lost before the store has them, some half-way, some answered to nobody; some are held until the
client has given up, and reach the store after its next attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from adserver.store.connect import SOCKET_TIMEOUT_SECONDS

CHUNK_BYTES = 1 << 20
LATE_SECONDS = SOCKET_TIMEOUT_SECONDS * 1.2


class Loss(StrEnum):
    BEFORE = "before"  # the store never hears of it
    DURING = "during"  # the store gets half of it
    AFTER = "after"  # it is done, and the answer lost
    LATE = "late"  # it arrives when its client has given up


@dataclass(slots=True)
class Proxy:
    """losses: how many of a hundred calls, by kind; changed at any time. turns: what befalls which
    call, the first being 1, of those that `suffered` has counted; the others are drawn."""

    store: str  # a Unix socket
    losses: dict[Loss, float]
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    suffered: Counter[str] = field(default_factory=Counter)
    turns: Mapping[int, Loss] = field(default_factory=dict)
    url: str = ""
    _attending: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._admit, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.url = f"redis://{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            for task in self._attending:
                task.cancel()
            await asyncio.gather(*self._attending, return_exceptions=True)

    def _admit(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._attend(client, answers))
        self._attending.add(task)
        task.add_done_callback(self._attending.discard)

    async def _attend(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(hang_up, answers)
            with suppress(OSError, EOFError):
                reader, writer = await asyncio.open_unix_connection(self.store)
                stack.push_async_callback(hang_up, writer)
                while call := await read_call(client):
                    loss = self._draw_loss()
                    self.suffered[loss or "none"] += 1
                    if not await self._carry(call, loss, reader, writer, answers):
                        return

    def _draw_loss(self) -> Loss | None:
        if loss := self.turns.get(self.suffered.total() + 1):
            return loss
        drawn = self.draw.random() * 100
        for loss, share in self.losses.items():
            if drawn < share:
                return loss
            drawn -= share
        return None

    async def _carry(
        self,
        call: bytes,
        loss: Loss | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamWriter,
    ) -> bool:
        """Whether the connection is still good."""
        if loss is Loss.BEFORE:
            return False
        if loss is Loss.LATE:
            await asyncio.sleep(LATE_SECONDS)
        writer.write(call[: len(call) // 2] if loss is Loss.DURING else call)
        await writer.drain()
        if loss is Loss.DURING:
            return False
        answer = await reader.read(CHUNK_BYTES)
        if loss is not None:
            return False
        answers.write(answer)
        await answers.drain()
        return bool(answer)


async def hang_up(end: asyncio.StreamWriter) -> None:
    end.close()
    with suppress(OSError):
        await end.wait_closed()


async def read_call(client: asyncio.StreamReader) -> bytes:
    """A whole command as Redis' protocol writes it, or several; b"" at the end."""
    call = await client.read(CHUNK_BYTES)
    while call and not is_whole(call):
        more = await client.read(CHUNK_BYTES)
        if not more:
            return b""
        call += more
    return call


def is_whole(data: bytes) -> bool:
    """Whether arrays of bulk strings end where the data does."""
    at = 0
    while at < len(data):
        line = data.find(b"\r\n", at)
        if line < 0:
            return False
        count, at = int(data[at + 1 : line]), line + 2
        for _ in range(count):
            line = data.find(b"\r\n", at)
            if line < 0:
                return False
            at = line + 2 + int(data[at + 1 : line]) + 2
    return at == len(data)

"""Honest clients of a server that is replaced and restarted: what each of them sees.

A client fails when what it sent on a connection that was open gets no whole answer, or a server's
error: a reset, an end too early, a connection that is accepted and then dropped. Whoever was told
that the connection ends (`connection: close`) opens another one, and sends again what it had sent
behind that answer (RFC 9112, 9.6). A refused connection is counted apart: somebody who cannot get
in knows where he is.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.faults.load import Crowd
from tests.faults.oracle import Told
from tests.journeys.hammer import TICKET

GET = b"GET /slots/top HTTP/1.1\r\nhost: ads.example\r\n\r\n"
BODY = b'{"slots": ["top", "side"]}'
POST = b"POST /decisions HTTP/1.1\r\nhost: ads.example\r\ncontent-length: %d\r\n\r\n" % len(BODY)
AT_ONCE = 4
# Of each kind: those who come anew each time, stay, send several at once, send bodies in parts.
CLIENTS = 3
# At most, drawn: keep-alive clients are met idle, in the middle of an answer, and in between.
READING_SECONDS = 0.02
PATIENCE_SECONDS = 20.0
CUT = (OSError, asyncio.IncompleteReadError, TimeoutError)


class ConnectionRefused(Exception):
    """Nobody listens."""


@dataclass(slots=True)
class Line:
    """One connection. ends: the last answer said so."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ends: bool = False

    async def answer(self) -> tuple[int, bytes]:
        """The status of the next one, and its body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        self.ends = headers.get("connection") == "close"
        return int(first.split(" ", 2)[1]), body


@dataclass(slots=True)
class Clients(Crowd):
    """failures: by kind of client and what became of its request. refused: connections.
    told: of the ads that they were served."""

    address: str
    told: Told = field(default_factory=Told)
    failures: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    # Whether those who are refused come again, as behind a socket that somebody holds.
    insist: bool = True
    draw: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def failed(self) -> int:
        return self.failures.total()

    def visits(self) -> Iterator[Coroutine[Any, Any, None]]:
        for kind in (self._come_anew, self._stay, self._send_several, self._send_bodies):
            for _ in range(CLIENTS):
                yield self._visit(kind)

    async def _visit(self, kind: Any) -> None:
        line: Line | None = None
        while not self.stopping:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    line = line or await self._connect()
                    await kind(line)
            except ConnectionRefused:
                self.refused += 1
                if not self.insist:
                    return
                await asyncio.sleep(READING_SECONDS)
            except CUT as error:
                self.failures[f"{kind.__name__}: {type(error).__name__}"] += 1
                line = hang_up(line)
            else:
                if line.ends or kind == self._come_anew:
                    line = hang_up(line)
            await asyncio.sleep(self.draw.random() * READING_SECONDS)
        hang_up(line)

    async def _connect(self) -> Line:
        parts = urlsplit(self.address)
        try:
            return Line(*await asyncio.open_connection(parts.hostname, parts.port))
        except ConnectionRefusedError:
            raise ConnectionRefused from None

    async def _come_anew(self, line: Line) -> None:
        await self._ask(line)

    async def _stay(self, line: Line) -> None:
        await self._ask(line)

    async def _ask(self, line: Line) -> None:
        line.writer.write(GET)
        await self._hear(line)

    async def _send_several(self, line: Line) -> None:
        line.writer.write(GET * AT_ONCE)
        for _ in range(AT_ONCE):
            await self._hear(line)
            if line.ends:
                return

    async def _send_bodies(self, line: Line) -> None:
        half = len(BODY) // 2
        line.writer.write(POST + BODY[:half])
        await asyncio.sleep(self.draw.random() * READING_SECONDS)
        line.writer.write(BODY[half:])
        await self._hear(line)

    async def _hear(self, line: Line) -> None:
        status, body = await line.answer()
        self.answered += 1
        for ticket in set(TICKET.findall(body)):
            self.told.served(ticket.decode())
        if status >= 500:
            self.failures[f"answer {status}"] += 1


def hang_up(line: Line | None) -> None:
    if line is not None:
        line.writer.close()

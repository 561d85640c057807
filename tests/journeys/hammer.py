"""Requests as fast as a test can send them: HTTP/1.1, kept alive, pipelined on request."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from adserver.core.ticket import Sealer
from tests.servers import SECRET_KEY

# Few enough that neither side's buffers fill while we write: no reader, no deadlock.
AT_ONCE = 50
PATIENCE_SECONDS = 30.0
# The kernel gives a connection to whichever worker is awake; all of them are within so many.
MOST_CONNECTIONS = 2_000
TICKET = re.compile(rb"/[icv]/([A-Za-z0-9_-]{56})")
SEALER = Sealer([SECRET_KEY.encode()])


@dataclass(frozen=True, slots=True)
class Answer:
    """headers: by lower-case name. seconds: from when it was sent, alone on its connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def event(self) -> str:
        return self.headers.get("x-ad-event", "")

    @property
    def writer(self) -> int:
        """Which worker has answered: each signs its tickets as a writer of its own. 0: no fill."""
        found = TICKET.search(self.body)
        return SEALER.unseal(found[1].decode()).writer if found else 0

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection; one caller at a time. reader: the address that a proxy would say; "" where
    there is none."""

    reader = ""

    def __init__(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer

    async def ask(self, path: str, method: str = "GET") -> Answer:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._write([path], method)
        status, headers, body = await asyncio.wait_for(self._read(), PATIENCE_SECONDS)
        return Answer(status, headers, body, loop.time() - begun)

    async def ask_all(self, paths: Sequence[str]) -> list[Answer]:
        """GET all of them, many on their way at once; the answers in order."""
        answers = []
        for some in chunks(paths, AT_ONCE):
            self._write(some, "GET")
            async with asyncio.timeout(PATIENCE_SECONDS):
                answers += [Answer(*await self._read()) for _ in some]
        return answers

    def _write(self, paths: Sequence[str], method: str) -> None:
        said = f"X-Forwarded-For: {self.reader}\r\n" if self.reader else ""
        self._writer.write(
            "".join(
                f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{said}\r\n" for path in paths
            ).encode()
        )

    async def _read(self) -> tuple[int, dict[str, str], bytes]:
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines if line)
        headers = {name.lower(): value for name, value in pairs}
        length = int(headers.get("content-length", "0"))
        return int(first.split(" ", 2)[1]), headers, await self._reader.readexactly(length)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Connection]:
    """address: such as http://127.0.0.1:8080."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Connection(parts.netloc, reader, writer)
    finally:
        writer.close()


async def reach_workers(
    stack: AsyncExitStack, address: str, path: str, workers: int, each: int
) -> list[Connection]:
    """That many connections to each of the workers. path: of a slot that is filled."""
    reached: dict[int, list[Connection]] = {}
    for _ in range(MOST_CONNECTIONS):
        connection = await stack.enter_async_context(connected(address))
        mine = reached.setdefault((await connection.ask(path)).writer, [])
        if len(mine) < each:
            mine.append(connection)
        if len(reached) == workers and all(len(some) == each for some in reached.values()):
            return [one for some in reached.values() for one in some]
    raise AssertionError(f"{MOST_CONNECTIONS} connections reached {len(reached)} workers")


def chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some

"""A worker's HTTP with an application that needs no store, and readers who write raw bytes."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, NamedTuple

from adserver.serving.edge import Edge
from adserver.serving.http import HTML, Head, answer_empty, head_of, respond
from adserver.serving.listening import Server, server

BODY = b"<p>Ad</p>"
LARGE = b"x" * 2_000_000
PATIENCE_SECONDS = 20


class App:
    """Answers in each of the ways in which we answer; `gate` holds `/slow` back."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.seen: list[tuple[str, str]] = []

    async def __call__(  # noqa: C901 - each of the ways
        self, scope: Any, receive: Any, send: Any
    ) -> None:
        self.seen.append((scope["method"], scope["path"]))
        match scope["path"]:
            case "/slow":
                await self.gate.wait()
                await respond(send, 200, head_of(HTML, 4), b"slow")
            case "/later":
                await asyncio.sleep(0.005)
                await respond(send, 200, head_of(HTML, 5), b"later")
            case "/stock":
                await respond(send, 200, [(b"content-length", b"5")], b"stock")
            case "/empty":
                await answer_empty(send, 204)
            case "/wrong":
                await respond(send, 200, head_of(HTML, 3), b"more than three")
            case "/pieces":
                start = {"type": "http.response.start", "status": 200, "headers": head_of(HTML, 2)}
                await send(start)
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
                await send({"type": "http.response.body", "body": b"b"})
            case "/large":
                await respond(send, 200, head_of(HTML, len(LARGE)), LARGE)
            case "/echo":
                if (body := await read(receive)) is not None:
                    await respond(send, 200, Head([], len(body)), body)
            case "/begun":
                start = {"type": "http.response.start", "status": 200, "headers": []}
                await send(start)
                await self.gate.wait()
                await send({"type": "http.response.body", "body": b"begun"})
            case "/headers":
                await receive()
                names = b",".join(name for name, _ in scope["headers"])
                await respond(send, 200, Head([], len(names)), names)
            case _:
                await respond(send, 200, head_of(HTML, len(BODY)), BODY)


async def read(receive: Any) -> bytes | None:
    """A whole body; None if it does not come."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body, more = body + message["body"], message["more_body"]
    return body


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Reader:
    """One connection of a browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, *requests: str | bytes) -> None:
        for one in requests:
            raw = one if isinstance(one, bytes) else f"{one}\r\nHost: h\r\n\r\n".encode()
            self._writer.write(raw)

    async def answer(self, head_only: bool = False) -> Answer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            length = 0 if head_only else int(headers.get("content-length", 0))
            body = await self._reader.readexactly(length)
        return Answer(int(first.split()[1]), headers, body)

    async def line(self) -> bytes:
        """A head, whatever it says."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def slowly(self, size: int, pause: float) -> bytes:
        """A body of that size, 128 KiB at a time."""
        await self.line()
        body = b""
        while len(body) < size:
            async with asyncio.timeout(PATIENCE_SECONDS):
                body += await self._reader.readexactly(min(131_072, size - len(body)))
            await asyncio.sleep(pause)
        return body

    def end(self) -> None:
        """Say no more, and go on listening."""
        self._writer.write_eof()

    async def rest(self) -> bytes:
        """What comes until the other end closes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.read()


class Pieces(asyncio.Transport):
    """A transport whose other end is a test that gives the protocol one piece after another."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.sent += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return 0


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The pieces of it, at whatever numbers say."""
    ends = [0, *sorted({place % len(stream) for place in places}), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(ends) if begin < end]


class Port:
    def __init__(self, app: App, uvicorn: Server, listener: socket.socket) -> None:
        self.app = app
        self.uvicorn = uvicorn
        self.listener = listener
        self.address: tuple[str, int] = listener.getsockname()[:2]

    async def served(self, state: Callable[[Any], object]) -> None:
        """Until the only connection is in that state."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(map(state, self.uvicorn.server_state.connections)):  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    @asynccontextmanager
    async def connected(self, receive_bytes: int | None = None) -> AsyncIterator[Reader]:
        """receive_bytes: of the kernel's buffer, and of what is read ahead."""
        with socket.socket() as plain:
            if receive_bytes:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            plain.setblocking(False)
            await asyncio.get_running_loop().sock_connect(plain, self.address)
            async with self.on(plain, receive_bytes or 2**16) as reader:
                yield reader

    @asynccontextmanager
    async def on(self, plain: socket.socket, limit: int = 2**16) -> AsyncIterator[Reader]:
        """A connection of the test's own."""
        reader, writer = await asyncio.open_connection(sock=plain.dup(), limit=limit)
        try:
            yield Reader(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def opened(edge: Edge | None = None) -> AsyncIterator[Port]:
    app, ready = App(), asyncio.Event()
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = server(app, ready.set, edge or Edge())
        serving = asyncio.create_task(one.serve(sockets=[listener]))
        await ready.wait()
        try:
            yield Port(app, one, listener)
        finally:
            app.gate.set()
            one.should_exit = True
            await serving
    signal.signal(signal.SIGTERM, before)

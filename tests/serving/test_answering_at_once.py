"""Requests that are answered as soon as their head is there, beside those that take a task."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adserver.core.events import Outcome
from adserver.serving.edge import Edge
from adserver.serving.http import CORS, Head, Later, Prompt, Receive, Scope, Send, answer
from adserver.serving.listening import Server, server
from adserver.serving.patience import Told, Waiter

PATIENCE_SECONDS = 10.0
SHORT = Prompt(200, Head([*CORS], 5), b"short")
# More than the sockets of both ends hold.
LARGE = Prompt(200, Head([*CORS], 20_000_000), bytes(20_000_000))


class App:
    """Answers `/short` at once, `/later` when its waiter is told, and all else after having read
    the body."""

    def __init__(self) -> None:
        self.waiters: list[Waiter] = []

    def at_once(self, method: bytes, url: bytes, scope: Scope) -> Prompt | Later | None:
        if url == b"/later":
            self.waiters.append(Waiter())
            return Later(self.waiters[-1], said)
        return {b"/short": SHORT, b"/large": LARGE}.get(url)

    async def waiting(self, many: int) -> None:
        """Until so many have waited, or wait."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.waiters) < many:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        await answer(send, 200, b"text/plain", scope["path"].encode() + body)


def said(told: Told) -> Prompt:
    body = str(told).encode()
    return Prompt(200, Head([*CORS], len(body)), body)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield reader, writer
    finally:
        writer.close()


@dataclass
class Port:
    number: int
    app: App
    server: Server


@pytest.fixture
async def opened() -> AsyncIterator[Port]:
    ready, app = asyncio.Event(), App()
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = server(app, ready.set, Edge())
        serving = asyncio.create_task(one.serve(sockets=[listener]))
        await ready.wait()
        yield Port(listener.getsockname()[1], app, one)
        one.should_exit = True
        await serving
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def port(opened: Port) -> int:
    return opened.number


async def heard(reader: asyncio.StreamReader, *, head_only: bool = False) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return head, b"" if head_only else await reader.readexactly(length)


def request(path: str, method: str = "GET", more: str = "", body: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: h\r\n{more}\r\n{body}".encode()


async def test_it_looks_like_any_other_answer(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(request("/short"))
        head, body = await heard(reader)
        writer.write(request("/long"))
        other, _ = await heard(reader)
    assert head.startswith("http/1.1 200 ok\r\n")
    assert body == b"short"
    for one in (head, other):
        assert "\r\ndate: " in one
        assert "\r\nconnection:" not in one


async def test_a_connection_goes_on_with_both_kinds(port: int) -> None:
    async with connected(port) as (reader, writer):
        for path in ("/short", "/short", "/long", "/short", "/long"):
            writer.write(request(path))
            assert (await heard(reader))[1] == path[1:].encode().replace(b"long", b"/long")


async def test_what_is_sent_together_is_answered_in_order(port: int) -> None:
    async with connected(port) as (reader, writer):
        # The second is not answered before the first, which takes a task.
        writer.write(request("/long") + request("/short") + request("/short"))
        bodies = [(await heard(reader))[1] for _ in range(3)]
        assert bodies == [b"/long", b"/short", b"/short"]
        writer.write(request("/short") + request("/short") + request("/long"))
        bodies = [(await heard(reader))[1] for _ in range(3)]
        assert bodies == [b"short", b"short", b"/long"]


@pytest.mark.parametrize(
    ("more", "body"),
    [
        ("Content-Length: 5\r\n", "12345"),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n0\r\n\r\n"),
    ],
)
async def test_a_body_is_read_over(port: int, more: str, body: str) -> None:
    async with connected(port) as (reader, writer):
        writer.write(request("/short", "POST", more, body) + request("/long"))
        assert (await heard(reader))[1] == b"short"
        assert (await heard(reader))[1] == b"/long"


async def test_a_head_request_has_no_body(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(request("/short", "HEAD") + request("/short"))
        assert "content-length: 5" in (await heard(reader, head_only=True))[0]
        assert (await heard(reader))[1] == b"short"


@pytest.mark.parametrize(
    "raw",
    [request("/short", more="Connection: close\r\n"), b"GET /short HTTP/1.0\r\nHost: h\r\n\r\n"],
)
async def test_a_connection_that_is_to_end_ends(port: int, raw: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(raw)
        head, body = await heard(reader)
        assert "\r\nconnection: close\r\n" in head
        assert body == b"short"
        assert await reader.read() == b""


async def test_who_does_not_read_is_not_answered_at_once(port: int) -> None:
    """What is not read stays in memory, so the next answer waits, as ever, until it is."""
    async with connected(port) as (reader, writer):
        writer.write(request("/large"))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        writer.write(request("/short"))
        await reader.readexactly(len(LARGE.body))
        assert (await heard(reader))[1] == b"/short"
        writer.write(request("/short"))
        assert (await heard(reader))[1] == b"short"


async def test_who_has_to_wait_is_answered_when_it_is_known(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        for many, told in enumerate((Outcome.ACCEPTED, Outcome.DUPLICATE, None), 1):
            writer.write(request("/later"))
            await opened.app.waiting(many)
            opened.app.waiters[-1].settle(told)
            assert (await heard(reader))[1] == str(told).encode()


async def test_what_is_sent_behind_who_waits_waits_too(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later") + request("/short") + request("/later") + request("/long"))
        await opened.app.waiting(1)
        opened.app.waiters[0].settle(None)
        # Those behind took the ordinary way, as it was not their turn.
        bodies = [(await heard(reader))[1] for _ in range(4)]
    assert bodies == [b"None", b"/short", b"/later", b"/long"]


async def test_of_who_waits_the_body_is_read_over(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later", "POST", "Content-Length: 5\r\n", "12345"))
        await opened.app.waiting(1)
        opened.app.waiters[0].settle(None)
        assert (await heard(reader))[1] == b"None"
        writer.write(request("/short"))
        assert (await heard(reader))[1] == b"short"


async def test_a_head_request_that_waits_has_no_body(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later", "HEAD"))
        await opened.app.waiting(1)
        opened.app.waiters[0].settle(None)
        assert "content-length: 4" in (await heard(reader, head_only=True))[0]
        writer.write(request("/short"))
        assert (await heard(reader))[1] == b"short"


async def test_who_waits_on_a_connection_that_is_to_end_is_answered_first(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later", more="Connection: close\r\n"))
        await opened.app.waiting(1)
        opened.app.waiters[0].settle(None)
        head, body = await heard(reader)
        assert "\r\nconnection: close\r\n" in head
        assert body == b"None"
        assert await reader.read() == b""


@pytest.mark.parametrize("resets", [True, False])
async def test_who_has_left_harms_nobody_else(opened: Port, resets: bool) -> None:
    async with connected(opened.number) as (_, writer):
        writer.write(request("/later"))
        await opened.app.waiting(1)
        if resets:
            lingers = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingers)
    if resets:
        await gone(opened)
    opened.app.waiters[0].settle(None)
    await gone(opened)
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/short"))
        assert (await heard(reader))[1] == b"short"


async def gone(opened: Port) -> None:
    """Until nobody is connected."""
    connections = opened.server.server_state.connections
    async with asyncio.timeout(PATIENCE_SECONDS):
        while connections:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_worker_that_leaves_answers_who_waits(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later"))
        await opened.app.waiting(1)
        opened.server.should_exit = True
        connections = opened.server.server_state.connections
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(one.leaving for one in connections):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        opened.app.waiters[0].settle(None)
        head, body = await heard(reader)
        assert "\r\nconnection: close\r\n" in head
        assert body == b"None"
        assert await reader.read() == b""


async def test_what_is_refused_is_refused_behind_who_waits(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later"))
        await opened.app.waiting(1)
        writer.write(b"GARBAGE\r\n\r\n")
        opened.app.waiters[0].settle(None)
        assert (await heard(reader))[1] == b"None"
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_is_refused_ends_who_waits(opened: Port) -> None:
    async with connected(opened.number) as (reader, writer):
        writer.write(request("/later", "POST", "Transfer-Encoding: chunked\r\n", "1\r\naX"))
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 400 ")
        await opened.app.waiting(1)
        opened.app.waiters[0].settle(None)
        assert b"HTTP/1.1 200" not in await reader.read()

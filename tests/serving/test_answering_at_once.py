"""Requests that are answered as soon as their head is there, beside those that take a task."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from adserver.serving.edge import Edge
from adserver.serving.http import CORS, Head, Header, Prompt, Receive, Scope, Send, answer
from adserver.serving.listening import server

PATIENCE_SECONDS = 10.0
SHORT = Prompt(200, Head([*CORS], 5), b"short")
# More than the sockets of both ends hold.
LARGE = Prompt(200, Head([*CORS], 20_000_000), bytes(20_000_000))


class App:
    """Answers `/short` at once, and all else after having read the body."""

    def at_once(self, method: bytes, url: bytes, headers: Iterable[Header]) -> Prompt | None:
        return {b"/short": SHORT, b"/large": LARGE}.get(url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        await answer(send, 200, b"text/plain", scope["path"].encode() + body)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield reader, writer
    finally:
        writer.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    ready = asyncio.Event()
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = server(App(), ready.set, Edge())
        serving = asyncio.create_task(one.serve(sockets=[listener]))
        await ready.wait()
        yield listener.getsockname()[1]
        one.should_exit = True
        await serving
    signal.signal(signal.SIGTERM, before)


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

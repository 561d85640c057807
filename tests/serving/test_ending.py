"""A connection ends behind its last answer without taking it from a client that is still sending.

Bytes that come to a socket that has been closed are answered with a reset, and whoever is reset
may drop what it has not read yet.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from adserver.serving.connection import Connection
from adserver.serving.edge import Edge, Limits
from adserver.serving.http import CORS, Head, Later, Prompt, Scope
from adserver.serving.patience import Waiter
from tests.serving.wire import App, Port, opened

SAID = Prompt(200, Head([*CORS], 4), b"said")
# Each way in which an answer leaves: at once, when an event is durable, from a task with a prepared
# head, and from one with a head of the framework's.
WAYS = ("/fast", "/durable", "/prepared", "/stock")
FIRST, NEXT, PARTS = 100, 1_000, 20
ENDS = {
    "asked": b"POST %b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 20100\r\n\r\n",
    "old": b"POST %b HTTP/1.0\r\nContent-Length: 20100\r\n\r\n",
}


@pytest.fixture(autouse=True)
def answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(_self: App, _method: bytes, url: bytes, _scope: Scope) -> Prompt | Later | None:
        if url == b"/durable":
            waiter = Waiter()
            asyncio.get_running_loop().call_soon(waiter.settle, None)
            return Later(waiter, lambda _: SAID)
        return SAID if url == b"/fast" else None

    monkeypatch.setattr(App, "at_once", at_once, raising=False)


async def heard_by_who_still_sends(port: Port, head: bytes) -> tuple[bytes, bytes]:
    """The answer's first bytes, and all that comes behind them, of one who sends on regardless."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        async with asyncio.timeout(20):
            await loop.sock_connect(client, port.address)
            await loop.sock_sendall(client, head + b"x" * FIRST)
            first = await loop.sock_recv(client, 9)
            for _ in range(PARTS):
                await loop.sock_sendall(client, b"x" * NEXT)
                await asyncio.sleep(0)
            client.shutdown(socket.SHUT_WR)
            rest = b""
            while part := await loop.sock_recv(client, 65_536):
                rest += part
            return first, rest


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ends", ENDS)
async def test_who_still_sends_has_its_answer(way: str, ends: str) -> None:
    edge = Edge()
    async with opened(edge) as port:
        first, rest = await heard_by_who_still_sends(port, ENDS[ends] % way.encode())
        assert first == b"HTTP/1.1 "
        assert rest.startswith(b"200 ")
        assert b"\r\nconnection: close\r\n" in rest
        assert b"HTTP/1.1" not in rest
        await until(lambda: not edge.connections)
    assert not edge.refused, "what comes behind the last answer is nobody's"


@pytest.mark.parametrize("way", WAYS)
async def test_control_closed_at_once_it_is_reset(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def closes(self: Connection, answer: bytes, linger: bool = True) -> None:
        self.transport.write(answer)
        self.transport.close()

    monkeypatch.setattr(Connection, "_end", closes)
    async with opened() as port:
        with pytest.raises(ConnectionError):
            await heard_by_who_still_sends(port, ENDS["asked"] % way.encode())


@pytest.mark.parametrize("way", WAYS)
async def test_requests_behind_the_last_one_are_not_done(way: str) -> None:
    last = b"GET %b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % way.encode()
    async with opened() as port, port.connected() as reader:
        reader.send(last + b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n" * 20)
        said = await reader.rest()
        assert said.count(b"HTTP/1.1 ") == 1
        assert ("GET", "/never") not in port.app.seen


@pytest.mark.parametrize("way", WAYS)
async def test_who_never_ends_is_not_waited_for(way: str) -> None:
    edge = Edge(Limits(end_seconds=0.2, sweep_seconds=0.05))
    async with opened(edge) as port, port.connected() as reader:
        reader.send(ENDS["asked"] % way.encode())
        assert (await reader.rest()).startswith(b"HTTP/1.1 200 ")
        await until(lambda: not edge.connections)


async def test_who_has_said_all_is_not_waited_for() -> None:
    edge = Edge(Limits(end_seconds=60.0))
    async with opened(edge) as port, port.connected() as reader:
        reader.send("GET /slow HTTP/1.1")
        await until(lambda: port.app.seen)
        reader.end()
        [connection] = edge.connections
        await until(lambda: connection.said_all)
        port.app.gate.set()
        assert (await reader.answer()).body == b"slow"
        await until(lambda: not edge.connections)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.001)

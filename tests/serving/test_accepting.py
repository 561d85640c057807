"""Connections that come while the loop has long rounds; the control is the loop alone."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from typing import Any

import pytest
import uvloop

from adserver.serving import accepting
from adserver.serving.accepting import Accepting
from adserver.serving.edge import Edge
from adserver.serving.http import HTML, head_of, respond
from adserver.serving.listening import server

WAITING = 200
ROOM = 3
ROUND_SECONDS = 0.006  # a little longer than between two looks
PATIENCE_SECONDS = 20.0


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await respond(send, 200, head_of(HTML, 2), b"ad")


def connected(listening: socket.socket) -> socket.socket:
    visitor = socket.create_connection(listening.getsockname(), PATIENCE_SECONDS)
    visitor.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    return visitor


def hear(waiting: list[socket.socket]) -> None:
    for visitor in waiting:
        with visitor:
            assert visitor.recv(65_536).endswith(b"ad")


async def rounds_until_answered(edge: Edge) -> int:
    """How many rounds a busy loop needs until all who came at once have their answer."""
    ready, rounds, loop = asyncio.Event(), 0, asyncio.get_running_loop()

    def be_busy() -> None:
        nonlocal rounds, timer
        rounds += 1
        time.sleep(ROUND_SECONDS)
        timer = loop.call_later(0, be_busy)

    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0), backlog=WAITING) as listening:
        one = server(answer, ready.set, edge)
        serving = asyncio.create_task(one.serve(sockets=[listening]))
        await ready.wait()
        waiting = [connected(listening) for _ in range(WAITING)]
        timer = loop.call_later(0, be_busy)
        await asyncio.to_thread(hear, waiting)
        timer.cancel()
        one.should_exit = True
        await serving
    signal.signal(signal.SIGTERM, before)
    return rounds


def test_whoever_waits_is_accepted_in_a_few_rounds() -> None:
    assert uvloop.run(rounds_until_answered(Edge())) < WAITING / 4


def test_the_event_loop_alone_accepts_one_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "MOST_AT_ONCE", 0)
    assert uvloop.run(rounds_until_answered(Edge())) > WAITING / 2


async def test_no_more_are_accepted_than_there_is_room_for() -> None:
    asked: list[int] = []
    looked, made = asyncio.Event(), asyncio.Event()

    def room() -> int:
        asked.append(len(attended))
        if len(asked) > 3:
            looked.set()
        return ROOM - len(attended)

    attended: list[asyncio.Protocol] = []

    class Visit(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            attended.append(self)
            transport.close()
            if len(attended) == ROOM:
                asked.clear()
                made.set()

    with socket.create_server(("127.0.0.1", 0), backlog=WAITING) as listening:
        listening.setblocking(False)
        waiting = [socket.create_connection(listening.getsockname()) for _ in range(ROOM + 2)]
        one = Accepting([listening], Visit, room)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await made.wait()
            looked.clear()
            await looked.wait()
        one.stop()
        for visitor in waiting:
            visitor.close()
    assert len(attended) == ROOM


async def test_a_visitor_who_has_gone_again_is_no_defect() -> None:
    loop = asyncio.get_running_loop()

    def gone() -> asyncio.Protocol:
        raise ConnectionResetError

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        one = Accepting([listening], gone, lambda: 1)
        with socket.create_connection(listening.getsockname()) as visitor:
            visitor.setblocking(False)
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await loop.sock_recv(visitor, 1) == b""
        one.stop()

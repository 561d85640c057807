"""A worker that leaves answers everybody who was let in, and says that the connection ends."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn

from adserver.serving import connection
from adserver.serving.closing import waiting
from tests.serving.wire import BODY, Port, Reader, opened

GRACE_SECONDS = 0.1
MANY = 200
GET = "GET / HTTP/1.1"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Port]:
    monkeypatch.setattr(connection, "LAST_REQUEST_SECONDS", GRACE_SECONDS)
    async with opened() as one:
        yield one


def leave(port: Port) -> None:
    """As SIGTERM does; what it does comes a little later."""
    port.uvicorn.should_exit = True


async def until_leaving(port: Port) -> None:
    async with asyncio.timeout(10):
        while not all(one.leaving for one in port.uvicorn.server_state.connections):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def ends(answer: object) -> bool:
    headers = getattr(answer, "headers", {})
    return bool(headers.get("connection") == "close")


async def last(browser: Reader) -> None:
    answer = await browser.answer()
    assert (answer.status, answer.body, ends(answer)) == (200, BODY, True)
    assert await browser.rest() == b""


async def test_who_waits_in_the_kernel_is_accepted_and_answered(port: Port) -> None:
    """Many of them, as an event loop accepts one a turn."""
    some = [knock(port) for _ in range(MANY)]  # with no turn of the loop in between
    leaving = asyncio.create_task(port.uvicorn.shutdown([port.listener]))
    try:
        for plain in some:
            async with port.on(plain) as browser:
                await last(browser)
    finally:
        for plain in some:
            plain.close()
    await leaving


async def test_control_the_stock_way_cuts_some_and_tells_none(port: Port) -> None:
    some = [knock(port) for _ in range(MANY)]
    leaving = asyncio.create_task(uvicorn.Server.shutdown(port.uvicorn, [port.listener]))
    told = 0
    for plain in some:
        async with port.on(plain) as browser:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                told += ends(await browser.answer())
        plain.close()
    assert told < MANY
    await leaving


def knock(port: Port) -> socket.socket:
    plain = socket.create_connection(port.address)
    plain.setblocking(False)
    plain.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    return plain


async def test_how_many_wait_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        assert waiting(door) == 0
        with socket.create_connection(door.getsockname()):
            assert waiting(door) == 1
            door.accept()[0].close()
            assert waiting(door) == 0
    assert waiting(door) == 0  # closed


async def test_a_head_that_has_begun_is_waited_for(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(b"GET / HTTP/1.1\r\nHo")
        await port.served(lambda one: one.reading)
        leave(port)
        await asyncio.sleep(3 * GRACE_SECONDS)  # there is nothing to wait for: it must stay open
        browser.send(b"st: h\r\n\r\n")
        await last(browser)


async def test_a_head_of_a_second_request_that_has_begun_is_waited_for(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(GET)
        assert not ends(await browser.answer())
        browser.send(b"GET / HTTP/1.1\r\nHo")
        await port.served(lambda one: one.reading)
        leave(port)
        await asyncio.sleep(3 * GRACE_SECONDS)
        browser.send(b"st: h\r\n\r\n")
        await last(browser)


async def test_a_body_that_has_begun_is_waited_for(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo")
        await port.served(lambda one: one.reading)
        leave(port)
        await asyncio.sleep(3 * GRACE_SECONDS)
        browser.send(b"dy")
        answer = await browser.answer()
        assert (answer.body, ends(answer)) == (b"body", True)


async def test_of_several_together_all_are_answered_and_the_last_ends_it(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(GET)
        await browser.answer()
        leave(port)
        await until_leaving(port)
        browser.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 4)
        assert [ends(await browser.answer()) for _ in range(3)] == [False] * 3
        await last(browser)


async def test_what_comes_behind_a_request_that_is_being_answered_is_answered(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET /slow HTTP/1.1")
        await port.served(lambda one: one.cycle)
        leave(port)
        await until_leaving(port)
        browser.send(GET)
        await port.served(lambda one: one.pipeline)
        port.app.gate.set()
        assert not ends(await browser.answer())
        await last(browser)


async def test_a_request_that_ends_the_connection_itself_still_does(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET /slow HTTP/1.1\r\nConnection: close")
        await port.served(lambda one: one.cycle)
        leave(port)
        await until_leaving(port)
        browser.send(GET)
        port.app.gate.set()
        assert ends(await browser.answer())
        assert await browser.rest() == b""
        assert port.app.seen == [("GET", "/slow")]


async def test_who_is_told_of_the_end_is_not_answered_further(port: Port) -> None:
    """Nor is what it sends done: it will send it again, on another connection."""
    async with port.connected() as browser:
        browser.send("GET /begun HTTP/1.1")
        await port.served(lambda one: one.cycle and one.cycle.response_started)
        leave(port)
        await until_leaving(port)
        browser.send("GET /never HTTP/1.1")
        await port.served(lambda one: one.pipeline)
        port.app.gate.set()
        await browser.rest()
        assert ("GET", "/never") not in port.app.seen


async def test_an_idle_connection_is_closed_after_a_moment_and_not_at_once(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(GET)
        await browser.answer()
        leave(port)
        await until_leaving(port)
        begun = time.monotonic()
        assert await browser.rest() == b""
        assert time.monotonic() - begun > GRACE_SECONDS / 2


async def test_it_leaves_though_somebody_always_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from adserver.serving import listening

    monkeypatch.setattr(listening, "ACCEPTING_SECONDS", GRACE_SECONDS)
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        socket.create_connection(door.getsockname()),
    ):
        await listening.accept_waiting([door])

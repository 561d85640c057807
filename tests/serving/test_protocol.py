"""The public port's HTTP, byte for byte, on a real uvicorn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.serving.wire import BODY, LARGE, PATIENCE_SECONDS, Port, opened


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    async with opened() as one:
        yield one


async def test_an_answer_has_its_length_its_date_and_its_body(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1")
        answer = await browser.answer()
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.headers["content-length"] == str(len(BODY))
    assert "date" in answer.headers
    assert {"server", "connection"}.isdisjoint(answer.headers)


async def test_a_prepared_head_goes_over_the_wire_like_any_other(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1", "GET /stock HTTP/1.1")
        prepared, stock = await browser.answer(), await browser.answer()
    assert stock.body == b"stock"
    assert set(stock.headers) <= set(prepared.headers)


async def test_requests_sent_together_are_answered_in_order(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET /slow HTTP/1.1", "GET / HTTP/1.1", "HEAD / HTTP/1.1")
        browser.send("GET /stock HTTP/1.1", "GET /empty HTTP/1.1", "GET / HTTP/1.1")
        port.app.gate.set()
        bodies = [(await browser.answer()).body, (await browser.answer()).body]
        assert (await browser.answer(head_only=True)).headers["content-length"] == str(len(BODY))
        bodies += [(await browser.answer()).body for _ in range(3)]
    assert bodies == [b"slow", BODY, b"stock", b"", BODY]


async def test_a_head_request_is_answered_without_a_body(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = await browser.answer(head_only=True)
        assert answer.headers["content-length"] == str(len(BODY))
        assert await browser.rest() == b""


async def test_a_204_has_neither_length_nor_body(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET /empty HTTP/1.1", "GET / HTTP/1.1")
        empty = await browser.answer()
        assert empty.status == 204
        assert {"content-length", "transfer-encoding"}.isdisjoint(empty.headers)
        assert (await browser.answer()).body == BODY


@pytest.mark.parametrize("path", ["/", "/stock"])
@pytest.mark.parametrize(
    "request_line", ["GET {} HTTP/1.1\r\nConnection: close", "GET {} HTTP/1.0"]
)
async def test_a_connection_ends_when_the_reader_wants_it_to(
    port: Port, path: str, request_line: str
) -> None:
    async with port.connected() as browser:
        browser.send(f"{request_line.format(path)}\r\nHost: h\r\n\r\n".encode())
        answer = await browser.answer()
        assert answer.headers["connection"] == "close"
        assert await browser.rest() == b""


async def test_a_connection_is_kept_for_the_next_request(port: Port) -> None:
    async with port.connected() as browser:
        for _ in range(3):
            browser.send("GET / HTTP/1.1")
            assert (await browser.answer()).body == BODY


@pytest.mark.parametrize("path", ["/wrong", "/pieces"])
async def test_a_body_of_another_length_than_announced_fails_loudly(
    port: Port, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with port.connected() as browser:
        browser.send(f"GET {path} HTTP/1.1")
        assert await browser.rest() == b"", "nothing of it is sent, and the connection ends"
    assert "a prepared head has one body" in caplog.text


async def test_a_large_answer_to_a_slow_reader_arrives_whole(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET /large HTTP/1.1", "GET /large HTTP/1.1", "GET / HTTP/1.1")
        assert (await browser.answer()).body == LARGE
        assert (await browser.answer()).body == LARGE
        assert (await browser.answer()).body == BODY


async def test_a_reader_who_leaves_in_the_middle_disturbs_nobody(port: Port) -> None:
    async with port.connected() as gone:
        gone.send("GET /slow HTTP/1.1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not port.app.seen:  # noqa: ASYNC110 - until the server has read it
                await asyncio.sleep(0.001)
    port.app.gate.set()
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1")
        assert (await browser.answer()).body == BODY


async def test_a_body_is_read_whole(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        assert (await browser.answer()).body == b"hello"


async def test_an_upgrade_is_answered_as_a_request_like_any_other(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(
            b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert (await browser.answer()).status == 200


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%20b", "/a b"),
        ("/%C3%A9", "/é"),
        ("/%zz%", "/%zz%"),
        ("/%FF", "/\ufffd"),
        ("/a/../b", "/a/../b"),
        ("//x", "//x"),
        ("http://elsewhere/x", "/x"),
    ],
)
async def test_a_path_is_read_as_it_was_meant(port: Port, target: str, path: str) -> None:
    async with port.connected() as browser:
        browser.send(f"GET {target}?q HTTP/1.1")
        assert (await browser.answer()).status == 200
    assert port.app.seen == [("GET", path)]


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost h\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_400_and_the_end(port: Port, raw: bytes) -> None:
    async with port.connected() as browser:
        browser.send(raw)
        assert (await browser.answer()).status == 400
        await browser.rest()
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1")
        assert (await browser.answer()).status == 200


async def test_a_request_on_its_way_while_a_worker_leaves_is_answered_with_the_end(
    port: Port,
) -> None:
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1")
        await browser.answer()
        [connection] = port.uvicorn.server_state.connections
        connection.shutdown()
        browser.send("GET / HTTP/1.1")
        answer = await browser.answer()
        assert (answer.body, answer.headers["connection"]) == (BODY, "close")
        assert await browser.rest() == b""

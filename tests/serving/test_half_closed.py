"""Clients that ask and say no more, but listen: they are answered all that they have asked for."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from adserver.serving.backlog import Backlog
from adserver.serving.edge import Edge
from adserver.serving.http import CORS, Head, Prompt, Scope
from tests.serving.wire import App, Port, opened

FAST = Prompt(200, Head([*CORS], 4), b"fast")
GET = b"GET /fast HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345"
LATER = b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n"
MANY = 200


@pytest.fixture(autouse=True)
def answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(_self: App, _method: bytes, url: bytes, _scope: Scope) -> Prompt | None:
        return FAST if url == b"/fast" else None

    monkeypatch.setattr(App, "at_once", at_once, raising=False)


def statuses(said: bytes) -> list[int]:
    return [
        int(part[9:12]) for part in said.split(b"HTTP/1.1 ")[1:] for part in [b"HTTP/1.1 " + part]
    ]


async def heard(port: Port, requests: bytes) -> list[int]:
    async with port.connected() as reader:
        reader.send(requests)
        reader.end()
        return statuses(await reader.rest())


@pytest.mark.parametrize(
    "requests",
    [
        [GET],
        [GET] * 3,
        [POST],
        [POST, *[GET] * 8],
        [POST, *[GET] * 40],
        [POST, *[GET] * 6, POST, GET],
        [LATER, POST, GET, POST, POST, GET],
        [GET, LATER, *[POST] * 12],
    ],
)
async def test_all_of_them_are_answered_in_order(requests: list[bytes]) -> None:
    async with opened() as port:
        assert await heard(port, b"".join(requests)) == [200] * len(requests)


async def test_also_where_there_was_no_time_for_them_at_first() -> None:
    """They wait in the backlog, and are answered in a round that ends with their last words."""
    async with opened(Edge(backlog=Backlog(4))) as port:
        answers = await asyncio.gather(*(heard(port, GET * 3) for _ in range(MANY)))
        assert answers == [[200] * 3] * MANY


@pytest.mark.parametrize("before", [[], [GET], [LATER], [POST, LATER]])
async def test_of_a_body_that_ends_early_what_was_before_is_answered(before: list[bytes]) -> None:
    async with opened() as port:
        assert await heard(port, b"".join(before) + POST[:-2]) == [200] * len(before)
        assert not port.uvicorn.server_state.connections


async def test_who_resets_with_answers_owed_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as port:
        for _ in range(20):
            with socket.create_connection(port.address) as client:
                client.sendall(LATER + POST + GET * 7)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert await heard(port, GET) == [200]
        async with asyncio.timeout(10):
            while port.uvicorn.server_state.connections or port.uvicorn.server_state.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert not [one for one in caplog.records if one.levelname == "ERROR"]

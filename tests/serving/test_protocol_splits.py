"""However a stream of requests is cut on its way, it is answered in the same way.

Against a model that is a table: each request has its answer, and the first bad one is the last.
"""

from __future__ import annotations

import asyncio
import re

import uvicorn
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from adserver.serving.edge import Edge, Limits
from adserver.serving.protocol import AdProtocol
from tests.serving.wire import App, Pieces, cut

HOST = b"Host: h\r\n"
POST = b"POST /echo HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = [
    b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /%C3%A9?a=b HTTP/1.1\r\n" + HOST + b"User-Agent: x\r\n\r\n",
    b"\r\nOPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 10_000 + b"\r\n\r\n",
    POST + b"Content-Length: 0\r\n\r\n",
    POST + b"Content-Length: 9\r\n\r\n\r\n\r\n\r\n\r\na",
    POST + b"Content-Length: 40000\r\n\r\n" + b"GET / HTTP/1.1\r\n\r\n" * 2_222 + b"abcd",
    CHUNKED + b"3;x=y\r\nabc\r\n0\r\nHost: i\r\n\r\n",
    CHUNKED + b"9c40\r\n" + b"a" * 40_000 + b"\r\n0\r\n\r\n",
]
BAD = [
    (400, b"GARBAGE\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    (400, POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, CHUNKED + b"1\r\naX\r\n0\r\n\r\n"),
    (413, POST + b"Content-Length: 70000\r\n\r\n"),
    (413, CHUNKED + b"11170\r\n" + b"a" * 70_000 + b"\r\n0\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 16_400 + b"\r\n\r\n"),
]
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# More turns of the loop than any of these streams takes.
TURNS = 10_000


async def answers(pieces: list[bytes], wanted: int) -> list[int]:
    """Statuses of what is answered, when as many have come as are wanted, and a little later."""
    config = uvicorn.Config(App(), log_config=None, access_log=False)
    config.load()
    # Whatever is sent, it is not too much at once: that is for another test.
    edge = Edge(Limits(unparsed_bytes=10_000_000))
    protocol = AdProtocol(
        config=config, server_state=ServerState(), app_state={}, edge=edge, _loop=None
    )
    wire = Pieces()
    protocol.connection_made(wire)
    left = list(reversed(pieces))
    for _ in range(TURNS):
        if left and not wire.paused and not wire.closed:
            protocol.data_received(left.pop())
        await asyncio.sleep(0)
        if (wire.closed or not left) and len(STATUS.findall(wire.sent)) >= wanted:
            break
    for _ in range(10):
        await asyncio.sleep(0)
    return [int(status) for status in STATUS.findall(wire.sent)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(GOOD), max_size=12),
    st.none() | st.sampled_from(BAD),
    st.lists(st.integers(0, 1_000_000), max_size=20),
)
def test_cuts_change_nothing(
    good: list[bytes], bad: tuple[int, bytes] | None, places: list[int]
) -> None:
    stream = b"".join(good) + (bad[1] if bad else b"") + GOOD[0]
    wanted = [200] * len(good) + ([bad[0]] if bad else [200])
    assert uvloop.run(answers(cut(stream, places), len(wanted))) == wanted


def test_byte_by_byte() -> None:
    short = [one for one in GOOD if len(one) < 1_000]
    stream = b"".join(short) + BAD[3][1]
    pieces = [bytes([byte]) for byte in stream]
    assert uvloop.run(answers(pieces, len(short) + 1)) == [200] * len(short) + [400]

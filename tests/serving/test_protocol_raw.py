"""What is no request of ours, byte for byte: a documented answer, and the end of the connection.

Each case is followed by a second request, as an attacker would smuggle it: nobody may read that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adserver.serving.edge import Edge
from adserver.serving.refusals import Refusal
from tests.serving.wire import Port, opened

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
HOST = b"Host: h\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
# The application reads this one before it answers.
READ = CHUNKED.replace(b" / ", b" /echo ")
CODED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: %b\r\n\r\n0\r\n\r\n"
LONG = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %b\r\n\r\na"
LINE = b"%b HTTP/1.1\r\nHost: h\r\n\r\n"
FIELD = b"GET / HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n"
BODY_OF = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n%b\r\n\r\na"


@pytest.fixture(scope="module")
async def edge() -> Edge:
    return Edge()


@pytest.fixture(scope="module")
async def port(edge: Edge) -> AsyncIterator[Port]:
    async with opened(edge) as one:
        yield one


MALFORMED = [
    # Lines that end, begin or go on in their own way.
    b"GET / HTTP/1.1\nHost: h\n\n",
    b"GET / HTTP/1.1\nHost: h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\n",
    b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\r\n\r\n",
    FIELD % b"X: a\r\n b",
    FIELD % b"X: a\r\n\tb",
    b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    FIELD % b"X : a",
    FIELD % b"X\t: a",
    b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    FIELD % b": a",
    FIELD % b"X",
    # Characters that are none of a name's or a value's.
    FIELD % b"X: a\0b",
    FIELD % b"X: a\x01b",
    FIELD % b"X: a\x7fb",
    FIELD % b"X\0: a",
    FIELD % b"X\xe9: a",
    FIELD % b"X(y): a",
    # Targets.
    LINE % b"GET /\0",
    LINE % b"GET /\xc3\xa9",
    LINE % b"GET /a b",
    *[
        LINE % target
        for target in (
            b"GET /#", b"GET /a#b", b"GET /?a=b#c", b"GET http://h/#b", b"HEAD /#", b"POST /echo#",
            b"OPTIONS *#", b"OPTIONS /#b",
        )
    ],
    LINE % b"GET x",
    LINE % b"GET *",
    LINE % b"GET ftp://h/x",
    LINE % b"GET http:/x",
    LINE % b"GET http://u:p@h/x",
    LINE % b"GET",
    # Methods that are none, and other protocols.
    LINE % b"BREW /",
    LINE % b"get /",
    LINE % b"GET\t/",
    b" GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / FTP/1.1\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: h\r\n\r\n",
    b"GET / HTTP/1.10\r\nHost: h\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-x\r\n",
    b"\0\0\0\0\r\n\r\n",
    # Lengths that two servers may read in two ways.
    LONG % b"1\r\nContent-Length: 1",
    LONG % b"1\r\nContent-Length: 2",
    LONG % b"1, 1",
    LONG % b"+1",
    LONG % b"-1",
    LONG % b"0x1",
    LONG % b"1 1",
    LONG % b"",
    LONG % b"1;",
    LONG % b"99999999999999999999",
    LONG % b"1\r\nTransfer-Encoding: chunked",
    CODED % b"chunked\r\nContent-Length: 1",
    CODED % b"chunked\r\nTransfer-Encoding: chunked",
    CODED % b"chunked\r\nTransfer-Encoding: identity",
    CODED % b"identity\r\nTransfer-Encoding: chunked",
    *[
        CODED % coding
        for coding in (
            b"",
            b"identity",
            b"gzip",
            b"gzip, chunked",
            b"chunked, gzip",
            b"chunked, chunked",
            b"chunked,",
            b"chunked;q=1",
            b"xchunked",
            b'"chunked"',
            b"\x0bchunked",
        )
    ],
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    # Chunks.
    *[
        CHUNKED + chunks
        for chunks in (
            b"FFFFFFFFFFFFFFFFF\r\n",
            b"5 \r\nhello\r\n0\r\n\r\n",
            b"5\nhello\n0\n\n",
            b"5\r\nhello0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"-5\r\nhello\r\n0\r\n\r\n",
            b"g\r\n",
            b"\r\n",
            b"1;a\nb\r\nx\r\n0\r\n\r\n",
            b'5;"\r\n"\r\nhello\r\n0\r\n\r\n',
            b"0\r\nContent-Length: 5\r\n\r\nhello",
            b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0\r\n folded\r\n\r\n",
        )
    ],
    # An upgrade whose body nobody could find the end of.
    BODY_OF % b"Connection: Upgrade\r\nUpgrade: h2c",
]  # fmt: skip
OTHERS = [
    (Refusal.VERSION, 400, b"GET /\r\n\r\n"),
    (Refusal.VERSION, 400, b"GET / HTTP/0.9\r\n\r\n"),
    (Refusal.VERSION, 400, b"GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
    (Refusal.METHOD, 405, LINE % b"CONNECT h:443"),
    (Refusal.HOST, 400, b"GET / HTTP/1.1\r\n\r\n"),
    (Refusal.HOST, 400, b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
    (Refusal.HOST, 400, b"GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n"),
    *[
        (Refusal.HOST, 400, b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
        for host in (
            b"a b", b"a/b", b"a@b", b"a,b:c", b"a:80:80", b"[::1", b"h:x", b"\xe9", b"a" * 300,
        )
    ],
    (Refusal.BODY_ENCODED, 415, BODY_OF % b"Content-Encoding: gzip"),
    (Refusal.BODY_ENCODED, 415, BODY_OF % b"Content-Encoding: identity, br"),
    (Refusal.BODY_TOO_LARGE, 413, LONG % b"65537"),
    (Refusal.BODY_TOO_LARGE, 413, READ + b"10001\r\n" + b"a" * 65_537 + b"\r\n0\r\n\r\n"),
    (Refusal.BODY_TOO_LARGE, 413, READ + b"1;" + b"x" * 140_000 + b"\r\na\r\n0\r\n\r\n"),
    (Refusal.BODY_TOO_LARGE, 413, READ + b"0\r\n" + b"x: y\r\n" * 24_000 + b"\r\n"),
    (Refusal.HEAD_TOO_LARGE, 431, FIELD % (b"X: " + b"a" * 16_385)),
    (Refusal.HEAD_TOO_LARGE, 431, LINE % (b"GET /" + b"a" * 16_385)),
    (Refusal.HEAD_TOO_LARGE, 431, FIELD % b"\r\n".join([b"a: b"] * 100)),
    (Refusal.HEAD_TOO_LARGE, 431, FIELD % (b"a" * 40_000)),
]  # fmt: skip
CASES = [*((Refusal.MALFORMED, 400, raw) for raw in MALFORMED), *OTHERS]


def named(value: object) -> str:
    return repr(value)[:60] if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("refusal", "status", "raw"), CASES, ids=named)
@pytest.mark.parametrize("where", ["first", "behind another"])
async def test_it_is_refused_with_a_reason_and_the_connection_ends(
    port: Port, edge: Edge, refusal: Refusal, status: int, raw: bytes, where: str
) -> None:
    counted = dict(edge.refused)
    port.app.seen.clear()
    async with port.connected() as browser:
        if where != "first":
            browser.send("GET /before HTTP/1.1")
        browser.send(raw, SMUGGLED)
        if where != "first":
            assert (await browser.answer()).status == 200, "what was asked before is answered"
        answer = await browser.answer()
        assert await browser.rest() == b""
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert answer.body == b"", "a server may paste it into a page"
    assert answer.headers["x-ad-refused"].startswith(f"{refusal}; error=")
    assert {path for _, path in port.app.seen} <= {"/before", "/", "/echo"}
    key = (refusal.value,)
    assert edge.refused[key] == counted.pop(key, 0) + 1
    assert {k: n for k, n in edge.refused.items() if k != key} == counted


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHOST: H.example:8080\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        LINE % b"GET http://elsewhere.example:80/",
        LINE % b"GET http://[::1]:80/",
        LINE % b"OPTIONS *",
        LINE % b"PROPFIND /",
        FIELD % b"X:\ta\t",
        FIELD % b"X: caf\xc3\xa9",
        FIELD % b"Content-Encoding: gzip",
        FIELD % b"Expect: 200-maybe",
        FIELD % b"\r\n".join([b"a: b"] * 99),
        FIELD % (b"X: " + b"a" * 16_340),
        LINE % (b"GET /?" + b"a" * 16_340),
        LONG % b"01 ",
        BODY_OF % b"Content-Encoding: Identity",
        CODED % b"Chunked",
        CHUNKED + b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n" + b"a" * 65_536,
        CHUNKED + b"10000\r\n" + b"a" * 65_536 + b"\r\n0\r\n\r\n",
    ],
    ids=named,
)
async def test_what_is_unusual_but_right_is_answered(port: Port, edge: Edge, raw: bytes) -> None:
    counted = dict(edge.refused)
    async with port.connected() as browser:
        browser.send(raw)
        assert (await browser.answer()).status == 200
    assert dict(edge.refused) == counted


async def test_trailers_are_no_headers(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(
            b"POST /headers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nok\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\nHost: i\r\n\r\n"
        )
        assert (await browser.answer()).body == b"host,transfer-encoding"
        browser.send("GET / HTTP/1.1")
        assert (await browser.answer()).status == 200


async def test_after_an_upgrade_that_is_none_nothing_more_is_read(port: Port) -> None:
    port.app.seen.clear()
    async with port.connected() as browser:
        browser.send(FIELD % b"Connection: Upgrade\r\nUpgrade: websocket", SMUGGLED)
        answer = await browser.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await browser.rest() == b""
    assert port.app.seen == [("GET", "/")]


async def test_a_body_that_is_waited_for_is_asked_for(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(
            b"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert await browser.line() == b"HTTP/1.1 100 Continue\r\n\r\n"
        browser.send(b"ok")
        answer = await browser.answer()
        assert (answer.body, answer.headers["connection"]) == (b"ok", "close")


@pytest.mark.parametrize(
    ("version", "length", "status"), [(b"1.0", b"2", 200), (b"1.1", b"65537", 413)]
)
async def test_no_other_body_is_asked_for(
    port: Port, version: bytes, length: bytes, status: int
) -> None:
    async with port.connected() as browser:
        browser.send(
            b"POST /echo HTTP/%b\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %b\r\n\r\nok"
            % (version, length)
        )
        assert (await browser.answer()).status == status, "and no 100 before it"


async def test_who_says_no_more_is_still_answered(port: Port) -> None:
    async with port.connected() as browser:
        browser.send("GET / HTTP/1.1")
        browser.end()
        assert (await browser.answer()).status == 200
        assert await browser.rest() == b""


async def test_who_ends_in_the_middle_of_a_body_is_not_waited_for(port: Port) -> None:
    async with port.connected() as browser:
        browser.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel")
        browser.end()
        assert await browser.rest() == b""

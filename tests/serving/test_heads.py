"""Header lines that were read before are not parsed again, and nobody can tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
import uvloop
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from adserver.serving import heads
from adserver.serving.edge import Edge
from adserver.serving.headers import said_in
from adserver.serving.heads import Asked, Heads, KnownHeaders, asked_in, named, said
from adserver.serving.hosts import Hosts
from adserver.serving.http import Head, Header, Prompt, Scope, respond
from adserver.serving.protocol import AdProtocol
from tests.serving.wire import Pieces, cut, read

LINES = b"Host: h\r\nUser-Agent: x\r\nReferer: https://blog.example/\r\n\r\n"
PLAIN = b"GET /at-once HTTP/1.1\r\n" + LINES
OTHER = PLAIN.replace(b": x", b": y")
FORWARDED = PLAIN.replace(b"\r\nUser", b"\r\nX-Forwarded-For: 203.0.113.9\r\nUser")
# More turns of the loop than any of these streams takes.
TURNS = 400


class Forgetful(Heads):
    """The control: whatever comes is parsed."""

    def known(self, asked: Asked) -> None:
        return None


class Open(Pieces):
    """Which can still be heard when it has said that it says no more."""

    def write_eof(self) -> None:
        self.half = True


class App:
    """Answers with all that it is told of a request, at once or in a task, as the path begins."""

    def __init__(self) -> None:
        self.known: list[bool] = []

    def at_once(self, method: bytes, url: bytes, scope: Scope) -> Prompt | None:
        if not url.startswith(b"/at-once"):
            return None
        self.known.append(type(scope["headers"]) is KnownHeaders)
        told = (method, url, list(scope["headers"]), named(scope), said(scope), scope["client"])
        body = repr(told).encode()
        return Prompt(200, Head([], len(body)), body)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.known.append(type(scope["headers"]) is KnownHeaders)
        told = {**scope, "headers": list(scope["headers"])}
        body = repr((sorted(told.items()), await read(receive))).encode()
        await respond(send, 200, Head([], len(body)), body)


class Reader:
    """A connection to a worker that has, or has not, read such requests before."""

    def __init__(self, edge: Edge) -> None:
        self.app, self.wire = App(), Open()
        config = uvicorn.Config(self.app, log_config=None, access_log=False, proxy_headers=False)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Mon, 02 Nov 2026 09:00:00 GMT")]
        self.protocol = AdProtocol(
            config=config, server_state=state, app_state={}, edge=edge, _loop=None
        )
        self.protocol.connection_made(self.wire)

    async def says(self, *pieces: bytes, hurried: bool = False) -> bytes:
        """What is answered until nothing more is. hurried: all pieces come in one turn of the loop,
        as far as they are read."""
        left = list(reversed(pieces))
        for _ in range(TURNS):
            while left and not self.wire.paused and not self.wire.closed:
                self.protocol.data_received(left.pop())
                if not hurried:
                    break
            await asyncio.sleep(0)
            if not left and self.quiet():
                break
        return bytes(self.wire.sent)

    def quiet(self) -> bool:
        cycle = self.protocol.cycle
        return cycle is None or cycle.response_complete


async def of_both(
    known: list[bytes], pieces: list[bytes], *, hurried: bool = False
) -> tuple[Reader, bytes, bytes]:
    """A reader of a worker that has read what is known, what is said to it, and what by one that
    forgets."""
    worker, control = Edge(), Edge(heads=Forgetful())
    for request in [*known, *known]:
        await Reader(worker).says(request)
        await Reader(control).says(request)
    one, other = Reader(worker), Reader(control)
    answers = [await reader.says(*pieces, hurried=hurried) for reader in (one, other)]
    assert (one.wire.closed, one.protocol.begun) == (other.wire.closed, other.protocol.begun)
    assert not any(other.app.known)
    return one, answers[0], answers[1]


@pytest.mark.parametrize("path", ["/at-once?x=%C3%A9", "/at-once", "/task?a=b", "/task%2Fb"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_request_with_known_lines_is_answered_as_ever(method: str, path: str) -> None:
    asked = f"{method} {path} HTTP/1.1\r\n".encode() + LINES
    one, answer, control = uvloop.run(of_both([PLAIN], [asked, asked, PLAIN]))
    assert answer == control
    assert answer.count(b"200 OK") == 3
    assert one.app.known == [True] * 3


@pytest.mark.parametrize("addresses", [b"198.51.100.7", b"2001:db8::1", b"1.2.3.4,5.6.7.8, ::1"])
def test_another_readers_address_is_the_one_that_is_read(addresses: bytes) -> None:
    asked = FORWARDED.replace(b"203.0.113.9", addresses)
    one, answer, control = uvloop.run(of_both([FORWARDED], [asked, FORWARDED, asked]))
    assert answer == control
    assert answer.count(addresses) == 2 * 2  # in the list, and by name
    assert one.app.known == [True] * 3


def learn(heads: Heads, data: bytes, headers: list[Header]) -> None:
    """As of a request that has come twice."""
    for _ in range(2):
        heads.remember(of(data), headers)


def of(data: bytes) -> Asked:
    asked = asked_in(data)
    assert asked is not None
    return asked


def test_addresses_are_changed_for_nobody_else() -> None:
    known = Heads()
    learn(known, FORWARDED, [(b"x-forwarded-for", b"203.0.113.9"), (b"dnt", b"1")])
    for address in (b"198.51.100.7", b"203.0.113.9"):
        found = known.known(of(FORWARDED.replace(b"203.0.113.9", address)))
        assert found is not None
        assert found == [(b"x-forwarded-for", address), (b"dnt", b"1")]
        assert found.named == dict(found)
        assert found.said == said_in(dict(found))


def test_what_is_known_is_known_to_all_connections_and_kept_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heads, "MAX_KNOWN", 2)
    known = Heads()
    requests = [of(PLAIN.replace(b": x", b": %d" % number)) for number in range(3)]
    for one in requests[:2]:
        learn(known, PLAIN.replace(b": x", b": %d" % requests.index(one)), [(b"host", b"h")])
    assert all(known.known(one) for one in requests[:2])
    learn(known, PLAIN.replace(b": x", b": 2"), [(b"host", b"h")])
    assert [known.known(one) is None for one in requests] == [True, True, False]
    long = PLAIN.replace(b": x", b": " + b"x" * heads.MAX_BYTES)
    learn(known, long, [(b"host", b"h")])
    assert known.known(of(long)) is None


def test_lines_that_come_once_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_SEEN", 2)
    known = Heads()
    requests = [of(PLAIN.replace(b": x", b": %d" % number)) for number in range(3)]
    for one in requests:
        known.remember(one, [(b"host", b"h")])
    assert not any(map(known.known, requests))
    # That the first two have come was forgotten, to make room.
    for one in (requests[2], requests[0]):
        known.remember(one, [(b"host", b"h")])
    assert [known.known(one) is None for one in requests] == [True, True, False]


def test_what_a_context_is_read_from_is_what_was_sent() -> None:
    sent = [(b"host", b"h"), (b"user-agent", b"x"), (b"user-agent", b"y"), (b"dnt", b"1")]
    known: Scope = {"headers": KnownHeaders(sent)}
    plain: Scope = {"headers": sent}
    assert named(known) == named(plain) == dict(sent)
    assert said(known) == said(plain) == said_in(dict(sent))
    assert named(known) is named(known)


# Requests that must go to the parser whatever is known, and some that need not; each in a read of
# its own, but for those below.
WHOLE = [
    b"GET /at-once HTTP/1.0\r\n" + LINES,
    b"GET /at-once  HTTP/1.1\r\n" + LINES,
    b"get /at-once HTTP/1.1\r\n" + LINES,
    b"PUT /at-once HTTP/1.1\r\n" + LINES,
    b"GET http://h/at-once HTTP/1.1\r\n" + LINES,
    b"GET /at-once#part HTTP/1.1\r\n" + LINES,
    b"GET /at-\xc3\xa9 HTTP/1.1\r\n" + LINES,
    b"GET /at-once\x00 HTTP/1.1\r\n" + LINES,
    b"GET /at-once HTTP/1.1\n" + LINES,
    b"GET /at-once HTTP/1.1\r\n " + LINES,
    b"OPTIONS * HTTP/1.1\r\n" + LINES,
    b"\r\n" + PLAIN,
    PLAIN + b"\r\n",
    PLAIN.upper(),
    PLAIN.replace(b"Host: h", b"Host: h\r\nHost: i"),
    PLAIN.replace(b"User-Agent", b"user-agent"),
    PLAIN.replace(b": x", b":  x"),
    PLAIN[:-2] + b"Connection: close\r\n\r\n",
    PLAIN[:-2] + b"Connection: keep-alive\r\n\r\n",
    PLAIN[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    PLAIN[:-2] + b"Content-Length: 0\r\n\r\n",
    PLAIN[:-2] + b"Content-Length: 9\r\n\r\n123456789",
    PLAIN[:-2] + b"Content-Length: 20\r\n\r\n123456\r\n\r\n789012\r\n\r\n",
    PLAIN[:-2] + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n123456789",
    PLAIN[:-2] + b"Expect: 100-continue\r\n\r\n",
    PLAIN[:-2] + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    PLAIN[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    PLAIN[:-2] + b"X: \xff\r\n\r\n",
    PLAIN[:-2] + b"X-Y z\r\n\r\n",
    PLAIN.replace(b"at-once", b"task"),
    PLAIN.replace(b"at-once", b"task")[:-2] + b"Connection: close\r\n\r\n",
    PLAIN.replace(b"GET", b"POST"),
    PLAIN.replace(b"GET", b"HEAD"),
    FORWARDED,
    *(
        FORWARDED.replace(b"203.0.113.9", addresses)
        for addresses in (
            b"198.51.100.7",
            b"2001:db8::1",
            b"198.51.100.7, 203.0.113.1",
            b"",
            b" 203.0.113.9",
            b"203.0.113.9 ",
            b"203.0.113.9,",
            b"unknown",
            b"203.0.113.9\x00",
            b"203.0.113.9\r\n X: y",
            b"203.0.113.9\r\nX-Forwarded-For: 203.0.113.8",
            b"203.0.113.9\r\nx-forwarded-for: 203.0.113.8",
            b"203.0.113.7\r\nx-forwarded-for: 203.0.113.8",
        )
    ),
    FORWARDED.replace(b"X-Forwarded-For", b"x-forwarded-for"),
    FORWARDED.replace(b"X-Forwarded-For", b"X-Forwarded-For "),
    PLAIN.replace(b": x", b": X-Forwarded-For: 203.0.113.9"),
]
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
AS_A_BODY = b"Content-Length: %d\r\n\r\n" % len(PLAIN)
OTHERS = [
    *([one] for one in WHOLE),
    # What looks like a request is a body, or a part of a head.
    *([begin[:-2] + AS_A_BODY, body] for begin in (PLAIN, OTHER) for body in (PLAIN, OTHER)),
    [PLAIN.replace(b"at-once", b"task")[:-2] + AS_A_BODY, PLAIN],
    [
        PLAIN[:-2] + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(PLAIN),
        PLAIN,
        b"\r\n0\r\n\r\n",
    ],
    [PLAIN[:-2], PLAIN],
    [PLAIN[:-4] + b", ", PLAIN],
    [b"GET /at-once?", PLAIN],
    [b"\r", PLAIN],
    [PLAIN[:20], PLAIN[20:]],
]


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("other", OTHERS)
def test_whatever_comes_between_known_requests(other: list[bytes], hurried: bool) -> None:
    pieces = [PLAIN, FORWARDED, *other, PLAIN, OTHER, *other, OTHER]
    for more in ([], [b"".join(other)]):
        known = [PLAIN, FORWARDED, *more]
        one, answer, control = uvloop.run(of_both(known, pieces, hurried=hurried))
        assert answer == control
        assert one.app.known[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([[PLAIN], [OTHER], *OTHERS]), min_size=1, max_size=6),
    st.lists(st.integers(0, 1_000_000), max_size=6),
    st.none() | st.tuples(st.integers(0, 1_000_000), st.integers(0, 255)),
    st.booleans(),
)
@example([[PLAIN]] * 6, [len(PLAIN), 2 * len(PLAIN)], (3, 0), False)
def test_however_they_come_and_with_one_byte_changed(
    requests: list[list[bytes]],
    places: list[int],
    changed: tuple[int, int] | None,
    hurried: bool,
) -> None:
    """Each in a read of its own, or the stream cut anywhere."""
    pieces = [piece for request in requests for piece in request]
    if places or changed:
        stream = bytearray(b"".join(pieces))
        if changed is not None:
            stream[changed[0] % len(stream)] = changed[1]
        pieces = cut(bytes(stream), places)
    known = [PLAIN, FORWARDED, *(b"".join(request) for request in requests)]
    _, answer, control = uvloop.run(of_both(known, pieces, hurried=hurried))
    assert answer == control


def test_a_host_that_is_not_ours_is_never_known() -> None:
    async def asked() -> list[bytes]:
        worker = Edge(hosts=Hosts(["ads.example"]))
        return [await Reader(worker).says(PLAIN) for _ in range(3)]

    assert all(b" 421 " in answer for answer in uvloop.run(asked()))


def test_a_control_that_takes_lines_for_known_by_their_length_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What these tests are about can fail."""

    def careless(self: Heads, asked: Asked) -> Any:
        return {len(lines): found for lines, found in self._known.items()}.get(len(asked[2]))

    monkeypatch.setattr(Heads, "known", careless)
    monkeypatch.setattr(Forgetful, "known", lambda *_: None)
    _, answer, control = uvloop.run(of_both([PLAIN], [PLAIN, OTHER]))
    assert answer != control

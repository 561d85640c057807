"""Limits and deadlines of connections, with deadlines that a test can wait for.

The promises of real ones are kept in tests/faults/test_edge.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import httptools
import pytest

from adserver.serving import cycle
from adserver.serving.edge import Edge, Limits, Wait, most_connections
from adserver.serving.giving_back import give_back
from adserver.serving.hosts import MAX_REMEMBERED, Hosts
from adserver.serving.parsing import refusal_of
from adserver.serving.protocol import AdProtocol
from adserver.serving.refusals import ANSWERED, ANSWERS, Refusal, Refused
from tests.faults.sieges import resident_bytes
from tests.serving.wire import BODY, LARGE, PATIENCE_SECONDS, Reader, opened

SOON = 0.2
# Where being slow must not be too late, on however busy a machine.
LATER = 0.8
SWEEP = 0.02
READERS = 60
LATE = {
    "first_seconds": SOON,
    "head_seconds": SOON,
    "body_seconds": SOON,
    "reading_seconds": SOON,
    "next_seconds": SOON,
    "end_seconds": SOON,
}
POST = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
GET = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n"


def hurried(**late: float) -> Edge:
    return Edge(Limits(sweep_seconds=SWEEP, **(late or LATE)))  # type: ignore[arg-type]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - of another task's
            await asyncio.sleep(0.001)


async def drip(browser: Reader, piece: bytes) -> None:
    while True:
        browser.send(piece)
        await asyncio.sleep(SWEEP)


async def ended(browser: Reader) -> bytes:
    """What comes until the end."""
    try:
        return await browser.rest()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    ("sent", "dripping", "refusal"),
    [
        (b"", b"", Refusal.SILENT),
        (b"\r\n", b"\r\n", Refusal.SILENT),
        (b"G", b"", Refusal.HEAD_TIMEOUT),
        (b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n", Refusal.HEAD_TIMEOUT),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"y", Refusal.HEAD_TIMEOUT),
        (GET % b"" + b"GET / HTTP/1.1\r\n", b"X: y\r\n", Refusal.HEAD_TIMEOUT),
        (POST % b"/echo", b"", Refusal.BODY_TIMEOUT),
        (POST % b"/echo" + b"hell", b"", Refusal.BODY_TIMEOUT),
        (POST % b"/", b"", Refusal.BODY_TIMEOUT),
        (POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") % b"/echo" + b"1;", b"x",
         Refusal.BODY_TIMEOUT),
    ],
)  # fmt: skip
async def test_who_takes_too_long_is_told_and_closed(
    sent: bytes, dripping: bytes, refusal: Refusal
) -> None:
    edge = hurried()
    begun = time.monotonic()
    async with opened(edge) as port, port.connected() as browser:
        browser.send(sent)
        dripper = asyncio.create_task(drip(browser, dripping))
        said = await ended(browser)
        assert time.monotonic() - begun >= SOON - SWEEP
        dripper.cancel()
    assert dict(edge.refused) == {(refusal.value,): 1}
    told = refusal in ANSWERED and b"POST / " not in sent and not dripping
    if told:
        assert b" 408 " in said
    if b"POST / " in sent:
        assert said.count(b"HTTP/1.1 ") == 1, "it has had its answer, and there is no other"


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", POST % b"/echo"])
async def test_control_without_deadlines_it_is_waited_for(sent: bytes) -> None:
    async with opened(Edge()) as port, port.connected() as browser:
        browser.send(sent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3 * SOON):
                await browser.rest()


async def test_an_idle_connection_is_closed_and_that_is_no_refusal() -> None:
    edge = hurried(next_seconds=LATER)
    async with opened(edge) as port, port.connected() as browser:
        begun = asked = time.monotonic()
        while asked < begun + 2 * LATER:
            asked = time.monotonic()
            browser.send("GET / HTTP/1.1")
            assert (await browser.answer()).body == BODY, "in use, it is kept"
            await asyncio.sleep(SWEEP)
        assert await ended(browser) == b""
        assert time.monotonic() - asked >= LATER - SWEEP
    assert not edge.refused


async def test_nobody_is_hurried_while_it_is_our_turn() -> None:
    async with opened(hurried()) as port, port.connected() as browser:
        browser.send("GET /slow HTTP/1.1", "GET / HTTP/1.1")
        await asyncio.sleep(3 * SOON)
        port.app.gate.set()
        assert (await browser.answer()).body == b"slow"
        assert (await browser.answer()).body == BODY


async def test_who_never_reads_a_long_answer_is_closed() -> None:
    edge = hurried(reading_seconds=SOON)
    async with opened(edge) as port, port.connected(receive_bytes=4_096) as browser:
        browser.send(*["GET /large HTTP/1.1"] * 3)
        await until(lambda: edge.refused)
        assert dict(edge.refused) == {(Refusal.WRITE_TIMEOUT.value,): 1}
        await until(lambda: not edge.connections)


async def resident_growth(edge: Edge, readers: int) -> int:
    """Bytes that this process takes for so many who ask for 6 MB each, and never read."""
    async with opened(edge) as port, AsyncExitStack() as stack:
        # What earlier tests have left free would be taken first, and would not show.
        gc.collect()
        give_back()
        before = resident_bytes(os.getpid())
        for _ in range(readers):
            browser = await stack.enter_async_context(port.connected(receive_bytes=4_096))
            browser.send(*["GET /large HTTP/1.1"] * 3)  # the kernel takes some
        await until(lambda: [one.wait for one in edge.connections].count(Wait.READING) == readers)
        return resident_bytes(os.getpid()) - before


async def test_many_who_never_read_one_long_answer_share_its_bytes() -> None:
    assert await resident_growth(Edge(Limits(sweep_seconds=SWEEP)), READERS) < 20_000_000


async def test_control_joined_with_their_heads_each_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cycle, "JOINED_BYTES", len(LARGE))
    assert await resident_growth(Edge(Limits(sweep_seconds=SWEEP)), READERS) > 20_000_000


async def test_who_reads_slowly_gets_it_all() -> None:
    edge = hurried(reading_seconds=LATER)
    async with opened(edge) as port, port.connected(receive_bytes=4_096) as browser:
        browser.send("GET /large HTTP/1.1")
        begun = time.monotonic()
        answer = await browser.slowly(len(LARGE), LATER / 8)
    assert answer == LARGE
    assert time.monotonic() - begun > LATER
    assert not edge.refused


# --- Requests before their turn ---


async def test_more_requests_than_may_wait_are_left_unread_until_it_is_their_turn() -> None:
    edge = Edge()
    async with opened(edge) as port, port.connected() as browser:
        browser.send(b"".join([GET % b"slow", *(GET % b"%d" % n for n in range(100))]))
        await until(lambda: edge.connections)
        [connection] = edge.connections
        assert isinstance(connection, AdProtocol)
        await until(lambda: connection.unparsed)
        assert len(connection.pipeline) == edge.limits.pipelined - 1
        port.app.gate.set()
        assert (await browser.answer()).body == b"slow"
        for _ in range(100):
            assert (await browser.answer()).body == BODY
        browser.send("GET /last HTTP/1.1")
        assert (await browser.answer()).body == BODY
    assert [path for _, path in port.app.seen] == [
        "/slow", *(f"/{n}" for n in range(100)), "/last"
    ]  # fmt: skip
    assert not edge.refused


async def test_bodies_that_come_with_other_requests_are_read_in_their_turn() -> None:
    async with opened() as port, port.connected() as browser:
        posts = [POST % b"/echo" + b"%05d" % n for n in range(40)]
        browser.send(GET % b"slow" + b"".join(posts))
        port.app.gate.set()
        assert (await browser.answer()).body == b"slow"
        for n in range(40):
            assert (await browser.answer()).body == b"%05d" % n


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_the_body_of_the_last_that_may_wait_is_none_of_those_behind_it(framing: str) -> None:
    edge = Edge()
    body = b"\r\n\r\n".join([b"x" * 3_000] * 20)
    if framing == "length":
        last = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    else:
        last = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        last += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    behind = [GET % b"%d" % n for n in range(100)]
    before = [GET % b"slow", *[GET % b""] * (edge.limits.pipelined - 2)]
    async with opened(edge) as port, port.connected() as browser:
        await until(lambda: edge.connections)
        [connection] = edge.connections
        connection.data_received(b"".join([*before, last, *behind]))  # in one read
        assert len(connection.unparsed) > 1_000
        assert len(connection.pipeline) <= edge.limits.pipelined
        port.app.gate.set()
        for _ in before:
            assert (await browser.answer()).status == 200
        assert (await browser.answer()).body == body
        for _ in behind:
            assert (await browser.answer()).body == BODY
    assert not edge.refused


async def test_a_flood_of_requests_is_refused_behind_the_answers_that_are_owed() -> None:
    edge = Edge()
    async with opened(edge) as port, port.connected() as browser:
        browser.send(GET % b"slow" + GET % b"" * 20_000)
        await until(lambda: edge.refused)
        port.app.gate.set()
        assert (await browser.answer()).body == b"slow"
        statuses = [(await browser.answer()).status for _ in range(edge.limits.pipelined)]
        assert statuses == [200] * (edge.limits.pipelined - 1) + [429]
        await ended(browser)
    assert dict(edge.refused) == {(Refusal.PIPELINED.value,): 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (GET % b"slow", b"GARBAGE\r\n\r\n"),
        (GET % b"slow", POST % b"/echo" + b"12345" + b"GARBAGE\r\n\r\n"),
        (
            GET % b"slow",
            b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        ),
    ],
)
async def test_a_refusal_waits_for_its_turn(first: bytes, second: bytes) -> None:
    edge = Edge()
    async with opened(edge) as port, port.connected() as browser:
        browser.send(first + second)
        await until(lambda: edge.refused)
        port.app.gate.set()
        assert (await browser.answer()).body == b"slow"
        rest = await browser.rest()
    assert rest.count(b"HTTP/1.1 400 ") == 1
    assert rest.count(b"HTTP/1.1 200 ") == second.count(b"12345")


async def test_an_answer_that_has_begun_is_the_last_where_the_body_is_refused() -> None:
    edge = hurried(body_seconds=SOON)
    async with opened(edge) as port, port.connected() as browser:
        browser.send(POST % b"/begun")
        await until(lambda: edge.refused)
        port.app.gate.set()
        assert b"begun" in await browser.rest()


async def test_who_has_asked_and_says_no_more_has_the_answer_and_the_end() -> None:
    edge = Edge()
    async with opened(edge) as port, port.connected() as browser:
        browser.send("GET /slow HTTP/1.1")
        await until(lambda: port.app.seen)
        [connection] = edge.connections
        browser.end()
        await until(lambda: connection.cycle.is_last)
        port.app.gate.set()
        answer = await browser.answer()
        assert (answer.body, answer.headers["connection"]) == (b"slow", "close")
        assert await browser.rest() == b""


async def test_an_old_client_is_closed_behind_its_answer_whatever_it_sends_with_it() -> None:
    async with opened() as port, port.connected() as browser:
        browser.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGARBAGE\r\n\r\n")
        assert (await browser.answer()).body == BODY
        assert await browser.rest() == b""


# --- Hosts ---


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        (b"ads.example", None),
        (b"ADS.Example.", None),
        (b"ads.example:8080", None),
        (b"www.blog.example", None),
        (b"a.b.blog.example:443", None),
        (b"[::1]:80", None),
        (b"blog.example", Refusal.MISDIRECTED),
        (b"ads.example.evil.example", Refusal.MISDIRECTED),
        (b"evilads.example", Refusal.MISDIRECTED),
        (b"evilblog.example", Refusal.MISDIRECTED),
        (b"[::2]", Refusal.MISDIRECTED),
        (b"127.0.0.1", Refusal.MISDIRECTED),
        (b"", Refusal.MISDIRECTED),
        (b"ads.example/", Refusal.HOST),
    ],
)
def test_a_server_that_has_names_answers_to_these(host: bytes, refusal: Refusal | None) -> None:
    hosts = Hosts(["Ads.example", "*.blog.example", "[::1]"])
    assert [hosts.refusal(host), hosts.refusal(host)] == [refusal, refusal]


def test_hosts_that_were_made_up_are_not_remembered_for_ever() -> None:
    hosts = Hosts()
    for number in range(3 * MAX_REMEMBERED):
        assert hosts.refusal(b"h%d" % number) is None
    assert len(hosts._found) <= MAX_REMEMBERED


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nHost: ads.example\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
    ],
)
async def test_another_host_is_misdirected(raw: bytes) -> None:
    edge = Edge(hosts=Hosts(["ads.example"]))
    async with opened(edge) as port, port.connected() as browser:
        browser.send(raw)
        assert (await browser.answer()).status == 421
        assert await browser.rest() == b""
        assert port.app.seen == []


# --- How many ---


async def served(browser: Reader) -> None:
    browser.send("GET / HTTP/1.1")
    assert (await browser.answer()).body == BODY


async def test_of_those_who_ask_nothing_the_oldest_goes_for_a_new_one() -> None:
    edge = Edge(most=3)
    async with opened(edge) as port, port.connected() as first, port.connected():
        async with port.connected():
            await until(lambda: len(edge.connections) == 3)
        async with port.connected(), port.connected() as visitor:
            await served(visitor)
            assert await first.rest() == b""
            await served(visitor)
    assert dict(edge.refused) == {(Refusal.CROWDED_OUT.value,): 1}


async def test_who_has_waited_longest_goes_while_visitors_have_only_just_come() -> None:
    edge = Edge(Limits(sweep_seconds=SWEEP), most=4)
    async with opened(edge) as port, port.connected() as longest:
        await served(longest)
        await until(lambda: [one.wait for one in edge.connections] == [Wait.NEXT])
        async with port.connected() as idle, port.connected() as another, port.connected() as new:
            await served(idle)
            await served(another)
            await until(lambda: [one.wait for one in edge.connections].count(Wait.NEXT) == 3)
            async with port.connected() as visitor:
                await served(visitor)
                assert await longest.rest() == b""
                for one in (idle, another, new):
                    await served(one)
    assert dict(edge.refused) == {(Refusal.CROWDED_OUT.value,): 1}


async def test_nobody_who_is_being_answered_goes_for_a_new_one() -> None:
    edge = Edge(Limits(sweep_seconds=SWEEP), most=2)
    async with opened(edge) as port, port.connected() as one, port.connected() as two:
        for busy in (one, two):
            busy.send("GET /slow HTTP/1.1")
        await until(lambda: len(port.app.seen) == 2)
        await until(lambda: all(one.wait is Wait.NOTHING for one in edge.connections))
        async with port.connected() as refused:
            assert await ended(refused) == b""
        port.app.gate.set()
        for busy in (one, two):
            assert (await busy.answer()).body == b"slow"
    assert edge.refused[Refusal.FULL.value,] == 1


async def keep_asking(browser: Reader) -> None:
    """Always with four requests that have no answer yet."""
    browser.send(*["GET /later HTTP/1.1"] * 4)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while (await browser.answer()).headers.get("connection") != "close":
            browser.send("GET /later HTTP/1.1")


async def newcomers_answered(edge: Edge) -> int:
    """Of twenty, while all connections that there may be are always being answered."""
    answered = 0
    async with opened(edge) as port, AsyncExitStack() as stack:
        for _ in range(edge.most):
            busy = await stack.enter_async_context(port.connected())
            stack.callback(asyncio.create_task(keep_asking(busy)).cancel)
        await until(lambda: len(edge.connections) == edge.most)
        await until(lambda: all(one.begun > 8 for one in edge.connections))
        await until(lambda: all(one.wait is Wait.NOTHING for one in edge.connections))
        for _ in range(20):
            async with port.connected() as newcomer:
                newcomer.send("GET / HTTP/1.1")
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    answered += (await newcomer.answer()).body == BODY
    return answered


async def test_newcomers_get_in_where_all_are_always_being_answered() -> None:
    edge = Edge(Limits(sweep_seconds=SWEEP), most=16)
    assert await newcomers_answered(edge) >= 18
    assert edge.refused[Refusal.CROWDED_OUT.value,] > 0


async def test_control_where_nobody_makes_way_newcomers_stay_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AdProtocol, "make_way", lambda _: False)
    edge = Edge(Limits(sweep_seconds=SWEEP), most=16)
    # Whoever has just been answered, and has not sent the next request yet, goes for one.
    assert await newcomers_answered(edge) < 18
    assert edge.refused[Refusal.FULL.value,] > 0


async def test_who_makes_way_has_all_answers_that_it_is_owed_and_the_end() -> None:
    edge = Edge(Limits(sweep_seconds=SWEEP), most=1)
    async with opened(edge) as port, port.connected() as busy:
        busy.send("GET /slow HTTP/1.1", "GET / HTTP/1.1", "GET / HTTP/1.1")
        await until(lambda: all(one.begun == 3 for one in edge.connections) and port.app.seen)
        async with port.connected() as refused:
            assert await ended(refused) == b""
        busy.send("GET /unread HTTP/1.1")
        port.app.gate.set()
        said = [await busy.answer() for _ in range(3)]
        assert [one.headers.get("connection") for one in said] == [None, None, "close"]
        assert await busy.rest() == b""
        assert ("GET", "/unread") not in port.app.seen
        async with port.connected() as newcomer:
            newcomer.send("GET / HTTP/1.1")
            assert (await newcomer.answer()).body == BODY


@pytest.mark.parametrize(("files", "most"), [(64, 24), (1_024, 984), (1_000_000, 8_192)])
def test_connections_leave_files_for_the_worker_itself(files: int, most: int) -> None:
    assert most_connections(files) == most


# --- Answers ---


@pytest.mark.parametrize("refusal", ANSWERED)
def test_a_refusal_says_what_to_do_and_nothing_that_a_page_would_show(refusal: Refusal) -> None:
    head, _, body = ANSWERS[refusal].partition(b"\r\n\r\n")
    status, error, hint = ANSWERED[refusal]
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert head.endswith(b"\r\ncontent-length: 0")
    assert body == b""
    said = f'\r\nx-ad-refused: {refusal}; error="{error}"; hint="{hint}"\r\n'
    assert said.encode("ascii") in head
    assert 400 <= status < 500


def test_a_defect_of_ours_is_logged_and_answered() -> None:
    defect = httptools.HttpParserCallbackError()
    defect.__context__ = KeyError("no such thing")
    assert refusal_of(defect) is Refusal.MALFORMED
    refused = httptools.HttpParserCallbackError()
    refused.__context__ = Refused(Refusal.HOST)
    assert refusal_of(refused) is Refusal.HOST

"""More than a round of the event loop may parse waits aside, and everything else goes on."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from adserver.serving.backlog import Backlog
from adserver.serving.edge import Edge, Limits
from adserver.serving.http import Head, Prompt, Scope
from adserver.serving.protocol import AdProtocol
from tests.serving.wire import BODY, PATIENCE_SECONDS, App, Port, opened

CONNECTIONS = 100
DEPTH = 8
# Of one answer: what a decision takes, and more.
WORK_SECONDS = 0.000_3
UNBOUNDED = 10**9
SWEEP = 0.02
SOON = 0.2
BY_TASK = {"/stock": b"stock", "/headers": b"host", "/other": BODY}


@dataclass
class Busy:
    """What happens on a loop: how often its timer has run, at each request."""

    ticks: int = 0
    at_requests: list[int] = field(default_factory=list)
    waiting: int = 0

    def tick(self) -> None:
        self.ticks += 1
        asyncio.get_running_loop().call_later(0.001, self.tick)

    def at_once(self, _method: bytes, url: bytes, _scope: Scope) -> Prompt | None:
        self.at_requests.append(self.ticks)
        end = time.perf_counter() + WORK_SECONDS
        while time.perf_counter() < end:
            pass
        return Prompt(200, Head([], len(url)), url) if url[1:].isdigit() else None

    def queued(self) -> None:
        self.waiting += 1

    def taken_up(self) -> None:
        self.waiting -= 1


class Held(Backlog):
    """Its turn comes when a test says so. From the first on, all wait."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        super().__init__(0)
        self.held = True

    def _next_turn(self) -> None:
        self._counted = True

    def release(self) -> None:
        self._round_requests = UNBOUNDED
        self._turn()


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


async def until(condition: object) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - of the server's
            await asyncio.sleep(0.001)


@asynccontextmanager
async def many(edge: Edge, count: int) -> AsyncIterator[tuple[Port, list[socket.socket]]]:
    async with opened(edge) as port:
        with ExitStack() as ended:
            made = [
                ended.enter_context(socket.create_connection(port.address)) for _ in range(count)
            ]
            await until(lambda: len(edge.connections) == count)
            yield port, made


async def burst(monkeypatch: pytest.MonkeyPatch, round_requests: int) -> int:
    """How many different moments of a timer the requests of a burst were answered in."""
    busy = Busy()
    monkeypatch.setattr(App, "at_once", staticmethod(busy.at_once), raising=False)
    edge = Edge(backlog=Backlog(round_requests))
    async with many(edge, CONNECTIONS) as (_, made):
        busy.tick()
        for one in made:  # nothing else runs meanwhile: all of it is there in one round
            one.sendall(b"".join(request(f"/{n}") for n in range(DEPTH)))
        await until(lambda: len(busy.at_requests) == CONNECTIONS * DEPTH)
    return len(set(busy.at_requests))


async def test_timers_run_between_the_requests_of_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await burst(monkeypatch, 16) > 10


async def test_control_without_a_limit_all_of_them_are_one_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await burst(monkeypatch, UNBOUNDED) <= 3


async def test_each_has_its_answers_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, beats = Busy(), [0]

    def beat() -> None:
        beats[0] += 1

    for name in ("at_once", "queued", "taken_up"):
        monkeypatch.setattr(App, name, staticmethod(getattr(busy, name)), raising=False)
    edge = Edge(backlog=Backlog(3))
    edge.backlog.beat = beat
    paths = ["/1", "/2", *["/stock", "/headers", "/other", "/headers", "/stock"] * 5]
    async with many(edge, 12) as (port, made):
        for one in made:
            one.sendall(b"".join(map(request, paths)))
        for one in made:
            async with port.on(one) as browser:
                said = [(await browser.answer()).body for _ in paths]
            assert said == [BY_TASK.get(path, path.encode()) for path in paths]
        assert not len(edge.backlog), "nobody is left behind"
    assert beats[0] > 10, "who works through requests is not hung"


async def test_who_waits_for_us_is_not_late_and_is_answered() -> None:
    late = Limits(sweep_seconds=SWEEP, first_seconds=SOON, head_seconds=SOON, next_seconds=SOON)
    backlog = Held()
    edge = Edge(late, backlog=backlog)
    async with many(edge, 1) as (port, [one]), port.on(one) as browser:
        one.sendall(request("/"))
        await until(lambda: len(backlog))
        assert not edge.fresh, "it has asked"
        await asyncio.sleep(3 * SOON)
        backlog.release()
        assert (await browser.answer()).status == 200
    assert not edge.refused


async def test_who_waits_for_us_while_the_worker_leaves_is_answered() -> None:
    backlog = Held()
    edge = Edge(backlog=backlog)
    async with many(edge, 1) as (port, [one]), port.on(one) as browser:
        one.sendall(request("/"))
        await until(lambda: len(backlog))
        [connection] = edge.connections
        connection.shutdown()
        connection._leave()
        backlog.release()
        assert (await browser.answer()).headers["connection"] == "close"
        assert await browser.rest() == b""


async def test_who_goes_while_waiting_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, backlog = Busy(), Held()
    for name in ("queued", "taken_up"):
        monkeypatch.setattr(App, name, staticmethod(getattr(busy, name)), raising=False)
    edge = Edge(backlog=backlog)
    async with many(edge, 2) as (port, made):
        for one in made:
            one.sendall(request("/"))
        await until(lambda: len(backlog) == 2)
        assert busy.waiting == 2, "they make others late"
        next(iter(edge.connections)).drop()
        assert (len(backlog), busy.waiting) == (1, 1)
        backlog.release()
        assert not len(backlog)
        await until(lambda: port.app.seen)
    assert len(port.app.seen) == 1


async def test_what_is_too_much_to_keep_is_not_kept() -> None:
    backlog = Held()
    edge = Edge(backlog=backlog)
    body = bytes(60_000)
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n"
    async with many(edge, 1) as (port, [one]), port.on(one) as browser:
        one.sendall(head)
        await until(lambda: len(backlog))
        [connection] = edge.connections
        assert isinstance(connection, AdProtocol)
        connection.data_received(body)
        assert not connection.unparsed
        assert len((await browser.answer()).body) == len(body)
        backlog.release()
        one.sendall(request("/"))
        assert (await browser.answer()).status == 200
    assert not edge.refused


async def test_who_sends_one_request_does_not_wait_for_all_who_send_several() -> None:
    backlog = Held()
    edge = Edge(backlog=backlog)
    async with many(edge, 9) as (port, [*crowd, reader]), port.on(reader) as browser:
        for one in crowd:
            one.sendall(request("/crowd") * 8)
        await until(lambda: len(backlog) == len(crowd))
        reader.sendall(request("/reader"))
        await until(lambda: len(backlog) == 9)
        backlog.release()
        assert (await browser.answer()).status == 200
        paths = [path for _, path in port.app.seen]
        assert "/reader" in paths[:2], "the first after one of them, and not after all"

"""Requests of one row at a time, readers and server in this process, on real sockets.

`python -m benchmarks.one_process GENERATION REQUESTS ROW...` is what valgrind and strace look at.
Whatever could differ from run to run is fixed: clocks, draws, the order in which readers ask. A
round is one request of each of 32 connections; the process asks for its parent's number (`getppid`)
before and behind the rounds of each row, which is the mark that the programs outside cut by.
"""

from __future__ import annotations

from benchmarks.fixed_clock import NOW

# isort: split
import asyncio
import cProfile
import gc
import json
import os
import pickle
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette

from adserver.core.catalog import Generation
from adserver.core.leases import Grant
from adserver.core.ports.serving import Wanted
from adserver.core.rates import Rates, is_paced
from adserver.core.steps import finish
from adserver.serving import patience
from adserver.serving.app import PublicApp
from adserver.serving.disk_thread import DiskThread, tell
from adserver.serving.edge import Edge
from adserver.serving.listening import server
from benchmarks import contexts
from benchmarks.load import BROWSER
from benchmarks.planted import PLANTED, Planted
from benchmarks.tickets import PAGE
from tests.serving.memory import MemoryCatalog, MemoryLeases, MemoryWorker

# A file for what cProfile finds out of the row.
PROFILE = os.environ.get("ADSERVER_BENCH_PROFILE", "")
CONNECTIONS = 32
WARM_ROUNDS = 8
# Fewer than the requests that warm up.
PAGES = 64
# Of the event loop, for an answer: two or three are enough.
MOST_ROUNDS = 10_000
# Of a reader, for an answer; by the kernel, as a socket's own would take a call more: `timeval`.
PATIENCE = struct.pack("ll", 30, 0)
DATE = (b"date", b"Mon, 02 Nov 2026 09:00:00 GMT")
HEADERS = "".join(f"{name}: {value}\r\n" for name, value in BROWSER.items())
TICKET = re.compile(rb"/i/([\w-]{56})")
SLOT = "/slots/post-top?"
# Of each standard campaign, of each request that it may have: some are left out by the draw.
RATE = 0.4
ENOUGH = 1_000_000
# No click is answered before it is durable, as it would be under valgrind, where all takes long.
patience.MAX_CLICK_WAIT_SECONDS = 600.0

# Row → its method, its path before the ticket, `journal_sync`, what is answered.
EVENTS = {
    "I": ("POST", "/i/", "always", b"204"),
    "I-int": ("POST", "/i/", "interval", b"204"),
    "C": ("GET", "/c/", "always", b"302"),
    "C-int": ("GET", "/c/", "interval", b"302"),
}


class AtOnce(DiskThread):
    """In the disk's thread's place: threads take turns as they like."""

    def do(self, work: Callable[[], None]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        work()
        loop.call_soon(tell, done, None)
        return done


def request(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{HEADERS}\r\n".encode()


def pages(prefix: str, many: int) -> list[bytes]:
    """Of a day, in their order, again and again: each has been asked for before the first mark."""
    queries = contexts.queries()[:PAGES]
    return [request(prefix + queries[number % len(queries)]) for number in range(many)]


@dataclass
class Plenty(MemoryLeases):
    """Room for all that is asked for, in one lease: no round of leasing comes between requests."""

    def _grant(self, wanted: Wanted) -> Grant | None:
        return Grant(ENOUGH, self.until, self.until, ENOUGH, None, 0, 0)


class Rounds:
    """Connections to one server in this process, which answers on each of them in turn."""

    def __init__(self, serving: uvicorn.Server, make: Callable[[], asyncio.Protocol]) -> None:
        self._state = serving.server_state
        self._make = make
        self._readers: list[socket.socket] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener:
            for _ in range(CONNECTIONS):
                reader = socket.create_connection(listener.getsockname())
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PATIENCE)
                self._readers.append(reader)
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                await loop.connect_accepted_socket(self._make, accepted)

    async def ask(self, requests: Sequence[bytes]) -> list[bytes]:
        """Each of one connection, and the answers."""
        target = self._state.total_requests + len(requests)
        for reader, one in zip(self._readers, requests, strict=False):
            reader.send(one)
        for _ in range(MOST_ROUNDS):
            if self._state.total_requests >= target:
                break
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # uvloop writes at the end of a round
        return [reader.recv(65_536) for reader, _ in zip(self._readers, requests, strict=False)]

    async def close(self) -> None:
        for reader in self._readers:
            reader.close()
        while self._state.connections:  # noqa: ASYNC110 - they end in the next rounds of the loop
            await asyncio.sleep(0)


def rounds_of(serving: uvicorn.Server) -> Rounds:
    config = serving.config
    config.load()
    serving.server_state.default_headers = [DATE]
    make: Any = config.http_protocol_class
    return Rounds(
        serving,
        lambda: make(config=config, server_state=serving.server_state, app_state={}),
    )


def reference(answer: bytes) -> uvicorn.Server:
    """Stock uvicorn and a bare callable that gives this answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = int(first.split()[1])
    headers = [tuple(line.split(b": ", 1)) for line in lines if not line.startswith(b"date")]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return uvicorn.Server(
        uvicorn.Config(
            app, loop="uvloop", http="httptools", access_log=False, log_config=None,
            server_header=False, lifespan="off",
        )
    )  # fmt: skip


class Ours:
    """A worker with the ports of the store in memory, and its journal on disk."""

    def __init__(self, folder: Path, generation: Generation, sync: str, planted: str = "") -> None:
        catalog = MemoryCatalog()
        catalog.publish(generation)
        always = sync == "always"
        self.worker = MemoryWorker(folder, catalog, leases=Plenty(), always=always)
        self.worker.journals = replace(self.worker.journals, mapped=not always)
        self.worker.state.draw = random.Random(1).random
        app: Any = PublicApp(self.worker.state, "", nothing)
        if planted:
            app = Planted(app, PLANTED[planted])
        self.rounds = rounds_of(server(app, print, Edge()))

    async def open(self) -> None:
        self.worker.counts.open.clear()  # what is shipped waits at the store's door
        self.worker.state.counting._disk = AtOnce()
        self.worker.begin()
        state = self.worker.state
        await state.live.refresh(NOW)
        served = state.live.served
        assert served is not None
        rates = {one.name: RATE for one in served.snapshot.catalog.campaigns if is_paced(one)}
        finish(served.snapshot.pacing(Rates(rates)))
        await self.rounds.open()

    async def tickets(self, many: int) -> list[str]:
        """Of ads that were served, and others like them."""
        seal, unseal = self.worker.state.sealer.seal, self.worker.state.sealer.unseal
        answers = await self.rounds.ask(pages(SLOT, CONNECTIONS))
        given = [unseal(TICKET.findall(one)[0].decode()) for one in answers if b"/i/" in one]
        # Their numbers are of one shard, and not yet given.
        return [
            seal(given[number % len(given)]._replace(serial=ENOUGH + number)).decode()
            for number in range(many)
        ]

    def forget(self) -> None:
        """Clicks that have been answered and whose patience has not run out yet."""
        self.worker.state.counting._patience._waiting.clear()

    async def close(self) -> None:
        await self.rounds.close()
        self.worker.counts.open.set()
        await self.worker.finish()


def nothing(_: Callable[[], PublicApp]) -> Starlette:
    return Starlette()


async def measured(
    rounds: Rounds,
    requests: Sequence[bytes],
    expected: bytes,
    forget: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Between the marks: all requests but those of the first rounds.

    forget: what is kept on purpose, and is no garbage for that.
    """
    parts = [requests[at : at + CONNECTIONS] for at in range(0, len(requests), CONNECTIONS)]
    for part in parts[:WARM_ROUNDS]:
        await rounds.ask(part)
    forget()
    gc.collect()
    gc.freeze()
    gc.disable()
    tasks = Tasks()
    profile = cProfile.Profile() if PROFILE else None
    if profile:
        profile.enable()
    os.getppid()
    for part in parts[WARM_ROUNDS:]:
        last = await rounds.ask(part)
    os.getppid()
    if profile:
        profile.dump_stats(PROFILE)
    many = len(requests) - WARM_ROUNDS * CONNECTIONS
    tasks.stop()
    forget()
    garbage = gc.collect()
    gc.enable()
    for one in last:
        accepted = b"x-ad-event" not in one or b"x-ad-event: accepted" in one
        if not (one.startswith(b"HTTP/1.1 " + expected) and accepted):
            sys.exit(f"not answered {expected.decode()}: {one[:300]!r}")
    return {
        "requests": many,
        "tasks": tasks.made / many,
        "garbage": garbage / many,
    }


class Tasks:
    """How many are made, where valgrind does not look: it would count this, too."""

    def __init__(self) -> None:
        self.made = 0
        self._loop = asyncio.get_running_loop()
        if os.environ.get("ADSERVER_BENCH_TASKS"):
            self._loop.set_task_factory(self._make)

    def _make(self, loop: Any, work: Any, **more: Any) -> Any:
        self.made += 1
        return asyncio.Task(work, loop=loop, **more)

    def stop(self) -> None:
        self._loop.set_task_factory(None)


async def client(many: int) -> dict[str, float]:
    """What the readers take for themselves, as they are in this process: half of this."""
    ours, theirs = socket.socketpair()
    (one,) = pages(SLOT, 1)
    os.getppid()
    for _ in range(many):
        ours.send(one)
        theirs.recv(65_536)
    os.getppid()
    ours.close()
    theirs.close()
    return {"requests": many, "tasks": 0, "garbage": 0}


async def run(row: str, generation: Generation, folder: Path, many: int) -> dict[str, float]:
    if row == "client":
        return await client(many)
    row, _, planted = row.partition(" + ")
    method, prefix, sync, expected = EVENTS.get(row, ("POST", "/i/", "always", b"200"))
    ours = Ours(folder, generation, sync, planted)
    await ours.open()
    total = many + WARM_ROUNDS * CONNECTIONS
    try:
        if row in EVENTS or row == "R204":
            asked = [request(prefix + one, method) for one in await ours.tickets(total)]
        else:
            asked = pages(PAGE if row.endswith("D") else SLOT, total)
        if not row.startswith("R"):
            return await measured(ours.rounds, asked, expected, ours.forget)
        (answer,) = await ours.rounds.ask(asked[:1])
        bare = rounds_of(reference(answer))
        await bare.open()
        found = await measured(bare, asked, b"2")
        await bare.close()
        return found
    finally:
        await ours.close()


def count_from_here() -> None:
    """Where valgrind looks, and has not begun to count."""
    subprocess.run(
        ["callgrind_control", "--instr=on", str(os.getpid())],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )


def main() -> None:
    stored, many, *rows = sys.argv[1:]
    generation = pickle.loads(Path(stored).read_bytes())
    if os.environ.get("ADSERVER_BENCH_COUNT"):
        count_from_here()
    found = {}
    for row in rows:
        random.seed(1)
        with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
            found[row] = uvloop.run(run(row, generation, Path(name), int(many)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Requests of one row at a time, readers and server in this process, on real sockets.

`python -m benchmarks.one_process GENERATION ROW...` is what valgrind and strace look at. Whatever
could differ from run to run is fixed: clocks, draws, the order in which readers ask. A round is
one request of each of 32 connections; the process asks for its parent's number (`getppid`) before
and behind the rounds of each row, which is the mark that the programs outside cut by.
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
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette

from adserver.core.catalog import Generation
from adserver.serving.app import PublicApp
from adserver.serving.edge import Edge
from adserver.serving.listening import server
from tests.serving.memory import MemoryCatalog, MemoryWorker

# A file for what cProfile finds out of the row.
PROFILE = os.environ.get("ADSERVER_BENCH_PROFILE", "")
CONNECTIONS = 32
WARM_ROUNDS = 8
DATE = (b"date", b"Mon, 02 Nov 2026 09:00:00 GMT")
READER = (
    " HTTP/1.1\r\nHost: ads.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
    "Gecko/20100101 Firefox/128.0\r\nAccept-Language: fr,en;q=0.5\r\n"
    "Referer: https://bench.example/articles/{page}\r\n\r\n"
)
PAGES = 16
TICKET = re.compile(rb"/i/([\w-]{56})")
SLOT = "/slots/post-top"
CALL = "/decisions?slots=home-top,post-top,post-bottom"

# Row → its path before the ticket, `journal_sync`.
EVENTS = {
    "I interval": ("/i/", "interval"),
    "I always": ("/i/", "always"),
    "C interval": ("/c/", "interval"),
    "C always": ("/c/", "always"),
}
ROWS = ("client", "R", "R204", "S", "D", *EVENTS)


class AtOnce(Executor):
    """In the disk's thread's place: threads take turns as they like."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **more))
        return done


def request(path: str, page: int = 0) -> bytes:
    return ("GET " + path + READER.format(page=page % PAGES)).encode()


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
                self._readers.append(socket.create_connection(listener.getsockname()))
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                await loop.connect_accepted_socket(self._make, accepted)

    async def ask(self, requests: Sequence[bytes]) -> list[bytes]:
        """Each of one connection, and the answers."""
        target = self._state.total_requests + len(requests)
        for reader, one in zip(self._readers, requests, strict=False):
            reader.send(one)
        while self._state.total_requests < target:  # noqa: ASYNC110 - by rounds of the loop
            await asyncio.sleep(0)
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

    def __init__(self, folder: Path, generation: Generation, sync: str) -> None:
        catalog = MemoryCatalog()
        catalog.publish(generation)
        always = sync == "always"
        self.worker = MemoryWorker(folder, catalog, always=always)
        self.worker.journals = replace(self.worker.journals, mapped=not always)
        self.worker.state.draw = random.Random(1).random
        self.rounds = rounds_of(server(PublicApp(self.worker.state, "", nothing), print, Edge()))

    async def open(self) -> None:
        self.worker.counts.open.clear()  # what is shipped waits at the store's door
        self.worker.state.counting._disk = AtOnce()  # type: ignore[assignment]
        self.worker.begin()
        await self.worker.state.live.refresh(NOW)
        await self.rounds.open()

    async def tickets(self, many: int) -> list[str]:
        """Of an ad that was served, and the same as others that were served like it."""
        state = self.worker.state
        (answer,) = await self.rounds.ask([request(SLOT)])
        served = state.sealer.unseal(TICKET.findall(answer)[0].decode())
        return [
            state.sealer.seal(served._replace(serial=served.serial + number)).decode()
            for number in range(1, many + 1)
        ]

    async def close(self) -> None:
        await self.rounds.close()
        self.worker.counts.open.set()
        await self.worker.finish()


def nothing(_: Callable[[], PublicApp]) -> Starlette:
    return Starlette()


async def measured(rounds: Rounds, requests: Sequence[bytes], expected: bytes) -> dict[str, float]:
    """Between the marks: all requests but those of the first rounds."""
    parts = [requests[at : at + CONNECTIONS] for at in range(0, len(requests), CONNECTIONS)]
    for part in parts[:WARM_ROUNDS]:
        await rounds.ask(part)
    gc.collect()
    gc.freeze()
    gc.disable()
    tasks = Tasks()
    profile = cProfile.Profile() if PROFILE else None
    blocks = sys.getallocatedblocks()
    if profile:
        profile.enable()
    os.getppid()
    for part in parts[WARM_ROUNDS:]:
        last = await rounds.ask(part)
    os.getppid()
    if profile:
        profile.dump_stats(PROFILE)
    many = len(requests) - WARM_ROUNDS * CONNECTIONS
    blocks = sys.getallocatedblocks() - blocks
    tasks.stop()
    garbage = gc.collect()
    gc.enable()
    for one in last:
        if not one.startswith(b"HTTP/1.1 " + expected):
            sys.exit(f"not answered {expected.decode()}: {one[:300]!r}")
    return {
        "requests": many,
        "tasks": tasks.made / many,
        "blocks": blocks / many,
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
    one = request(SLOT)
    os.getppid()
    for _ in range(many):
        ours.send(one)
        theirs.recv(65_536)
    os.getppid()
    ours.close()
    theirs.close()
    return {"requests": many, "tasks": 0, "blocks": 0, "garbage": 0}


async def run(row: str, generation: Generation, folder: Path, many: int) -> dict[str, float]:
    if row == "client":
        return await client(many)
    path, sync = EVENTS.get(row, ("/i/", "interval"))
    ours = Ours(folder, generation, sync)
    await ours.open()
    total = many + WARM_ROUNDS * CONNECTIONS
    try:
        if row in ("R", "R204"):
            (ticket,) = (await ours.tickets(1))[:1]
            one = request(SLOT) if row == "R" else request("/i/" + ticket).replace(b"GET", b"POST")
            (answer,) = await ours.rounds.ask([one])
            bare = rounds_of(reference(answer))
            await bare.open()
            found = await measured(bare, [one] * total, b"2")
            await bare.close()
            return found
        if row in EVENTS:
            asked = [request(path + ticket) for ticket in (await ours.tickets(total))[:total]]
            if row.startswith("I"):
                asked = [one.replace(b"GET", b"POST") for one in asked]
        else:
            asked = [request(SLOT if row == "S" else CALL, number) for number in range(total)]
        return await measured(ours.rounds, asked, b"302" if row.startswith("C") else b"2")
    finally:
        await ours.close()


def main() -> None:
    stored, many, *rows = sys.argv[1:]
    generation = pickle.loads(Path(stored).read_bytes())
    found = {}
    for row in rows:
        random.seed(1)
        with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
            found[row] = uvloop.run(run(row, generation, Path(name), int(many)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

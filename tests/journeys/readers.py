"""Readers who ask for a slot without pause, while a test does something to the server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from tests.journeys.hammer import Answer, Connection, connected, reach_workers
from tests.servers import Running, until


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer. at: when it had come, on the monotonic clock."""

    at: float
    status: int
    decision: str
    writer: int


@dataclass
class Readers:
    """What they have seen so far; `failed` are requests without an answer, and when."""

    seen: list[Seen] = field(default_factory=list)
    failed: list[tuple[float, str]] = field(default_factory=list)

    def note(self, answer: Answer) -> None:
        decision = answer.headers.get("x-ad-decision", "")
        self.seen.append(Seen(time.monotonic(), answer.status, decision, answer.writer))

    def fail(self, error: Exception) -> None:
        self.failed.append((time.monotonic(), repr(error)))

    def go_on(self, answers: int = 200) -> None:
        """Wait until so many more requests have been answered."""
        before = len(self.seen)
        until(lambda: len(self.seen) >= before + answers)

    @property
    def longest_silence(self) -> float:
        """Seconds between an answer and the next one, to any of them."""
        return max(after - before for before, after in pairwise(one.at for one in self.seen))


@contextmanager
def readers_who_stay(ads: Running, path: str, workers: int, each: int) -> Iterator[Readers]:
    """Each keeps a connection until it is told to close it; so many to each worker at first."""

    async def read(readers: Readers, stopped: Callable[[], bool]) -> None:
        async with AsyncExitStack() as stack:
            connections = await reach_workers(stack, ads.public, path, workers, each)
            await asyncio.gather(*(stay(ads, one, path, readers, stopped) for one in connections))

    with at_work(read) as readers:
        yield readers


@contextmanager
def readers_who_come(ads: Running, path: str, count: int) -> Iterator[Readers]:
    """So many at a time, each request on a connection of its own."""

    async def read(readers: Readers, stopped: Callable[[], bool]) -> None:
        await asyncio.gather(*(come(ads, path, readers, stopped) for _ in range(count)))

    with at_work(read) as readers:
        yield readers


async def stay(
    ads: Running,
    connection: Connection,
    path: str,
    readers: Readers,
    stopped: Callable[[], bool],
) -> None:
    async with AsyncExitStack() as stack:
        while not stopped():
            try:
                answer = await connection.ask(path)
                readers.note(answer)
                if answer.headers.get("connection") == "close":
                    connection = await stack.enter_async_context(connected(ads.public))
            except (OSError, EOFError, TimeoutError) as error:
                readers.fail(error)
                return


async def come(ads: Running, path: str, readers: Readers, stopped: Callable[[], bool]) -> None:
    while not stopped():
        try:
            async with connected(ads.public) as connection:
                readers.note(await connection.ask(path))
        except (OSError, EOFError, TimeoutError) as error:
            readers.fail(error)
            await asyncio.sleep(0)  # others may have better luck


@contextmanager
def at_work(read: Callable[..., object]) -> Iterator[Readers]:
    """In a thread of their own, from their first answers to the end of the block."""
    readers, leave, errors = Readers(), threading.Event(), []

    def work() -> None:
        try:
            asyncio.run(read(readers, leave.is_set))  # type: ignore[arg-type]
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: len(readers.seen) > 100 or not thread.is_alive())
        yield readers
    finally:
        leave.set()
        thread.join()
    assert errors == []

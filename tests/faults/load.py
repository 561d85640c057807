"""Visitors: each on a connection of its own, seeing, clicking and reloading ads.

What has no answer because its connection was cut is sent once more on another connection, as a
proxy or a browser does; its time runs from the first attempt. Both are in the oracle's books.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from adserver.core.events import Kind
from tests.faults.oracle import Sent, Told, ticket_of
from tests.journeys.hammer import TICKET, Answer, Connection, connected
from tests.servers import PATIENCE_SECONDS, POLL_SECONDS

VISITORS = 6
REFERENCES = 3
# A visitor reads before it turns the page: enough load to be hit by any fault, without queues.
READING_SECONDS = 0.02
LETTERS = {Kind.IMPRESSION: "i", Kind.VIEWABLE: "v", Kind.CLICK: "c"}
CUT = (OSError, EOFError, TimeoutError)
# Tickets that may be reloaded; the oldest are forgotten.
REMEMBERED = 200


class Unanswered(Exception):
    """Two attempts, and no answer to either."""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a slot was asked for (monotonic), and how long it took; None: never answered."""

    at: float
    seconds: float | None


@dataclass(slots=True)
class Crowd:
    """Visitors who come and go, and what became of their requests."""

    cut: int = field(default=0, kw_only=True)
    answered: int = field(default=0, kw_only=True)
    stopping: bool = field(default=False, kw_only=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Until the block ends; then each finishes its page."""
        self.stopping = False
        tasks = [asyncio.create_task(visit) for visit in self.visits()]
        try:
            yield self
        finally:
            self.stopping = True
            await asyncio.gather(*tasks)

    def visits(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Each of them goes on until `stopping`."""
        raise NotImplementedError

    async def more(self, answers: int) -> None:
        """Until so many further requests have been answered."""
        goal = self.answered + answers
        await eventually(lambda: self.answered >= goal)


@dataclass(slots=True)
class Load(Crowd):
    """One node's (or several nodes') visitors.

    creatives: number by the slot that shows it. bare: a server that does nothing, asked at the
    same time, so that limits of time can allow for a busy machine.
    """

    addresses: Sequence[str]
    creatives: dict[str, int]
    told: Told = field(default_factory=Told)
    visitors: int = VISITORS
    bare: str = ""
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    slots: list[Slot] = field(default_factory=list)
    reference: list[Slot] = field(default_factory=list)
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def visits(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield from (self._visit(number) for number in range(self.visitors))
        if self.bare:
            yield from (self._refer() for _ in range(REFERENCES))

    async def _visit(self, number: int) -> None:
        async with AsyncExitStack() as stack:
            visitor = Visitor(self, self.addresses[number % len(self.addresses)], stack)
            while not self.stopping:
                await self._view(visitor)
                await asyncio.sleep(READING_SECONDS)

    async def _refer(self) -> None:
        async with connected(self.bare) as connection:
            while not self.stopping:
                begun = time.monotonic()
                self.reference.append(Slot(begun, (await connection.ask("/")).seconds))
                await asyncio.sleep(READING_SECONDS)

    async def _view(self, visitor: Visitor) -> None:
        slot = self.draw.choice(list(self.creatives))
        begun = time.monotonic()
        try:
            answer = await visitor.ask(
                f"/slots/{slot}", lambda: self.told.slot_unheard(self.creatives[slot])
            )
        except Unanswered:
            self.slots.append(Slot(begun, None))
            return
        self.slots.append(Slot(begun, time.monotonic() - begun))
        assert answer.status == 200, answer
        found = TICKET.search(answer.body)
        assert found, answer.body
        ticket = found[1].decode()
        self.told.served(ticket)
        await self._follow(visitor, ticket)

    async def _follow(self, visitor: Visitor, ticket: str) -> None:
        await self.send(visitor, Sent(Kind.IMPRESSION, ticket))
        if self.draw.random() < 0.5:
            await self.send(visitor, Sent(Kind.VIEWABLE, ticket))
        if self.draw.random() < 0.3:
            await self.send(visitor, Sent(Kind.CLICK, ticket))
        # Somebody's page is reloaded from a cache: most likely at another worker.
        self._seen.append(ticket)
        if self.draw.random() < 0.3:
            await self.send(visitor, Sent(Kind.IMPRESSION, self.draw.choice(self._seen)))

    async def send(self, visitor: Visitor, sent: Sent) -> None:
        attempts: list[None] = []

        def unheard() -> None:
            attempts.append(None)
            self.told.unheard(sent)

        try:
            answer = await visitor.ask(f"/{LETTERS[sent.kind]}/{sent.ticket}", unheard)
        except Unanswered:
            return
        self.told.heard(sent, answer.status, answer.event, unsure=bool(attempts))


@dataclass(slots=True)
class Visitor:
    crowd: Crowd
    address: str
    stack: AsyncExitStack
    connection: Connection | None = None

    async def ask(self, path: str, unheard: Callable[[], None]) -> Answer:
        """The answer, to the second attempt if need be; `unheard`: for each that had none."""
        for _ in range(2):
            try:
                if self.connection is None:
                    await self.stack.aclose()
                    self.connection = await self.stack.enter_async_context(connected(self.address))
                answer = await self.connection.ask(path)
            except CUT:
                self.connection = None
                self.crowd.cut += 1
                unheard()
            else:
                self.crowd.answered += 1
                if answer.headers.get("connection") == "close":
                    self.connection = None
                return answer
        raise Unanswered(path)


def percentile(seconds: Iterable[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def answered_between(
    slots: Iterable[Slot], since: float = 0.0, until: float = float("inf")
) -> list[float]:
    """Seconds of the slots asked for in that time; an unanswered one took for ever."""
    return [
        float("inf") if slot.seconds is None else slot.seconds
        for slot in slots
        if since <= slot.at < until
    ]


async def eventually(condition: Callable[[], Any], patience: float = PATIENCE_SECONDS) -> Any:
    """`tests.servers.until`, beside a load."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {patience:g} s"
        await asyncio.sleep(POLL_SECONDS)
    return found


def writer_of(ticket: str) -> int:
    return ticket_of(ticket).writer

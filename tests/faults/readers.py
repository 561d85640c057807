"""Readers of campaigns with limits: some look at once, some late, some twice, and some never.

They go on asking for as long as they are let: what the limits do is seen in what they are told.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from adserver.core.events import Kind
from tests.faults.load import LETTERS, Crowd, Unanswered, Visitor
from tests.faults.oracle import ACCEPTED, DUPLICATE, PENDING, Sent
from tests.journeys.hammer import TICKET

LAPSED = "discarded; reason=lapsed"
READERS = 6
READING_SECONDS = 0.02
NEVER, LATE, TWICE = 0.03, 0.05, 0.1


@dataclass(slots=True)
class Readers(Crowd):
    """units: by slot, the event that its campaign's limit is of; without room a slot is empty.

    late_seconds: between what readers who are late may take. accepted, unsure, lapsed: events of
    those kinds, by slot, by what was said of them; unsure: nothing, or `pending`.
    """

    addresses: Sequence[str]
    units: Mapping[str, Kind]
    late_seconds: tuple[float, float]
    readers: int = READERS
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    served: dict[str, int] = field(default_factory=dict)
    empty: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, set[Sent]] = field(default_factory=dict)
    unsure: dict[str, set[Sent]] = field(default_factory=dict)
    lapsed: dict[str, set[Sent]] = field(default_factory=dict)
    refused: int = 0
    _late: list[tuple[float, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for slot in self.units:
            self.served[slot] = self.empty[slot] = 0
            self.accepted[slot], self.unsure[slot], self.lapsed[slot] = set(), set(), set()

    def visits(self) -> Iterator[Coroutine[Any, Any, None]]:
        return (self._read(number) for number in range(self.readers))

    async def _read(self, number: int) -> None:
        async with AsyncExitStack() as stack:
            visitor = Visitor(self, self.addresses[number % len(self.addresses)], stack)
            while not self.stopping:
                await self._look_late(visitor)
                await self._ask(visitor, self.draw.choice(list(self.units)))
                await asyncio.sleep(READING_SECONDS)

    async def _ask(self, visitor: Visitor, slot: str) -> None:
        try:
            answer = await visitor.ask(f"/slots/{slot}", lambda: None)
        except Unanswered:
            return
        assert answer.status == 200, answer
        found = TICKET.search(answer.body)
        if not found:
            self.empty[slot] += 1
            return
        self.served[slot] += 1
        ticket, drawn = found[1].decode(), self.draw.random()
        if drawn < NEVER:
            return
        if drawn < NEVER + LATE:
            at = asyncio.get_running_loop().time() + self.draw.uniform(*self.late_seconds)
            heapq.heappush(self._late, (at, slot, ticket))
            return
        await self._look(visitor, slot, ticket)

    async def _look_late(self, visitor: Visitor) -> None:
        while self._late and self._late[0][0] < asyncio.get_running_loop().time():
            _, slot, ticket = heapq.heappop(self._late)
            await self._look(visitor, slot, ticket)

    async def _look(self, visitor: Visitor, slot: str, ticket: str) -> None:
        kinds = (Kind.IMPRESSION, self.units[slot])
        for kind in dict.fromkeys(kinds):
            await self._send(visitor, slot, Sent(kind, ticket))
        if self.draw.random() < TWICE:
            await self._send(visitor, slot, Sent(self.units[slot], ticket))

    async def _send(self, visitor: Visitor, slot: str, sent: Sent) -> None:
        counts = sent.kind is self.units[slot]
        path = f"/{LETTERS[sent.kind]}/{sent.ticket}"
        try:
            answer = await visitor.ask(path, lambda: self.unsure[slot].add(sent))
        except Unanswered:
            return
        if answer.status == 503:
            self.refused += 1
        elif counts:
            self._heard(slot, sent, answer.event)

    def _heard(self, slot: str, sent: Sent, event: str) -> None:
        assert event in (ACCEPTED, DUPLICATE, PENDING, LAPSED), event
        if event == LAPSED:
            self.lapsed[slot].add(sent)
        elif event == PENDING:
            self.unsure[slot].add(sent)
        elif event == ACCEPTED:
            self.accepted[slot].add(sent)

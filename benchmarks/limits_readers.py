"""Readers who look late, or never, and campaigns with hard limits: how many impressions lapse.

Virtual time: the workers' rooms are `core.leases.Room`, what they ask is answered by the real
scripts on a real store, which is told the time. Everything that a worker would do in the second
before a request or a beacon is done when that comes, as nobody looks in between.

A reader's delay is lognormal, of a median of 90 s (sigma 1), and 4 % never come.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from redis.asyncio import Redis

from adserver.core.batch import MAX_EVENTS_PER_BATCH, Part, Shipment
from adserver.core.goals import Limits, Unit
from adserver.core.hour import hour_at
from adserver.core.record import pack_event
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from tests.factories import NOW, ZONE
from tests.store.desk import CREATIVE, Desk, Ticket, Worker

MEDIAN_SECONDS, SIGMA = 90.0, 1.0
NEVER = 0.04
WORKERS = 4
LIFE_SECONDS = 86_400
DAY, HOUR = 86_400.0, 3_600.0
MIDNIGHT = NOW - 10 * HOUR
# Between two shipments nobody looks whether an event is in the store.
SHIP_SECONDS = 1.0


class World(NamedTuple):
    """requests: that the campaign may have, in a day. flat: by day and night alike."""

    name: str
    limits: Limits
    days: float
    requests: float
    flat: bool = False


def sold(ever: int, a_day: int = 0) -> Limits:
    return Limits(Unit.IMPRESSIONS, ever, a_day)


WORLDS = (
    World("120,000 in a month, 6,000 a day, all that comes", sold(120_000, 6_000), 30, 7_000),
    World("120,000 in a month, 6,000 a day, even", sold(120_000, 6_000), 31, 4_200),
    World("2,000 in a week, all that comes", sold(2_000), 7, 800),
    World("2,000 in a week, even", sold(2_000), 8, 310),
    World("2,000 in an hour", sold(2_000), 0.1, 2_000 * 24, flat=True),
    World("20,000 in an hour", sold(20_000), 0.1, 20_000 * 24, flat=True),
)


@dataclass
class Outcome:
    """refused: requests without room. accepted, lapsed: beacons; never: that did not come.
    delivered: what the store has counted."""

    served: int = 0
    refused: int = 0
    accepted: int = 0
    lapsed: int = 0
    never: int = 0
    delivered: int = 0

    @property
    def lapsed_share(self) -> float:
        return self.lapsed / max(1, self.lapsed + self.accepted)


@dataclass
class Run:
    world: World
    desk: Desk
    draw: random.Random
    workers: list[Worker] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    late: list[tuple[float, int, Ticket]] = field(default_factory=list)
    shipped_at: float = 0.0

    async def run(self) -> Outcome:
        self.workers = [Worker(self.desk, 1 + number) for number in range(WORKERS)]
        for at in requests(self.world, self.draw):
            await self.beacons(at)
            self.desk.now = at
            await self.second()
            await self.request()
        await self.beacons(math.inf)
        await self.ship()
        return self.outcome

    async def second(self) -> None:
        """What every worker does once a second."""
        if self.desk.now - self.shipped_at >= SHIP_SECONDS:
            await self.ship()
        for worker in self.workers:
            if worker.room.due_at <= self.desk.now:
                await self.ask(worker)

    async def ask(self, worker: Worker) -> None:
        others = [one.spoken() for one in self.workers if one is not worker]
        await worker.ask(*others)

    async def request(self) -> None:
        worker = self.draw.choice(self.workers)
        if worker.room.refuses(0):
            self.outcome.refused += 1
            return
        ticket = worker.serve()
        assert ticket.until, "it said that there was room"
        self.outcome.served += 1
        if self.draw.random() < NEVER:
            self.outcome.never += 1
        else:
            delay = self.draw.lognormvariate(math.log(MEDIAN_SECONDS), SIGMA)
            heapq.heappush(self.late, (self.desk.now + delay, self.outcome.served, ticket))
        if worker.room.low:
            await self.ask(worker)

    async def beacons(self, until: float) -> None:
        while self.late and self.late[0][0] < until:
            self.desk.now, _, ticket = heapq.heappop(self.late)
            await self.second()
            worker = self.draw.choice(self.workers)
            if worker.shown(ticket):
                self.outcome.accepted += 1
                if worker.room.low and worker.room.due_at <= self.desk.now:
                    await self.ask(worker)
            else:
                self.outcome.lapsed += 1

    async def ship(self) -> None:
        """All that waits, a shipment for each hour."""
        self.shipped_at = self.desk.now
        for worker in self.workers:
            journal = worker.journal
            while journal.shipped < len(journal.events):
                await self.ship_some(worker)

    async def ship_some(self, worker: Worker) -> None:
        journal, first = worker.journal, worker.journal.shipped
        hour = hour_at(journal.events[first][0], ZONE)
        parts = []
        for at in range(first, min(len(journal.events), first + MAX_EVENTS_PER_BATCH)):
            now, event = journal.events[at]
            if now >= hour.end:
                break
            parts.append(Part(*journal.marks[at + 1], hour, pack_event(event)))
        told = await self.desk.counts.apply(
            journal.source, 0, Shipment(journal.marks[first], tuple(parts))
        )
        assert told.mark == journal.marks[first + len(parts)]
        journal.shipped = first + len(parts)


def requests(world: World, draw: random.Random) -> Iterator[float]:
    """When they come: with days of their own (±25 %), and five times as many by day as by night."""
    at, end = MIDNIGHT, MIDNIGHT + world.days * DAY
    of_day = {n: draw.uniform(0.75, 1.25) for n in range(math.ceil(world.days))}
    while True:
        now = (at - MIDNIGHT) % DAY / DAY
        curve = 1.0 if world.flat else 1 - 2 / 3 * math.cos(2 * math.pi * (now - 0.125))
        level = 1.0 if world.flat else of_day.get(int((at - MIDNIGHT) // DAY), 1.0)
        # A rate that is constant for a few minutes is as good as one that changes.
        at += draw.expovariate(world.requests / DAY * curve * level)
        if at >= end:
            return
        yield at


@asynccontextmanager
async def desk(url: str, limits: Limits) -> AsyncIterator[tuple[Desk, Redis]]:
    client, keys = async_client(url), Keys("readers")
    leases = StoredLeases(client, keys, LIFE_SECONDS)
    async with client:
        await client.flushall()
        yield Desk(leases, StoredCounts(client, keys, LIFE_SECONDS), MIDNIGHT, limits), client
        await leases.close()


async def simulate(url: str, world: World, seed: int) -> Outcome:
    async with desk(url, world.limits) as (made, client):
        outcome = await Run(world, made, random.Random(seed)).run()
        keys = Keys("readers")
        outcome.delivered = int(await client.hget(keys.totals(0), f"i:{CREATIVE}") or 0)
    return outcome

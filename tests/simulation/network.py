"""Calls from workers to the store: lost, unanswered, late, doubled, or on time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adserver.core.batch import Shipment
from adserver.core.errors import StoreUnavailable
from adserver.core.ports.serving import Source, Told

if TYPE_CHECKING:
    from tests.simulation.world import World

# As the clients of the store are set up.
TIMEOUT_SECONDS = 0.5
# How much later than its time-out a call may still reach the store.
LATEST_SECONDS = 30.0


class RemoteCounts:
    """`core.ports.serving.Counts`, as one worker has it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def shards(self) -> int:
        return self._world.plan.shards

    async def apply(self, source: Source, shard: int, shipment: Shipment) -> Told:
        world = self._world
        return await self._call(
            shard, lambda: world.store.apply(source, shard, shipment, world.now)
        )

    async def ledger(self, source: Source, shard: int) -> Told:
        world = self._world
        return await self._call(shard, lambda: world.store.ledger(source, shard, world.now))

    async def claim_writer(self) -> int:
        raise NotImplementedError("the world gives workers their numbers")

    async def keep(self, sources: Sequence[Source]) -> None:
        for source in sources:
            self._world.store.keep(source, self._world.now)

    async def _call(self, shard: int, work: Callable[[], Told]) -> Told:
        call = Call(self._world, asyncio.get_running_loop(), shard, work)
        call.leave()
        try:
            return await call.answer
        finally:
            call.timer.cancel()


class Call:
    """One on its way; it may still arrive when nobody waits for it any more."""

    def __init__(
        self,
        world: World,
        loop: asyncio.AbstractEventLoop,
        shard: int,
        work: Callable[[], Told],
    ) -> None:
        self._world, self._loop, self._shard, self._work = world, loop, shard, work
        self.answer: asyncio.Future[Told] = loop.create_future()
        self.timer = loop.call_later(TIMEOUT_SECONDS, self._give_up)

    def leave(self) -> None:
        world = self._world
        fate = "" if world.healed else world.fate()
        if fate == "late":
            world.at(world.now + world.rng.uniform(0, LATEST_SECONDS), self._arrive)
        elif fate != "lost":
            arrive = self._arrive_unanswered if fate == "unanswered" else self._arrive
            world.at(world.now + self._latency(), arrive)
        if fate == "doubled":
            world.at(world.now + world.rng.uniform(0, LATEST_SECONDS), self._arrive_unanswered)

    def _latency(self) -> float:
        return self._world.rng.choice([0.0002, 0.001, 0.02])

    def _arrive_unanswered(self) -> None:
        if self._shard not in self._world.away:
            self._work()

    def _arrive(self) -> None:
        world = self._world
        if self._shard not in world.away:
            told = self._work()
            world.at(world.now + self._latency(), lambda: self._loop.call_soon(self._hear, told))

    def _hear(self, told: Told) -> None:
        if not self.answer.done():
            self.answer.set_result(told)

    def _give_up(self) -> None:
        if not self.answer.done():
            error = StoreUnavailable("no answer")
            error.__cause__ = TimeoutError("too late")
            self.answer.set_exception(error)

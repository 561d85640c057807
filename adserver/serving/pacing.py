"""Pacing beside requests: every few seconds, how often each campaign with a goal takes part.

Each worker reckons for itself, from the learnt traffic, from samples of contexts and from what has
been delivered, as it hears that when it leases room. With the store away it goes on with what it
has heard last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping

import structlog

from adserver.between import between_requests
from adserver.core.catalog import Generation
from adserver.core.columns import Standing
from adserver.core.errors import StoreUnavailable
from adserver.core.leases import Room
from adserver.core.pauses import NOTHING_STOPPED, pausing
from adserver.core.plans import Plans
from adserver.core.ports.serving import LiveSamples, LiveTraffic
from adserver.core.rates import slots_with_goals, without_names
from adserver.core.samples import Sample
from adserver.core.snapshot import Snapshot
from adserver.core.steps import Steps
from adserver.core.traffic import Scope, Traffic

log = structlog.get_logger(__name__)

PACE_SECONDS = 5.0
# Of very many, less often: rates of so many are reckoned in a second that it takes a hundredth of
# it, and as much again for the pages that are served by them.
GOALS_A_SECOND = 3_500
# Plans are made anew: the learnt traffic changes once an hour, its samples slowly.
PLAN_SECONDS = 600.0
# What a generation waits for them before it is served.
FIRST_SECONDS = 0.5


class Pacing:
    """One worker's. rooms: by campaign; workers: how many lease; clock: UTC seconds."""

    def __init__(
        self,
        traffic: LiveTraffic,
        samples: LiveSamples,
        rooms: Callable[[], Mapping[str, Room]],
        workers: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ask_traffic = traffic
        self._ask_samples = samples
        self._rooms = rooms
        self._workers = workers
        self._clock = clock
        # Without what is paused.
        self._generation: Generation | None = None
        self._whole: Generation | None = None
        self._stopped = NOTHING_STOPPED
        self._snapshot: Snapshot | None = None
        self._slots: list[int] = []
        self._traffic = Traffic()
        self._samples: Mapping[int, list[Sample]] = {}
        self._plans: Plans | None = None
        self._planned_at = self._paced_at = 0.0
        self._turn = asyncio.Lock()

    async def follow(self, generation: Generation, snapshot: Snapshot) -> None:
        """Pace a generation that is about to be served."""
        async with self._turn:
            self._whole, self._snapshot = without_names(generation), snapshot
            served = await self._renew(self._whole, snapshot)
            if not self._slots:
                return
            try:
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._look(served, everything=True)
            except (StoreUnavailable, TimeoutError) as error:
                log.warning("pacing_without_traffic", error=str(error))
            await self._pace(served, snapshot)

    async def _renew(self, whole: Generation, snapshot: Snapshot) -> Generation:
        """Reckon anew with what may be served of a generation."""
        self._stopped, self._plans = snapshot.stopped, None
        served = await between_requests(pausing(whole, self._stopped), lasting=False)
        self._slots = await between_requests(slots_with_goals(served), lasting=False)
        self._generation = served
        return served

    async def refresh(self) -> None:
        """StoreUnavailable: the rates are those of what was known before."""
        async with self._turn:
            served, snapshot = self._generation, self._snapshot
            if self._whole is None or served is None or snapshot is None:
                return
            paused = snapshot.stopped is not self._stopped
            if paused:
                served = await self._renew(self._whole, snapshot)
            if not self._slots:
                return
            old = self._clock() - self._planned_at > PLAN_SECONDS
            try:
                await self._look(served, everything=paused or old)
            finally:
                if self._is_due():
                    await self._pace(served, snapshot)

    async def _look(self, generation: Generation, *, everything: bool) -> None:
        now, through = self._clock(), self._traffic.through
        self._traffic = await self._ask_traffic.traffic(Scope.of(generation), now)
        if everything:
            self._samples = {
                slot: await self._ask_samples.samples(slot, now) for slot in self._slots
            }
        if everything or self._traffic.through != through:
            self._plans = None

    def _is_due(self) -> bool:
        now, plans = self._clock(), self._plans
        if plans is None or now >= plans.good_until:
            return True
        waits = len(plans) / GOALS_A_SECOND
        return waits <= PACE_SECONDS or now - self._paced_at >= waits

    async def _pace(self, generation: Generation, snapshot: Snapshot) -> None:
        # At one go, so that what is made of each campaign is gone before Python looks for garbage.
        await between_requests(self._pacing(generation, snapshot), lasting=False)

    def _pacing(self, generation: Generation, snapshot: Snapshot) -> Steps[None]:
        now, plans = self._clock(), self._plans
        standings = Standings(self._rooms(), self._workers())
        if plans is None or now >= plans.good_until:
            plans = yield from Plans.compiling(
                generation, self._traffic, self._samples, standings, now
            )
            self._plans, self._planned_at = plans, now
        self._paced_at = now
        plans.follow(self._traffic, now)
        rates = yield from plans.rates(standings, now)
        yield from snapshot.pacing(rates)


class Standings(Mapping[str, Standing]):
    """Of campaigns by their rooms, each made when it is asked for: tens of thousands are, every few
    seconds, one after the other. workers: how many lease."""

    def __init__(self, rooms: Mapping[str, Room], workers: int) -> None:
        self._rooms, self._workers = rooms, workers

    def __getitem__(self, campaign: str) -> Standing:
        return standing_of(self._rooms[campaign], self._workers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rooms)

    def __len__(self) -> int:
        return len(self._rooms)


def standing_of(room: Room, workers: int) -> Standing:
    """What workers have leased and not served is on nobody's page: others have leased about as
    much as this one."""
    idle = room.left * workers
    reserved = max(0, room.reserved - idle) if room.reserves else 0
    today = max(0, room.today - idle) if room.reserves else room.today
    return Standing(room.delivered, reserved, today, room.shown)

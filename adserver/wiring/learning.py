"""Learning slots' traffic: what an admin process notes every half minute, and learns every hour.

Every node does it. A minute that several note is noted once; an hour that one has learnt, the
others find learnt, as the script writes only where the store is at the hour that was expected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from adserver.between import between_requests
from adserver.core.errors import AdserverError
from adserver.core.forecast import HOUR_SECONDS
from adserver.core.traffic import (
    MINUTE_SECONDS,
    SETTLED_SECONDS,
    CountedHour,
    Scope,
    hours_found,
    hours_served,
    learning,
    ripe,
)
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient
from adserver.store.keys import Keys
from adserver.store.traffic import StoredLiveTraffic

log = structlog.get_logger(__name__)

# Twice a minute, so that none is missed.
BEAT_SECONDS = 30.0
# Minutes remembered while the store is away: a day.
MAX_MINUTES = 1_440
NOTHING: Mapping[int, int] = {}


class Learning:
    """serving: whether a worker of this node serves a generation. clock: UTC seconds."""

    def __init__(
        self,
        client: AsyncClient,
        keys: Keys,
        serving: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog = StoredLiveCatalog(client, keys)
        self._traffic = StoredLiveTraffic(client, keys)
        self._serving = serving
        self._clock = clock
        # Kept in their order, oldest first.
        self._minutes: dict[int, None] = {}
        self._answered = False

    async def run(self) -> None:
        """Once; what fails is logged, and tried again the next time."""
        now = self._clock()
        if self._serving():
            self._note(int(now // MINUTE_SECONDS))
        try:
            await self._traffic.beat(self._minutes)
            self._minutes.clear()
            # What was counted while the store was away needs a moment to arrive as well.
            if self._answered:
                await self.learn(now)
            self._answered = True
        except AdserverError as error:
            if self._answered:
                log.warning("learning_failed", error=str(error))
            self._answered = False

    def _note(self, minute: int) -> None:
        self._minutes[minute] = None
        if len(self._minutes) > MAX_MINUTES:
            del self._minutes[next(iter(self._minutes))]

    async def learn(self, now: float) -> None:
        """Learn the hours that are over. now: UTC seconds."""
        before = await self._traffic.through()
        if now < before + HOUR_SECONDS + SETTLED_SECONDS:
            return
        generation = await self._catalog.generation(await self._catalog.live_number())
        if generation is None:
            return
        scope = Scope.of(generation)
        begins = ripe(before, now, scope.timezone)
        if not begins:
            return
        through = begins[-1] + HOUR_SECONDS
        known, histories = await self._traffic.histories()
        hours = await self._hours(begins, scope, before)
        learnt = await between_requests(learning(histories, hours, scope), lasting=False)
        if known == before and await self._traffic.learn(before, through, learnt):
            log.info("traffic_learnt", hours=len(begins), slots=len(learnt))

    async def _hours(self, begins: list[int], scope: Scope, before: int) -> list[CountedHour]:
        first, end = begins[0], begins[-1] + HOUR_SECONDS
        requests = await self._traffic.requests(scope, first, end)
        counted = [(begin, requests.get(begin, NOTHING)) for begin in begins]
        if not before:
            return hours_found(counted)
        return hours_served(counted, await self._traffic.minutes(first, end))

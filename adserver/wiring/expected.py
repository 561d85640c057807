"""What is expected of the live campaigns, kept in the admin process for whoever scrapes."""

from __future__ import annotations

import time

from adserver.between import between_requests
from adserver.core.bought import ByUnit
from adserver.core.catalog import Generation
from adserver.core.outlook import Outlook, Outlooks
from adserver.core.rates import slots_with_goals
from adserver.core.samples import Sample
from adserver.core.steps import finish
from adserver.core.traffic import Scope
from adserver.store.connect import AsyncClient
from adserver.store.keys import Keys
from adserver.store.samples import StoredSamples
from adserver.store.traffic import StoredLiveTraffic

# Courses change once an hour; what is out of reach changes with the level of the last minutes.
RENEW_SECONDS = 300.0
# Whose a slot's traffic is changes within days.
SAMPLE_SECONDS = 600.0


class Expected:
    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._traffic = StoredLiveTraffic(client, keys)
        self._stored = StoredSamples(client, keys)
        self._samples: dict[int, list[Sample]] = {}
        self._sampled_at = self._made_at = -SAMPLE_SECONDS
        self._outlooks: Outlooks | None = None
        self._live: Generation | None = None

    async def at(self, live: Generation, by_unit: ByUnit, now: float) -> dict[str, Outlook]:
        """By campaign, of those with a goal. live: without what is paused, the same object until
        that changes; now: UTC seconds. StoreUnavailable."""
        numbers = finish(slots_with_goals(live))
        if not numbers:
            return {}
        changed = live is not self._live
        clock = time.monotonic()
        if changed or clock - self._sampled_at > SAMPLE_SECONDS:
            self._samples = {number: await self._stored.samples(number, now) for number in numbers}
            self._sampled_at = clock
        if self._outlooks is None or changed or clock - self._made_at > RENEW_SECONDS:
            traffic = await self._traffic.traffic(Scope.of(live), now)
            self._outlooks = await between_requests(
                Outlooks.compiling(live, traffic, self._samples, now), lasting=False
            )
            self._made_at, self._live = clock, live
        return self._outlooks.at(by_unit, now)

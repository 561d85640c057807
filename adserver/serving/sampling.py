"""A worker's samples of contexts to the store, beside requests."""

from __future__ import annotations

import time
from collections.abc import Callable

from adserver.core.errors import StoreUnavailable
from adserver.core.ports.serving import Samples
from adserver.core.samples import Sampler, samples_a_day
from adserver.serving.live import Live

# What a worker that is killed takes with it: half a minute of samples.
SAMPLING_SECONDS = 30.0


class Sampling:
    """clock: UTC seconds."""

    def __init__(
        self,
        sampler: Sampler,
        samples: Samples,
        live: Live,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._samples = samples
        self._live = live
        self._clock = clock

    async def flush(self) -> None:
        """What the store does not take is kept until the next time; nobody waits for it."""
        served, sampler = self._live.served, self._sampler
        if served is None:
            return
        sampler.most = samples_a_day(len(served.snapshot.places))
        taken = sampler.take(self._clock())
        while taken:
            one = taken.pop()
            try:
                below = await self._samples.add(one, sampler.most)
            except StoreUnavailable:
                for left in (one, *taken):
                    sampler.put_back(left)
                return
            sampler.told(one.slot, one.day, below)

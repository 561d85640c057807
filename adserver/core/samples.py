"""Samples of contexts: what pages and readers a slot has, without remembering any of them.

Every request draws a tag, uniform in [0, 1). Of a slot's requests of one day, those with the
lowest tags are kept: a uniform sample, whoever drew them. So workers and nodes need not know of
one another: each keeps its own lowest, and of all that arrive in the store the lowest are the
sample (bottom-k: Cohen and Kaplan, "Summarizing Data using Bottom-k Sketches", PODC 2007). What
is never lost on the way is the bound: `below` is a tag under which nothing was thrown away.

A day is a stratum: how many requests it had is counted beside its sample, and each sample stands
for its share of them (Horvitz and Thompson, 1952).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from adserver.core.context import Context

DAY_SECONDS = 86_400
# A slot's samples of a day: at least so many once there were as many requests, at most twice.
SAMPLES_A_DAY = 64
# Today's, and those of the seven days before it: 1,024 a slot at most.
DAYS_KEPT = 8
# Of all slots and days together. With more slots than these allow, each has fewer.
MAX_SAMPLES = 200_000
MIN_SAMPLES_A_DAY = 8
# Of one as it is kept; a larger one is kept without its address and its declared keys.
MAX_SAMPLE_BYTES = 1_024


def samples_a_day(slots: int) -> int:
    """How many each of so many slots keeps at least."""
    fair = MAX_SAMPLES // (2 * DAYS_KEPT * max(1, slots))
    return max(MIN_SAMPLES_A_DAY, min(SAMPLES_A_DAY, fair))


class Sample(NamedTuple):
    """A request's context, and for how many requests it stands."""

    context: Context
    weight: float


@dataclass(slots=True)
class Kept:
    """Of one slot, since it was last taken. seen: requests; below: tags from here on are not
    kept, as there are enough lower ones."""

    seen: int = 0
    below: float = 1.0
    samples: dict[float, Context] = field(default_factory=dict)

    def lower(self, most: int) -> None:
        """Keep the `most` lowest."""
        ordered = sorted(self.samples)
        self.below = min(self.below, ordered[most])
        self.samples = {tag: self.samples[tag] for tag in islice(ordered, most)}


class Taken(NamedTuple):
    """What one worker has of a slot and a day (since 1970, of UTC), for the store to merge."""

    slot: int
    day: int
    seen: int
    below: float
    samples: Mapping[float, Context]


class Sampler:
    """One worker's: noting costs a request a look at a number. Told each request's tag."""

    def __init__(self) -> None:
        self.most = SAMPLES_A_DAY
        self._slots: dict[int, Kept] = {}
        self._day = 0

    def note(self, slot: int, context: Context, tag: float) -> None:
        """tag: uniform in [0, 1), drawn for this request alone."""
        kept = self._slots.get(slot)
        if kept is None:
            kept = self._slots[slot] = Kept()
        kept.seen += 1
        if tag < kept.below:
            kept.samples[tag] = context
            if len(kept.samples) > 2 * self.most:
                kept.lower(self.most)

    def take(self, now: float) -> list[Taken]:
        """All that there is, for the day that it was begun on; from now on (UTC seconds) it is
        the next one's, if that has come."""
        taken = [
            Taken(slot, self._day, kept.seen, kept.below, kept.samples)
            for slot, kept in self._slots.items()
            if kept.seen
        ]
        day = int(now // DAY_SECONDS)
        if day != self._day:
            self._day = day
            self._slots.clear()
        for kept in self._slots.values():
            kept.seen, kept.samples = 0, {}
        # What was noted before the first look at the clock is of the day of that look.
        return [one if one.day else one._replace(day=day) for one in taken]

    def put_back(self, taken: Taken) -> None:
        """The store has not got it. What is of a day that is over is let go."""
        if taken.day != self._day:
            return
        kept = self._slots.setdefault(taken.slot, Kept())
        kept.seen += taken.seen
        kept.below = min(kept.below, taken.below)
        joined = {**taken.samples, **kept.samples}
        kept.samples = {tag: one for tag, one in joined.items() if tag < kept.below}
        if len(kept.samples) > 2 * self.most:
            kept.lower(self.most)

    def told(self, slot: int, day: int, below: float) -> None:
        """The store has enough samples of that slot and day below this tag."""
        kept = self._slots.get(slot)
        if kept is not None and day == self._day:
            kept.below = min(kept.below, below)
            kept.samples = {tag: one for tag, one in kept.samples.items() if tag < below}

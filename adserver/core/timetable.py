"""Which campaigns may run now, kept up to date at the instants at which that changes."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from adserver.core.catalog import Campaign
from adserver.core.flights import next_change, standing
from adserver.core.reasons import REACH, Reason
from adserver.core.steps import ITEMS_PER_STEP, Steps, finish

NEVER = float("inf")


class Timetable:
    """Of the campaigns of one tier in one slot, in the order of their bits.

    may_run: the bits of those that may, as of the last `advance`.
    """

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self._campaigns = campaigns
        self._reasons: list[Reason | None] = [None] * len(campaigns)
        self._due: list[tuple[float, int]] = [(-NEVER, n) for n in range(len(campaigns))]
        self._how_many: dict[Reason, int] = {}
        self._room = bytearray(len(campaigns) // 8 + 1)
        self.may_run = 0

    @property
    def good_until(self) -> float:
        """UTC seconds; -inf before the first `advance`."""
        return self._due[0][0] if self._due else NEVER

    def advance(self, now: float) -> None:
        """now: UTC seconds, not before the last time."""
        finish(self.advancing(now))

    def advancing(self, now: float) -> Steps[None]:
        looked = 0
        while self._due and self._due[0][0] <= now:
            _, position = heappop(self._due)
            self._look(position, now)
            looked += 1
            if looked % ITEMS_PER_STEP == 0:
                yield
        if looked:
            self.may_run = int.from_bytes(self._room, "little")

    def restart(self) -> None:
        """The clock was set back: nothing that was found is known to hold."""
        self._due = [(-NEVER, n) for n in range(len(self._campaigns))]

    def _look(self, position: int, now: float) -> None:
        campaign, before = self._campaigns[position], self._reasons[position]
        reason = self._reasons[position] = standing(campaign, now)
        if before is not None:
            self._how_many[before] -= 1
        if reason is None:
            self._room[position >> 3] |= 1 << (position & 7)
        else:
            self._room[position >> 3] &= ~(1 << (position & 7))
            self._how_many[reason] = self._how_many.get(reason, 0) + 1
        if (moment := next_change(campaign, now)) < NEVER:
            heappush(self._due, (moment, position))

    @property
    def furthest(self) -> Reason:
        """The furthest reason of those that may not run; `no_campaign` where all may."""
        there = (reason for reason, many in self._how_many.items() if many)
        return max(there, key=REACH.__getitem__, default=Reason.NO_CAMPAIGN)

"""Which campaigns may run now, kept up to date at the instants at which that changes."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from heapq import heappop, heappush

from adserver.core.catalog import Campaign
from adserver.core.flights import next_change, standing
from adserver.core.reasons import REACH, Reason
from adserver.core.steps import ITEMS_PER_STEP, Steps, finish, in_steps

NEVER = float("inf")
# Half a microsecond each; who pauses waits for the requests between two steps.
CHANGES_A_STEP = 1_000
# Of who has not been looked at yet.
UNKNOWN = Reason.NO_CAMPAIGN
# A byte for each campaign: which of these keeps it from running, or nothing does.
CODES: tuple[Reason | None, ...] = (None, *Reason)
CODE_OF = {reason: code for code, reason in enumerate(CODES)}
RUNS, PAUSED = CODE_OF[None], CODE_OF[Reason.PAUSED]
# What a pause comes before: the other reasons are there whoever pauses.
WEAKER = (RUNS, CODE_OF[Reason.OFF_HOURS])


class Timetable:
    """Of the campaigns of one tier in one slot, in the order of their bits.

    may_run: the bits of those that may, as of the last `advance` or `stopping`.
    """

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self._campaigns = campaigns
        # By file, flight and hours alone, and with the pauses.
        self._own = bytearray([CODE_OF[UNKNOWN]]) * len(campaigns)
        self._reasons = bytearray([RUNS]) * len(campaigns)
        self._stopped: frozenset[int] = frozenset()
        self._all_stopped = False
        # Who is looked at again, by the instant: flights of thousands end on the same few days.
        self._due: dict[float, array[int]] = {}
        self._moments: list[float] = []
        self._how_many = [0] * len(CODES)
        self._how_many[RUNS] = len(campaigns)
        self._room = bytearray(len(campaigns) // 8 + 1)
        self.may_run = 0
        self.restart()

    @property
    def good_until(self) -> float:
        """UTC seconds; -inf before the first `advance`."""
        return self._moments[0] if self._moments else NEVER

    def advance(self, now: float) -> None:
        """now: UTC seconds, not before the last time."""
        finish(self.advancing(now))

    def advancing(self, now: float) -> Steps[None]:
        looked = 0
        while self._moments and (first := self._moments[0]) <= now:
            # Whole between two steps, as a request may advance it in between.
            positions = self._due[first]
            position = positions.pop()
            if not positions:
                del self._due[heappop(self._moments)]
            self._look(position, now)
            looked += 1
            if looked % ITEMS_PER_STEP == 0:
                yield
        if looked:
            self._settle()

    def restart(self) -> None:
        """The clock was set back: nothing that was found is known to hold."""
        everybody = array("I", range(len(self._campaigns)))
        self._due = {-NEVER: everybody} if everybody else {}
        self._moments = list(self._due)

    def stopping(self, positions: Collection[int]) -> Steps[None]:
        """From now on these are paused, and no others. Each changes by itself: who looks in
        between finds some of them as they were."""
        self._all_stopped = False
        before, self._stopped = self._stopped, frozenset(positions)
        for position, ends in in_steps(before ^ self._stopped, CHANGES_A_STEP):
            if CODES[self._own[position]] is not UNKNOWN:
                self._note(position)
            if ends:
                yield
        self._settle()

    def stop_all(self) -> None:
        """From now on all are paused. At once, however many they are."""
        self._all_stopped = True
        self._settle()

    def _look(self, position: int, now: float) -> None:
        campaign = self._campaigns[position]
        self._own[position] = CODE_OF[standing(campaign, now)]
        self._note(position)
        if (moment := next_change(campaign, now)) < NEVER:
            if moment not in self._due:
                self._due[moment] = array("I")
                heappush(self._moments, moment)
            self._due[moment].append(position)

    def _note(self, position: int) -> None:
        before, reason = self._reasons[position], self._own[position]
        if reason in WEAKER and position in self._stopped:
            reason = PAUSED
        self._reasons[position] = reason
        self._how_many[before] -= 1
        self._how_many[reason] += 1
        if reason == RUNS:
            self._room[position >> 3] |= 1 << (position & 7)
        else:
            self._room[position >> 3] &= ~(1 << (position & 7))

    def _settle(self) -> None:
        self.may_run = 0 if self._all_stopped else int.from_bytes(self._room, "little")

    @property
    def furthest(self) -> Reason:
        """The furthest reason of those that may not run; `no_campaign` where all may."""
        counted = zip(CODES, self._how_many, strict=True)
        there = {reason for reason, many in counted if many and reason is not None}
        if self._all_stopped and (self._how_many[RUNS] or Reason.OFF_HOURS in there):
            there = (there - {Reason.OFF_HOURS}) | {Reason.PAUSED}
        return max(there, key=REACH.__getitem__, default=Reason.NO_CAMPAIGN)

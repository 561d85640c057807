"""Leases: why no goal, `max_per_day` or `max_total` is ever exceeded, by any number of workers.

What a campaign may still deliver is its *room*, one for each impression (or click). The store alone
counts, and counts only what has room. So that this is no surprise to anybody, room is reserved
before an ad is served:

- A worker leases room, beside requests: some for what it serves in the next seconds where the
  limit is far, little where it is near. The store never leases more than is free: the limit, less
  what is counted, less what is reserved already.
- A served ad takes one of it; its ticket says when that lapses. A beacon that comes in time is
  accepted, and its room is turned into a count. One that comes later takes room of whoever meets
  it; where there is none it is not counted (`lapsed`).
- Room that lapses is free again: ten minutes after it was served where the limit is far, so that
  slow readers are counted. Where it is near, after 45 seconds, so that the limit is reached soon,
  or after as long as it takes this campaign's readers to come, but for the last few of a hundred:
  served to others, the room of those who are only late would be gone when they come (`patience`).
- What lapses when is told by the store's clock, of which each worker has an estimate that is never
  behind (`core.store_clock`). An event that was accepted in time may reach the store later, when
  its journal does: so room is taken back only when every journal has been shipped beyond its end.

Rooms that lapse at one instant are interchangeable, so the store keeps one number for each instant,
and events say the instant. All of this is decided in `lease.lua` and `count.lua`; here is what a
worker keeps in mind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, exp
from typing import NamedTuple

from adserver.core.goals import Limits, Unit
from adserver.core.reasons import Reason

# Python looks a member up each time that its class is asked for it.
IMPRESSIONS = Unit.IMPRESSIONS
# A lease is for what is served in so long a time at the present rate.
LEASE_SECONDS = 3.0
# Half-life of that rate's average.
RATE_SECONDS = 10.0
# At least so many, so that a page's visitors who come at once find some; the store leases no more
# than half of a worker's part of what is free.
LEAST_LEASED = 8
MOST_LEASED = 10_000
NEAR_PARTS = 4
# When there was nothing to lease, or nothing is needed: looked again after so long.
RETRY_SECONDS = 1.0
RENEW_SECONDS = 30.0
MOST_DOUBLED = 5
# The share of its readers that a campaign waits for near its limit, and how far each moves what is
# known of that: some fifty who come late make ten minutes of 45 seconds.
AWAITED = 0.97
STEP = 0.05
SHORTEST_PATIENCE_SECONDS, LONGEST_PATIENCE_SECONDS = 45.0, 600.0
LATER = exp(STEP * AWAITED)
SOONER = exp(STEP * (AWAITED - 1))


class Grant(NamedTuple):
    """The store's answer: how much room is leased, and what is left for all.

    until: when it lapses; serve_until: when it is served no more (the store's UTC seconds).
    free, free_today: room that nobody has reserved, None without that limit. shown: impressions,
    whatever the unit is.
    """

    granted: int
    until: int
    serve_until: int
    free: int | None
    free_today: int | None
    delivered: int
    reserved: int
    shown: int = 0


class Lease(NamedTuple):
    """So much of a campaign's room, not yet served."""

    until: int
    serve_until: int
    left: int


class Ask(NamedTuple):
    """wanted: room; rate: taken a second; back: what is not served, as (until, how many);
    patience: seconds in which readers come."""

    wanted: int
    rate: float
    back: tuple[tuple[int, int], ...]
    patience: float


@dataclass(slots=True, eq=False)
class Room:
    """What one worker has leased of one campaign. Times are the store's UTC seconds.

    left: served at most so often until the next answer. delivered, reserved, shown: by all workers,
    as of the last answer. patience: seconds in which `AWAITED` of those readers come who do.
    low_mark: where `left` is no more than that, it is `low`.
    """

    campaign: int
    limits: Limits
    left: int = 0
    delivered: int = 0
    reserved: int = 0
    shown: int = 0
    free: int | None = None
    free_today: int | None = None
    asked_at: float = float("-inf")
    patience: float = SHORTEST_PATIENCE_SECONDS
    low_mark: int = 0
    _rate: float = 0.0
    _taken: int = 0
    _unused: int = 0
    _unanswered: int = 2  # as good as away, until it has answered once
    # The first lease as numbers, as a worker has one of each of fifty thousand campaigns, new ones
    # every half a minute; those behind it are few.
    _first: int = 0
    _until: int = 0
    _serve_until: int = 0
    _more: tuple[Lease, ...] = ()

    def __post_init__(self) -> None:
        self._know_low()

    def sold_as(self, limits: Limits) -> None:
        """From now on with these limits, of which the store is to hear at once."""
        self.limits, self.asked_at = limits, float("-inf")
        self._know_low()

    def take(self, now: float) -> int:
        """Reserve one; when it lapses, 0 if none is left after all.

        What has lapsed meanwhile, as where a worker stood still, is nobody's any more.
        """
        while self._first:
            until = self._until
            if until > now:
                self._first -= 1
                self.left -= 1
                self._taken += 1
                self._unused = 0
                if not self._first:
                    self._next()
                return until
            self.left -= self._first
            self._next()
        return 0

    @property
    def leases(self) -> tuple[Lease, ...]:
        """As they are served."""
        first = Lease(self._until, self._serve_until, self._first)
        return (first, *self._more) if self._first else ()

    def _next(self) -> None:
        """The first lease is over."""
        self._first = 0
        if self._more:
            (self._until, self._serve_until, self._first), *more = self._more
            self._more = tuple(more)

    def seen(self, after: float) -> None:
        """A reader has come, so many seconds after the ad was served.

        A quantile by stochastic approximation (Robbins and Monro, 1951), of the logarithm: at
        rest where one in 1 / (1 - AWAITED) comes later.
        """
        moved = self.patience * (LATER if after > self.patience else SOONER)
        self.patience = min(max(moved, SHORTEST_PATIENCE_SECONDS), LONGEST_PATIENCE_SECONDS)

    @property
    def today(self) -> int:
        """Delivered or reserved of a daily limit; 0 without one."""
        return 0 if self.free_today is None else self.limits.a_day - self.free_today

    @property
    def reserves(self) -> bool:
        """Whether an ad that is served takes room. Clicks are too rare for that: a click does."""
        return self.limits.unit is IMPRESSIONS

    def refuses(self, times: int) -> Reason | None:
        """Why none may be served, where so many are about to be; None if it may."""
        if self.left > times:
            return None
        return self.reason if self.reserves or self.nothing_free else None

    @property
    def low(self) -> bool:
        """Whether to ask at once, before nothing is left."""
        return self.left <= self.low_mark

    def _know_low(self) -> int:
        """Of which target."""
        # Not found out for each ad that is served, but when what it is made of changes.
        target = self._target
        self.low_mark = min(target - 1, target // 2)
        return target

    @property
    def _target(self) -> int:
        wanted = min(MOST_LEASED, max(LEAST_LEASED, ceil(self._rate * LEASE_SECONDS)))
        free = [one for one in (self.free, self.free_today) if one is not None]
        if not free and not self.reserves:  # not known yet, and no more than all of it
            free = [one for one in (self.limits.ever, self.limits.a_day) if one]
        # Near a limit nobody is to have in hand what others wait for.
        near = min([wanted, *(max(1, one // NEAR_PARTS) for one in free)])
        if self.reserves:
            return near
        # Clicks come so rarely that the last of them are counted by the store, without a lease.
        return near if near >= LEAST_LEASED else 0

    @property
    def nothing_free(self) -> bool:
        return self.free == 0 or self.free_today == 0

    @property
    def reason(self) -> Reason:
        """Why there is no room, where none is left."""
        if self.free == 0:
            return Reason.GOAL_MET
        if self.free_today == 0:
            return Reason.DAY_FULL
        # One call may be under way; where a second was needed, the first has not been answered.
        return Reason.PACED if self._unanswered <= 1 else Reason.STORE_UNAVAILABLE

    @property
    def met(self) -> bool:
        """Whether all that there ever is has been delivered."""
        return 0 < self.limits.ever <= self.delivered

    @property
    def due_at(self) -> float:
        """When to ask the store: for room, to give some back, or to hear how it stands."""
        return self.due(RENEW_SECONDS)

    def due(self, renew: float) -> float:
        """The same, where it is to be heard after so many seconds how it stands."""
        # What is reserved may come back at any time; what is counted never does.
        wants = self.low and (self.reserved or not self.nothing_free)
        waits = self._pause if wants else renew
        first = self._serve_until if self._first else float("inf")
        return min(first, self.asked_at + waits)

    @property
    def _pause(self) -> float:
        """Seconds between two calls. The last room is for those who have readers: who had no use
        for some waits longer, each time."""
        scarce = self._target < LEAST_LEASED
        if not (self.nothing_free or (self._unused and scarce)):
            return 0.0
        return min(RENEW_SECONDS, RETRY_SECONDS * 2.0 ** min(self._unused, MOST_DOUBLED))

    def ask(self, now: float) -> Ask:
        """What to ask for; what is given back is gone, whatever becomes of the call."""
        since = now - self.asked_at
        if 0 < since < float("inf"):
            kept = 0.5 ** (since / RATE_SECONDS)
            self._rate = self._rate * kept + self._taken / since * (1 - kept)
        self.asked_at, self._taken = now, 0
        target = self._know_low()
        self._unanswered += 1
        back = []
        while self._first and self._serve_until <= now:
            self.left -= self._first
            back.append((self._until, self._first))
            self._next()
        self._unused += bool(back)
        # Not with the call that gives the last room back: others ask in the next second.
        wanted = 0 if back and self.nothing_free else max(0, target - self.left)
        return Ask(wanted, self._rate, tuple(back), self.patience)

    def leave(self) -> Ask:
        """Give everything back."""
        back = tuple((lease.until, lease.left) for lease in self.leases)
        self._first, self._more, self.left = 0, (), 0
        return Ask(0, 0.0, back, self.patience)

    def granted(self, grant: Grant) -> None:
        self._unanswered = 0
        self.delivered, self.reserved = grant.delivered, grant.reserved
        self.shown = grant.shown
        self.free, self.free_today = grant.free, grant.free_today
        self._know_low()
        if grant.granted > 0:
            self.left += grant.granted
            if not self._first:
                self._first, self._until = grant.granted, grant.until
                self._serve_until = grant.serve_until
            else:
                more = Lease(grant.until, grant.serve_until, grant.granted)
                self._more = (*self._more, more)


NO_ROOMS: Mapping[str, Room] = {}

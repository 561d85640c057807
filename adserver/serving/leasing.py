"""Room of campaigns with limits: leased beside requests, so that no request waits for it.

`core.leases` tells what room is. A round asks the store for all that is due, of each shard in a few
calls: at once when a campaign's room runs low, and every second to renew, to give back and to say
how far the worker's journals are in the store.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import structlog

from adserver.between import between_requests
from adserver.core.catalog import Campaign, Generation, State
from adserver.core.days import day_around
from adserver.core.errors import StoreUnavailable
from adserver.core.flights import ended
from adserver.core.goals import Limits, limits_of
from adserver.core.hour import HOUR_SECONDS, hour_at
from adserver.core.leases import RENEW_SECONDS, Room
from adserver.core.numbered import Own, numbers_of
from adserver.core.ports.serving import Leases, Spoken, Wanted
from adserver.core.shards import shard_of_campaign
from adserver.core.steps import Steps, in_steps
from adserver.core.store_clock import StoreClock
from adserver.serving.store_watch import StoreWatch

log = structlog.get_logger(__name__)

ROUND_SECONDS = 1.0
SPEAK_SECONDS = 0.9
# Between two rounds: what runs low meanwhile is asked for in one call, and not in one each.
APART_SECONDS = 0.02
# Asked for the first time in one round; the rest is the next one's.
MAX_ASKED = 1_000
PER_CALL = 50  # some 20 us of the store's time each
# Of room that is there: where there is very much of it, it is heard less often how it stands, so
# that this takes a worker no more than some 4 % of its time. What is unused is given back in time.
RENEWED_A_SECOND = 1_000
# A flight that is about to begin.
EARLY_SECONDS = 60.0
DELAY_SECONDS = 0.2
# What a generation waits for its room before it is served.
FIRST_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Limited:
    """A campaign with limits, as it is sold, and this worker's room of it.

    numbers: those of all creatives that it has and had behind its own. waits: whether it is looked
    at again by itself.
    """

    room: Room
    campaign: Campaign
    numbers: Own
    waits: bool = True

    def runs(self, now: float) -> bool:
        flight = self.campaign.flight
        early = flight.since is not None and now < flight.since - EARLY_SECONDS
        return not early and not ended(flight, now)


class Leasing:
    """One worker's.

    spoken: what it says of its journals, by shard. clock: told what the store says of its own.
    rooms: by the campaign's name; by_number: by its number. workers: how many lease, all together.
    """

    def __init__(
        self,
        leases: Leases,
        watch: StoreWatch,
        spoken: Callable[[int], Sequence[Spoken]],
        clock: StoreClock,
    ) -> None:
        self._leases = leases
        self._watch = watch
        self._spoken = spoken
        self._clock = clock
        self._held: dict[int, Limited] = {}
        self._gone: list[Limited] = []
        self._rooms_before: Mapping[str, Room] = {}
        self._low: dict[int, Limited] = {}
        self._wake = asyncio.Event()
        self._generation = 0
        self._site_zone = "UTC"
        self._days: dict[str, tuple[int, int]] = {}
        # By when they are due; each campaign that waits, once.
        self._waiting: list[tuple[float, int]] = []
        self._homes: frozenset[int] = frozenset()
        self._spoke_at = float("-inf")
        self.rooms: Mapping[str, Room] = {}
        self.by_number: Mapping[int, Room] = {}
        self.workers = 1

    @property
    def shards(self) -> int:
        return self._leases.shards

    def now(self) -> float:
        """The store's clock: UTC seconds, or a little later, and never earlier than before."""
        return self._clock.at(time.monotonic())

    def take(self, room: Room, now: float) -> int:
        """Reserve one; when it lapses, 0 if none is left. now: the store's clock."""
        until = room.take(now)
        if room.left <= room.low_mark and room.campaign not in self._low:  # `low`, without a call
            self.hurry(room)
        return until

    def hurry(self, room: Room) -> None:
        """Ask for more as soon as this request is answered, where it is time to ask again."""
        held = self._held.get(room.campaign)
        if held is not None and room.campaign not in self._low and room.due_at <= self.now():
            self._low[room.campaign] = held
            self._wake.set()

    async def follow(self, generation: Generation) -> None:
        """Lease what this generation needs, and wait for the first of it, not for long."""
        self._gone += await between_requests(self._following(generation))
        if self._held:
            try:
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._round(list(self._due()))
            except (StoreUnavailable, TimeoutError) as error:
                log.warning("leases_late", error=str(error))
        held = {held.campaign.name: held.room for held in self._held.values()}
        # The generation before is served until its successor is: whom that has no more is left
        # without room, and not without a limit.
        self.rooms = {**self._rooms_before, **held}
        self.by_number = {number: held.room for number, held in self._held.items()}

    def _following(self, generation: Generation) -> Steps[list[Limited]]:
        before, now = self._held, self.now()
        rooms_before = {held.campaign.name: held.room for held in before.values()}
        kept: dict[int, Limited] = {}
        catalog, numbers = generation.catalog, numbers_of(generation)
        known: dict[Limits, Limits] = {}
        for campaign, ends in in_steps(catalog.campaigns):
            limits = limits_of(campaign)
            if limits is None:
                rooms_before.pop(campaign.name, None)
            # One that is paused serves nothing, and what was served of it needs room to count.
            elif campaign.state is not State.DRAFT and not ended(campaign.flight, now):
                number = numbers.own[campaign.name][0]
                limits = known.setdefault(limits, limits)  # many are sold alike
                room = before[number].room if number in before else Room(number, limits)
                if room.limits != limits:
                    room.sold_as(limits)
                kept[number] = Limited(room, campaign, numbers.ever(campaign.name))
            if ends:
                yield
        self._held, self._generation = kept, generation.number
        self._rooms_before = rooms_before
        # In any order this is a heap, as all are due at once.
        self._waiting = [(float("-inf"), number) for number in kept]
        self._homes = frozenset(shard_of_campaign(number, self.shards) for number in kept)
        self._site_zone = catalog.site.timezone
        return [held for number, held in before.items() if number not in kept]

    async def run(self) -> None:
        """Round after round, until it is cancelled."""
        delay = DELAY_SECONDS
        while True:
            timer = asyncio.get_running_loop().call_later(ROUND_SECONDS, self._wake.set)
            await self._wake.wait()
            timer.cancel()
            self._wake.clear()
            try:
                await self._round(list(self._due()))
                delay = DELAY_SECONDS
            except StoreUnavailable as error:
                self._watch.failed("lease", error, "lease")
                await asyncio.sleep(delay)
                delay = min(2 * delay, ROUND_SECONDS)
            await asyncio.sleep(APART_SECONDS)

    def _due(self) -> Iterator[Limited]:
        """What has run low, whatever else is due, and what is to be given back."""
        now = self.now()
        low, self._low = self._low, {}
        yield from (held for held in low.values() if held.room.due_at <= now)
        gone, self._gone = self._gone, []
        yield from gone
        found = 0
        while self._waiting and self._waiting[0][0] <= now:
            if found >= self._most(self._waiting[0][0]):
                self._wake.set()
                return
            _, number = heappop(self._waiting)
            held = self._held[number]
            held.waits = False
            if number in low or not held.runs(now) or held.room.due(self._renew) > now:
                self._wait(held)
            else:
                found += 1
                yield held

    @property
    def _renew(self) -> float:
        """Seconds after which to hear how room stands of which nothing is needed."""
        return max(RENEW_SECONDS, len(self._held) / RENEWED_A_SECOND)

    def _most(self, due: float) -> int:
        """Room that is there is renewed a call at a time: fifty thousand at once delay readers."""
        return MAX_ASKED if due < 0 else PER_CALL * max(1, len(self._homes))

    def _wait(self, held: Limited) -> None:
        """Look at it again when it is due."""
        now, number = self.now(), held.room.campaign
        if self._held.get(number) is held:
            later = held.room.due(self._renew) if held.runs(now) else now + EARLY_SECONDS / 2
            heappush(self._waiting, (max(later, now + ROUND_SECONDS / 2), number))
            held.waits = True

    async def _round(self, due: Sequence[Limited]) -> None:
        """Ask for all of these, and once a second speak to every shard that has campaigns of ours.
        StoreUnavailable if one does not answer."""
        begun = time.monotonic()
        speak = begun - self._spoke_at >= SPEAK_SECONDS
        try:
            if not self._clock.told:
                await self._hear()
            for shard, some in self._by_shard(due, self._homes if speak else ()):
                for first in range(0, max(len(some), 1), PER_CALL):
                    part = some[first : first + PER_CALL]
                    await self._ask(shard, part, speak=speak and first == 0)
        finally:
            for held in due:
                if not held.waits:
                    self._wait(held)
        if speak:
            self._spoke_at = begun
        self._watch.answered("lease")

    async def _hear(self) -> None:
        """The time, before room is asked for: by a guess that was ahead, nothing would be due
        again until the store's clock is there too."""
        asked = time.monotonic()
        told = await self._leases.ask(min(self._homes, default=0), (), ())
        self._clock.heard(asked, told.now)
        self._waiting = [
            (float("-inf"), number) for number, held in self._held.items() if held.waits
        ]

    def _by_shard(
        self, due: Iterable[Limited], homes: Iterable[int]
    ) -> list[tuple[int, list[Limited]]]:
        shards: dict[int, list[Limited]] = {shard: [] for shard in homes}
        for held in due:
            shard = shard_of_campaign(held.room.campaign, self.shards)
            shards.setdefault(shard, []).append(held)
        return sorted(shards.items())

    async def _ask(self, shard: int, some: Sequence[Limited], *, speak: bool) -> None:
        now = self.now()
        wanted = [self._wanted(held, now) for held in some]
        spoken = self._spoken(shard) if speak else ()
        asked = time.monotonic()
        granted = await self._leases.ask(shard, wanted, spoken)
        self._clock.heard(asked, granted.now)
        self.workers = granted.workers
        self._watch.measured("lease", asked)
        for held, want, grant in zip(some, wanted, granted.grants, strict=True):
            if grant is not None:
                held.room.granted(grant)
            else:
                await self._leases.begin_day(shard, want, self._hours(want.day, granted.now))
                self.hurry(held.room)

    def _wanted(self, held: Limited, now: float) -> Wanted:
        here = self._held.get(held.room.campaign) is held
        return Wanted(
            held.room.campaign,
            held.numbers[1:],
            self._generation,
            held.room.limits,
            self._day(held.campaign.flight.timezone, now),
            held.room.ask(now) if here else held.room.leave(),
        )

    def _day(self, timezone: str, now: float) -> tuple[int, int]:
        day = self._days.get(timezone)
        if day is None or not day[0] <= now < day[1]:
            # As many as the catalog has zones.
            day = self._days[timezone] = day_around(now, timezone)
        return day

    def _hours(self, day: tuple[int, int], now: float) -> list[str]:
        begins = range(day[0], round(now) + HOUR_SECONDS, HOUR_SECONDS)
        return list({hour_at(min(at, now), self._site_zone).name: None for at in begins})

    async def finish(self) -> None:
        """Give back what is not served; for a worker that ends."""
        self._gone += self._held.values()
        self._held, self.rooms, self.by_number = {}, {}, {}
        self._waiting = []
        await self._round(list(self._due()))

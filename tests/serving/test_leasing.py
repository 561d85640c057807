"""Room is leased beside requests: in time, in turns, and given back when it is not needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from adserver.core.catalog import Campaign, Flight, Generation, Goal, State
from adserver.core.errors import StoreUnavailable
from adserver.core.leases import LEAST_LEASED, RENEW_SECONDS
from adserver.core.ports.serving import Source, Spoken
from adserver.core.reasons import Reason
from adserver.core.shards import shard_of_campaign
from adserver.core.store_clock import StoreClock
from adserver.metrics.meter import Meter
from adserver.serving import leasing as module
from adserver.serving.leasing import EARLY_SECONDS, Leasing
from adserver.serving.store_watch import StoreWatch
from tests.factories import ALWAYS, NOW, ZONE, campaign, catalog, generation, text_creative
from tests.serving.memory import MemoryLeases
from tests.serving.test_worker import eventually


class ToldClock(StoreClock):
    """A store whose clock stands still until it is set."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.now, self.told = NOW, True

    def at(self, monotonic: float) -> float:
        return self.now


@dataclass
class Worker:
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    clock: ToldClock = field(default_factory=ToldClock)
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        watch = StoreWatch(self.meter)
        self.leasing = Leasing(self.leases, watch, self.spoken, self.clock)

    def spoken(self, shard: int) -> Sequence[Spoken]:
        return [Spoken(Source(7, 1), shard, 0.0, done=False)]

    async def round(self) -> list[int]:
        """What is asked for now, by the campaigns' numbers."""
        before = len(self.leases.asked)
        await self.leasing._round(list(self.leasing._due()))
        return [wanted.campaign for wanted in self.leases.asked[before:]]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.leasing.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sold(name: str, **changes: Any) -> Campaign:
    return campaign(name, **{"goal": Goal(impressions=1_000), **changes})


def live(*booked: Campaign, number: int = 1) -> Generation:
    return generation(catalog(*booked), number)


async def test_a_generation_is_served_with_room_for_all_that_has_limits() -> None:
    worker = Worker()
    booked = [
        sold("goal"),
        sold("clicks", goal=Goal(clicks=90)),
        campaign("total", max_total=5),
        campaign("free"),
        sold("draft", state=State.DRAFT),
        sold("paused", state=State.PAUSED),
        sold("over", flight=Flight(None, NOW, ZONE)),
    ]
    await worker.leasing.follow(live(*booked))
    rooms = worker.leasing.rooms
    assert {name: room.left for name, room in rooms.items()} == {
        "goal": LEAST_LEASED,
        "clicks": LEAST_LEASED,
        "total": LEAST_LEASED,
        "paused": LEAST_LEASED,
    }
    assert sorted(worker.leasing.by_number) == [1, 2, 3, 6]
    assert {wanted.generation for wanted in worker.leases.asked} == {1}


async def test_a_campaign_without_limits_has_nobody_ask() -> None:
    worker = Worker()
    await worker.leasing.follow(live(campaign("free")))
    assert (worker.leasing.rooms, worker.leases.asked) == ({}, [])


async def test_while_the_store_is_away_a_generation_is_served_without_room() -> None:
    worker = Worker(MemoryLeases(away=True))
    await worker.leasing.follow(live(sold("a")))
    assert worker.leasing.rooms["a"].refuses(0) is Reason.STORE_UNAVAILABLE
    worker.leases.away = False
    worker.clock.now += 1
    assert await worker.round() == [1]
    assert worker.leasing.rooms["a"].refuses(0) is None


async def test_a_store_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(MemoryLeases):
        async def ask(self, *_: Any) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr(module, "FIRST_SECONDS", 0.01)
    worker = Worker(Silent())
    async with asyncio.timeout(20):
        await worker.leasing.follow(live(sold("a")))
    assert worker.leasing.rooms["a"].left == 0


async def test_room_that_runs_low_is_asked_for_at_once() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a"), sold("b")))
    room = worker.leasing.rooms["a"]
    async with worker.running():
        while not room.low:
            assert len(worker.leases.asked) == 2
            assert worker.leasing.take(room, NOW) == worker.leases.until
        await eventually(lambda: room.left == LEAST_LEASED)
    assert [wanted.campaign for wanted in worker.leases.asked] == [1, 2, 1]


async def test_a_room_of_before_is_no_reason_to_hurry() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a"), sold("b")))
    before = worker.leasing.rooms["a"]
    await worker.leasing.follow(live(sold("a", state=State.DRAFT), sold("b"), number=2))
    worker.leasing.hurry(before)
    assert worker.leasing._low == {}


async def test_without_need_the_store_is_asked_now_and_then() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    worker.clock.now = NOW + RENEW_SECONDS - 1
    assert await worker.round() == []
    worker.clock.now = NOW + RENEW_SECONDS
    assert await worker.round() == [1]


async def test_very_many_are_asked_how_they_stand_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two stand for very many: of two renewed in forty seconds."""
    monkeypatch.setattr(module, "RENEWED_A_SECOND", 2 / 40)
    worker = Worker()
    await worker.leasing.follow(live(sold("a"), sold("b")))
    worker.clock.now = NOW + 39
    assert await worker.round() == []
    worker.clock.now = NOW + 40
    assert await worker.round() == [1, 2]


async def test_rounds_go_on_by_themselves_also_past_a_store_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ROUND_SECONDS", "DELAY_SECONDS"):
        monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(module, "SPEAK_SECONDS", 0.0)
    worker = Worker(MemoryLeases(away=True))
    await worker.leasing.follow(live(sold("a")))
    async with worker.running():
        await eventually(lambda: worker.meter.gauges["store_up"].get(()) == 0)
        worker.leases.away = False
        await eventually(lambda: worker.meter.gauges["store_up"][()] == 1)
        worker.clock.now += 1
        await eventually(lambda: worker.leasing.rooms["a"].left == LEAST_LEASED)
        spoken = len(worker.leases.spoken)
        await eventually(lambda: len(worker.leases.spoken) > spoken)


async def test_a_campaign_that_stays_keeps_its_room() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    room = worker.leasing.rooms["a"]
    await worker.leasing.follow(live(sold("a"), number=2))
    assert worker.leasing.rooms["a"] is room
    assert len(worker.leases.asked) == 1, "it is leased as before"


async def test_new_limits_are_told_to_the_store_at_once() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    more = live(sold("a", goal=Goal(impressions=2_000)), number=2)
    await worker.leasing.follow(more)
    assert [(one.limits.ever, one.generation) for one in worker.leases.asked] == [
        (1_000, 1),
        (2_000, 2),
    ]


async def test_a_campaign_that_is_gone_gives_back_what_it_had() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a"), sold("b")))
    free = worker.leases.free
    draft = live(sold("a", state=State.DRAFT), sold("b"), number=2)
    await worker.leasing.follow(draft)
    assert worker.leases.asked[-1].campaign == 1
    assert worker.leases.asked[-1].ask.back == ((worker.leases.until, LEAST_LEASED),)
    assert worker.leases.free == free + LEAST_LEASED
    assert set(worker.leasing.by_number) == {2}


async def test_until_its_successor_is_served_nobody_of_a_generation_is_without_a_limit() -> None:
    """Room is leased anew before a generation is served, and the one before goes on meanwhile."""
    worker = Worker()
    await worker.leasing.follow(live(sold("gone"), sold("draft"), sold("free"), sold("kept")))
    after = (sold("draft", state=State.DRAFT), campaign("free"), sold("kept"))
    await worker.leasing.follow(live(*after, number=2))
    rooms = worker.leasing.rooms
    assert rooms["gone"].refuses(0) is rooms["draft"].refuses(0) is Reason.PACED
    assert rooms["kept"].refuses(0) is None
    assert "free" not in rooms, "it has no limit any more"
    await worker.leasing.follow(live(*after, number=3))
    assert set(worker.leasing.rooms) == {"kept"}


async def test_what_was_served_of_a_campaign_that_is_paused_needs_room_to_count() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    before = worker.leasing.by_number[1]
    await worker.leasing.follow(live(sold("a", state=State.PAUSED), number=2))
    assert worker.leasing.by_number == {1: before}


async def test_the_last_campaign_gives_back_in_the_next_round() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    await worker.leasing.follow(live(campaign("b"), number=2))
    assert await worker.round() == [1]
    assert await worker.round() == []


async def test_a_worker_that_ends_gives_back_everything() -> None:
    worker = Worker()
    free = worker.leases.free
    await worker.leasing.follow(live(sold("a"), sold("b")))
    await worker.leasing.finish()
    assert worker.leases.free == free
    assert worker.leasing.rooms == worker.leasing.by_number == {}


async def test_a_day_is_begun_with_the_hours_that_it_has_had() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a", max_per_day=100)))
    [begun] = worker.leases.begun
    assert begun.day == (int(NOW) - 10 * 3_600, int(NOW) + 14 * 3_600)
    [hours] = worker.leases.hours
    assert hours[0].startswith("2026-11-02T00")
    assert len(hours) == 11
    assert await worker.round() == [1]
    assert worker.leasing.rooms["a"].left == LEAST_LEASED


async def test_after_midnight_it_is_another_day() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    today = worker.leases.asked[0].day
    worker.clock.now = today[1]
    await worker.round()
    assert worker.leases.asked[-1].day[0] == today[1]


async def test_a_flight_is_not_asked_for_long_before_it_begins() -> None:
    worker = Worker()
    later = sold("a", flight=Flight(NOW + 3_600, NOW + 7_200, ZONE))
    await worker.leasing.follow(live(later))
    assert worker.leases.asked == []
    worker.clock.now = NOW + 3_600 - EARLY_SECONDS
    assert await worker.round() == [1]
    worker.clock.now = NOW + 7_200
    assert await worker.round() == [], "and not when it is over"


async def test_many_campaigns_are_asked_for_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ASKED", 4)
    monkeypatch.setattr(module, "PER_CALL", 3)
    worker = Worker()
    await worker.leasing.follow(live(*(sold(f"c{n}") for n in range(10))))
    assert worker.leases.calls == [(0, 3), (0, 1)]
    rounds = [await worker.round() for _ in range(3)]
    assert sorted(number for asked in rounds for number in asked) == [5, 6, 7, 8, 9, 10]
    assert [len(asked) for asked in rounds] == [4, 2, 0]


async def test_room_that_is_there_is_renewed_a_call_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PER_CALL", 4)
    worker = Worker()
    await worker.leasing.follow(live(*(sold(f"c{n}") for n in range(10))))
    assert worker.leases.calls == [(0, 4), (0, 4), (0, 2)], "the first time all of them"
    worker.clock.now += RENEW_SECONDS
    assert [len(await worker.round()) for _ in range(4)] == [4, 4, 2, 0]


async def calls_for_five(monkeypatch: pytest.MonkeyPatch, apart: float) -> int:
    """How many calls there are for campaigns that run low right after another has."""
    monkeypatch.setattr(module, "APART_SECONDS", apart)
    worker = Worker()
    await worker.leasing.follow(live(*(sold(f"c{n}") for n in range(6))))
    before, rooms = len(worker.leases.calls), list(worker.leasing.rooms.values())
    async with worker.running():
        for number, room in enumerate(rooms, 1):
            while not room.low:
                worker.leasing.take(room, NOW)
            if number == 1 or not apart:
                await eventually(lambda number=number: len(worker.leases.asked) == 6 + number)
        await eventually(lambda: len(worker.leases.asked) == 12)
    return len(worker.leases.calls) - before


async def test_what_runs_low_right_after_another_is_asked_for_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await calls_for_five(monkeypatch, 0.05) == 2


async def test_control_without_a_pause_between_rounds_each_is_asked_for_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await calls_for_five(monkeypatch, 0.0) == 6


async def test_each_shard_is_asked_for_its_own_and_spoken_to_once_a_second() -> None:
    worker = Worker(MemoryLeases(shards=4))
    await worker.leasing.follow(live(*(sold(f"c{n}") for n in range(6))))
    home = [shard_of_campaign(number, 4) for number in range(1, 7)]
    assert worker.leases.calls == [(shard, home.count(shard)) for shard in sorted(set(home))]
    assert [spoken[0].ledger for spoken in worker.leases.spoken] == sorted(set(home))
    worker.clock.now += RENEW_SECONDS
    await worker.round()
    assert len(worker.leases.spoken) == 8
    assert not any(worker.leases.spoken[4:]), "it has just been said"
    worker.leasing._spoke_at = float("-inf")
    worker.leases.calls.clear()
    await worker.round()
    assert worker.leases.calls == [(shard, 0) for shard in sorted(set(home))]


async def test_what_was_not_answered_is_asked_for_again() -> None:
    worker = Worker()
    await worker.leasing.follow(live(sold("a")))
    worker.clock.now = NOW + RENEW_SECONDS
    worker.leases.away = True
    with pytest.raises(StoreUnavailable):
        await worker.round()
    worker.leases.away = False
    worker.clock.now += RENEW_SECONDS
    assert await worker.round() == [1]


async def test_many_campaigns_are_followed_in_small_steps() -> None:
    worker = Worker()
    texts = (text_creative("x"), text_creative("y"))
    booked = [sold(f"c{n:03}", creatives=texts, flight=ALWAYS) for n in range(150)]
    await worker.leasing.follow(live(*booked))
    assert len(worker.leasing.rooms) == 150
    assert worker.leases.asked[0].creatives == (1, 2)


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("wrong", [900.0, -900.0])
async def test_a_worker_that_began_with_a_wrong_clock_leases_by_the_stores(
    wrong: float, away: bool
) -> None:
    """By a clock that was ahead nothing would be due again for a quarter of an hour."""
    leases, clock = MemoryLeases(away=away), StoreClock(NOW + wrong - time.monotonic())
    leasing = Leasing(leases, StoreWatch(Meter()), lambda _: (), clock)
    assert leasing.now() == pytest.approx(NOW + wrong, abs=60)
    await leasing.follow(live(sold("a"), sold("soon", flight=Flight(NOW + 7_200, None, ZONE))))
    leases.away = False
    for _ in range(2):
        await leasing._round(list(leasing._due()))
    assert leasing.now() == pytest.approx(NOW, abs=60)
    assert max(leasing._waiting)[0] < NOW + 120
    room = leasing.rooms["a"]
    while not room.low:
        assert leasing.take(room, leasing.now()) == leases.until
    assert NOW - 60 < room.due_at <= leasing.now()

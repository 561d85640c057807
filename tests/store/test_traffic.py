"""Slots' traffic in the store: written once an hour by one of many, read every few seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from adserver.core.errors import StoreUnavailable
from adserver.core.forecast import DAY_SECONDS, HOUR_SECONDS, History, learn
from adserver.core.hour import hour_at
from adserver.core.traffic import Scope, Traffic
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.traffic import FIELDS_A_CALL, StoredLiveTraffic, StoredTraffic, pack, read
from tests.factories import NOW, ZONE
from tests.store.shipping import Shipper

HOUR = hour_at(NOW, ZONE)
SCOPE = Scope((1, 2), (1, 2), ZONE)


def taught(weeks: float = 1.0) -> History:
    history = History()
    for hour in range(round(weeks * 168)):
        begin = HOUR.begin - (round(weeks * 168) - hour) * HOUR_SECONDS
        history = learn(history, begin, 100 + hour % 24 * 10, ZONE)
    return history


def close_to(history: History) -> Any:
    return pytest.approx(history.numbers(), rel=1e-6, abs=1e-6)


def test_a_history_is_kept_in_bytes() -> None:
    history = taught(3)
    packed = pack(history)
    assert len(packed) == 1_361
    kept = read(packed)
    assert kept is not None
    assert kept.numbers() == close_to(history)
    assert kept.through == history.through


def test_what_another_release_has_written_is_as_good_as_nothing() -> None:
    assert read(b"\x02" + pack(History())[1:]) is None
    assert read(b"another form") is None


async def test_histories_and_what_is_counted_behind_them(
    beside: redis.asyncio.Redis, counts: StoredCounts, store: Any, keys: Keys
) -> None:
    traffic, history = StoredLiveTraffic(beside, keys), taught()
    assert await traffic.learn(0, HOUR.begin, {1: history})
    shipper = Shipper(counts)
    await shipper.tallies(hour_at(NOW - HOUR_SECONDS, ZONE), {("r", 0, 1, 1): 99})
    await shipper.tallies(HOUR, {("r", 0, 1, 0): 1, ("r", 0, 1, 1): 2, ("r", 0, 1, 2): 4})
    await shipper.tallies(HOUR, {("r", 0, 2, 1): 8, ("r", 0, 3, 1): 16, ("s", 1, 1, 1): 32})
    told = await traffic.traffic(SCOPE, NOW + 60)
    assert told.through == told.counted_from == HOUR.begin
    assert told.since == {1: 7, 2: 8}
    assert told.histories.keys() == {1}
    assert told.history(1).numbers() == close_to(history)
    assert StoredTraffic(store, keys).traffic(SCOPE, NOW + 60) == told


async def test_an_empty_store_says_so(beside: redis.asyncio.Redis, store: Any, keys: Keys) -> None:
    told = await StoredLiveTraffic(beside, keys).traffic(SCOPE, NOW)
    assert told == Traffic(counted_from=HOUR.begin - 2 * HOUR_SECONDS)
    assert StoredTraffic(store, keys).traffic(SCOPE, NOW) == told


async def test_what_others_learn_is_read_within_the_next_look(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    reader, writer = StoredLiveTraffic(beside, keys), StoredLiveTraffic(beside, keys)
    await writer.learn(0, HOUR.begin, {1: History(through=HOUR.begin)})
    assert (await reader.traffic(SCOPE, NOW)).histories[1] == History(through=HOUR.begin)
    later = History(through=HOUR.end)
    await writer.learn(HOUR.begin, HOUR.end, {1: later, 2: later})
    assert (await reader.traffic(SCOPE, NOW)).histories == {1: later, 2: later}
    store.hset(keys.traffic, mapping={"1": b"of another release", "#through": HOUR.end + 3_600})
    assert (await reader.traffic(SCOPE, NOW)).histories == {2: later}


async def test_of_many_who_learn_an_hour_one_writes_it(store_url: str, keys: Keys) -> None:
    clients = [async_client(store_url) for _ in range(8)]
    try:
        for before, through in ((0, HOUR.begin), (HOUR.begin, HOUR.end)):
            done = await asyncio.gather(
                *(
                    StoredLiveTraffic(one, keys).learn(
                        before, through, {1: History(recent=number, through=through)}
                    )
                    for number, one in enumerate(clients)
                )
            )
            assert sum(done) == 1
            told = await StoredLiveTraffic(clients[0], keys).traffic(SCOPE, NOW)
            assert told.history(1).recent == done.index(True)
    finally:
        for one in clients:
            await one.aclose()


async def test_requests_are_of_the_hours_asked_for_of_all_shards(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", 3)
    for shard in range(3):
        for back in range(3):
            hour = hour_at(NOW - back * HOUR_SECONDS, ZONE)
            store.zadd(keys.hours(shard), {hour.name: hour.begin})
            store.hset(keys.counts(shard, hour.name), "r:0:1:1", 10**back)
    found = await StoredLiveTraffic(beside, keys).requests(SCOPE, HOUR.begin - 3_600, HOUR.end)
    assert found == {HOUR.begin: {1: 3}, HOUR.begin - 3_600: {1: 30}}


async def test_many_slots_are_asked_for_in_several_calls(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    slots = tuple(range(1, FIELDS_A_CALL + 3))
    store.zadd(keys.hours(0), {HOUR.name: HOUR.begin})
    store.hset(keys.counts(0, HOUR.name), mapping={f"r:0:{slot}:1": slot for slot in slots})
    wide = Scope(slots, (1,), ZONE)
    since = (await StoredLiveTraffic(beside, keys).traffic(wide, NOW)).since
    assert since == {slot: slot for slot in slots}


async def test_minutes_are_noted_each_once_and_do_not_stay(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    traffic, minute = StoredLiveTraffic(beside, keys), int(NOW // 60)
    midnight = (minute // 1_440 + 1) * 1_440
    noted = {minute, minute + 1, midnight, midnight + 1_439}
    for _ in range(2):
        await traffic.beat(noted)
    assert await traffic.minutes(NOW, NOW + DAY_SECONDS) == noted
    assert await traffic.minutes(NOW + DAY_SECONDS, NOW + DAY_SECONDS) == noted - {minute} - {
        minute + 1
    }
    for day in (minute // 1_440, midnight // 1_440):
        assert 34 * DAY_SECONDS < store.ttl(keys.up(day)) <= 35 * DAY_SECONDS
    await traffic.beat([])
    await traffic.close()


async def test_a_store_that_refuses_says_so(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    store.set(keys.traffic, "not a hash")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await StoredLiveTraffic(beside, keys).learn(0, HOUR.begin, {})
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await StoredLiveTraffic(beside, keys).traffic(SCOPE, NOW)

"""Live totals: each look reads what has changed, and never believes a store that came back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from adserver.core.errors import StoreUnavailable
from adserver.core.events import Kind, Metric
from adserver.core.hour import hour_at
from adserver.store import live_totals
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.live_totals import StoredLiveTotals
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipping import Shipper, event
from tests.topology import Cluster, cluster_running

HOUR = hour_at(NOW, ZONE)
SERVED, IMPRESSION, CLICK = Metric.SERVED, Metric.IMPRESSION, Metric.CLICK


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_running() as running:
        yield running


@pytest.fixture
def shipper(counts: StoredCounts) -> Shipper:
    return Shipper(counts)


@pytest.fixture
def totals(beside: redis.asyncio.Redis, keys: Keys) -> StoredLiveTotals:
    return StoredLiveTotals(beside, keys)


@pytest.fixture
def commands(store: Any) -> Iterator[Any]:
    """How often each command has run since, on the whole server."""
    store.config_resetstat()
    return lambda: {
        name.removeprefix("cmdstat_"): int(said["calls"])
        for name, said in store.info("commandstats").items()
    }


async def test_a_look_tells_what_has_changed_since_the_last(
    totals: StoredLiveTotals, shipper: Shipper
) -> None:
    assert await totals.look() == set()
    await shipper.events(HOUR, [event(), event(Kind.CLICK), event(serial=2, creative=9)])
    assert await totals.look() == {1, 9}
    assert totals.delivered == {(IMPRESSION, 1): 1, (CLICK, 1): 1, (IMPRESSION, 9): 1}
    await shipper.tallies(HOUR, {("s", 9, 2, 3): 5, ("r", 0, 2, 3): 7})
    assert await totals.look() == {9}
    assert totals.delivered[SERVED, 9] == 5
    assert await totals.look() == set()


async def test_shards_are_added_up(beside: redis.asyncio.Redis, store: Any) -> None:
    keys = Keys("blog", shards=4)
    shipper = Shipper(StoredCounts(beside, keys, TICKET_LIFE_SECONDS))
    totals = StoredLiveTotals(beside, keys)
    await shipper.events(HOUR, [event(serial=n << 16, creative=1 + n % 2) for n in range(8)])
    assert len(store.keys("blog:*:totals")) == 4
    assert await totals.look() == {1, 2}
    await shipper.events(HOUR, [event(serial=1)])
    assert await totals.look() == {1}
    assert totals.delivered == {(IMPRESSION, 1): 5, (IMPRESSION, 2): 4}


async def test_a_look_at_what_has_not_changed_is_one_get(
    totals: StoredLiveTotals, shipper: Shipper, commands: Any
) -> None:
    await shipper.events(HOUR, [event(serial=n, creative=n) for n in range(1, 200)])
    await totals.look()
    before = commands()
    for _ in range(10):
        await totals.look()
    after = commands()
    assert after["get"] - before["get"] == 10
    assert after["evalsha"] - before["evalsha"] == 10
    for reading in ("zrangebyscore", "hmget"):
        assert after[reading] == before[reading]


async def test_a_look_reads_the_creatives_that_changed_and_no_others(
    totals: StoredLiveTotals, shipper: Shipper, commands: Any
) -> None:
    await shipper.events(HOUR, [event(serial=n, creative=n) for n in range(1, 900)])
    await totals.look()
    await shipper.events(HOUR, [event(serial=5_000, creative=3)])
    before = commands()
    assert await totals.look() == {3}
    assert commands()["hmget"] - before["hmget"] == 1


@pytest.mark.parametrize("changes", [[2_500], [999, 2, 1], [1_000, 1_000], [1, 1_500, 1]])
async def test_more_than_a_call_tells_are_all_told(
    totals: StoredLiveTotals, store: Any, keys: Keys, changes: list[int]
) -> None:
    """The number of creatives of each change, all new ones."""
    assert live_totals.MAX_CREATIVES_PER_CALL == 1_000
    first = 1
    for number, many in enumerate(changes, 1):
        for creative in range(first, first + many):
            store.zadd(keys.changes(0), {str(creative): number})
            store.hset(keys.totals(0), f"i:{creative}", creative)
        store.set(keys.change(0), number)
        first += many
    assert len(await totals.look()) == sum(changes)
    assert totals.delivered == {(IMPRESSION, n): n for n in range(1, first)}


async def test_a_store_that_was_emptied_is_read_anew(
    totals: StoredLiveTotals, shipper: Shipper, counts: StoredCounts, store: Any
) -> None:
    await shipper.events(HOUR, [event(), event(serial=2, creative=9)])
    await shipper.events(HOUR, [event(serial=3)])
    await totals.look()
    store.flushall()
    await Shipper(counts, epoch=2).events(HOUR, [event(serial=4, creative=5)])
    assert await totals.look() == {1, 5, 9}
    assert {key: n for key, n in totals.delivered.items() if n} == {(IMPRESSION, 5): 1}
    store.flushall()
    assert await totals.look() == {5}


async def test_a_store_that_was_rolled_back_and_came_as_far_again_is_read_anew(
    totals: StoredLiveTotals, shipper: Shipper, counts: StoredCounts, store: Any
) -> None:
    """A restart lost the last change, and another took its number before we looked."""
    await shipper.events(HOUR, [event()])
    await shipper.events(HOUR, [event(serial=2, creative=9)])
    await totals.look()
    store.flushall()
    fresh = Shipper(counts, epoch=2)
    await fresh.events(HOUR, [event()])
    await fresh.events(HOUR, [event(serial=3, creative=5)])
    store.client_kill_filter(_type="normal", skipme=True)
    with suppress(StoreUnavailable):  # where the news has not reached us yet
        await totals.look()
    await totals.look()
    assert {key: n for key, n in totals.delivered.items() if n} == {
        (IMPRESSION, 1): 1,
        (IMPRESSION, 5): 1,
    }


async def test_over_the_same_connection_the_same_number_is_the_same_store(
    totals: StoredLiveTotals, shipper: Shipper, counts: StoredCounts, store: Any
) -> None:
    """The control of the test above: without the new connection nothing would be noticed."""
    await shipper.events(HOUR, [event()])
    await totals.look()
    store.flushall()
    await Shipper(counts, epoch=2).events(HOUR, [event(creative=5)])
    assert await totals.look() == set()
    assert totals.delivered == {(IMPRESSION, 1): 1}


async def test_a_shard_that_fails_hides_no_change_of_another(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", shards=2)
    shipper = Shipper(StoredCounts(beside, keys, TICKET_LIFE_SECONDS))
    totals = StoredLiveTotals(beside, keys)
    await shipper.events(HOUR, [event(serial=0, creative=1), event(serial=1 << 16, creative=2)])
    kept = store.get(keys.change(1))
    store.delete(keys.change(1))
    store.hset(keys.change(1), "not", "a number")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await totals.look()
    store.delete(keys.change(1))
    store.set(keys.change(1), kept)
    assert await totals.look() == {1, 2}


async def test_a_store_that_is_away_is_told_and_read_when_it_is_back(
    totals: StoredLiveTotals, shipper: Shipper, store: Any
) -> None:
    await shipper.events(HOUR, [event()])
    await totals.look()
    store.client_pause(60_000, all=False)
    with pytest.raises(StoreUnavailable):
        await totals.look()
    assert totals.delivered == {(IMPRESSION, 1): 1}
    store.client_unpause()
    assert await totals.look() == set()


async def test_looks_of_many_are_one_after_the_other(
    totals: StoredLiveTotals, shipper: Shipper
) -> None:
    await shipper.events(HOUR, [event(serial=n, creative=n) for n in range(1, 50)])
    told = await asyncio.gather(*(totals.look() for _ in range(20)))
    assert sorted(map(len, told)) == [0] * 19 + [49]


CHANGES = st.lists(
    st.one_of(
        st.lists(st.integers(1, 6), min_size=1, max_size=4),
        st.sampled_from(["look", "forget", "cut"]),
    ),
    max_size=20,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
async def test_whatever_happens_a_look_agrees_with_the_store(
    beside: redis.asyncio.Redis, counts: StoredCounts, store: Any, keys: Keys, changes: list[Any]
) -> None:
    store.flushall()
    totals = StoredLiveTotals(beside, keys)
    shipper, serial = Shipper(counts), 0
    for change in [*changes, "cut"]:
        if change == "forget":
            store.flushall()
            await totals.close()
            shipper = Shipper(counts)
        elif change == "cut":
            await totals.close()
        elif change == "look":
            await totals.look()
        else:
            serial += len(change)
            await shipper.events(
                HOUR, [event(serial=serial + n, creative=c) for n, c in enumerate(change)]
            )
    await totals.look()
    await totals.close()
    said = {field.decode(): int(n) for field, n in store.hgetall(keys.totals(0)).items()}
    assert said == {f"{m}:{c}": n for (m, c), n in totals.delivered.items() if n}


async def test_on_a_cluster_every_shard_is_looked_at_where_it_is(cluster: Cluster) -> None:
    keys = Keys("blog", CLUSTER_SHARDS)
    async with async_client(cluster.url) as connection:
        shipper = Shipper(StoredCounts(connection, keys, TICKET_LIFE_SECONDS))
        totals = StoredLiveTotals(connection, keys)
        for slot_moves in (False, True):
            serial = 100 if slot_moves else 0
            if slot_moves:
                there = key_slot(keys.totals(3).encode())
                here = cluster.master_of(there)
                cluster.move_slots([there], next(m for m in cluster.masters if m is not here))
            await shipper.events(HOUR, [event(serial=n << 16 | serial) for n in range(32)])
            assert await totals.look() == {1}
            assert await totals.look() == set()
        assert totals.delivered == {(IMPRESSION, 1): 64}
        await totals.close()

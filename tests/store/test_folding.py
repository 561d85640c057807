"""Folding: rows of old hours become rows of their day, each once, whatever comes between."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import redis.asyncio

from adserver.core.errors import StoreUnavailable
from adserver.core.events import Metric, Row
from adserver.core.hour import hour_at
from adserver.store.connect import async_client, client
from adserver.store.folding import DAY_SECONDS, HOURS_KEPT_DAYS, Folded, Folding, kept_from
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.totals import StoredTotals
from tests.factories import NOW, ZONE
from tests.servers import until
from tests.topology import cluster_running

OLD = NOW - 200 * DAY_SECONDS
FOLDER = """
import asyncio, sys
from adserver.store.connect import async_client, client
from adserver.store.folding import Folding
from adserver.store.keys import CLUSTER_SHARDS, Keys

async def main(url, now, zone):
    print("folds", flush=True)
    await Folding(async_client(url), Keys("blog", 2)).run(float(now), zone)

asyncio.run(main(*sys.argv[1:]))
"""


def write(store: Any, keys: Keys, first: float, hours: int, rows: int = 3) -> Counter[Any]:
    """Rows of so many hours, each in its shard; what they come to, by all but the time."""
    wanted: Counter[Any] = Counter()
    pipeline = store.pipeline(transaction=False)
    for n in range(hours):
        hour, shard = hour_at(first + n * 3_600, ZONE), n % keys.shards
        pipeline.zadd(keys.hours(shard), {hour.name: hour.begin})
        for creative in range(1, rows + 1):
            pipeline.hset(keys.counts(shard, hour.name), f"i:{creative}:2:3", n + creative)
            wanted[creative] += n + creative
    pipeline.execute()
    return wanted


def sums(rows: list[Row]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in rows:
        found[row.creative] += row.count
    return found


async def test_hours_older_than_ninety_days_become_days(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    assert HOURS_KEPT_DAYS == 90
    autumn = 1_792_879_200.0  # 25 October 2026, 00:00 in Paris; a day of 25 hours
    wanted = write(store, keys, autumn - 3_600, 27)
    totals = StoredTotals(store, keys)
    day_is_kept = autumn + (HOURS_KEPT_DAYS + 1) * DAY_SECONDS
    assert await Folding(beside, keys).run(day_is_kept, ZONE) == Folded(1, 3)
    assert await Folding(beside, keys).run(day_is_kept + DAY_SECONDS, ZONE) == Folded(25, 75)
    rows = totals.rows(0, NOW * 2)
    assert sums(rows) == wanted
    assert Counter(row.day for row in rows) == {"2026-10-24": 3, "2026-10-25": 3, "": 3}
    [row] = [row for row in rows if row.day == "2026-10-25" and row.creative == 1]
    assert row == Row(int(autumn), Metric.IMPRESSION, "", 1, 2, 3, sum(range(2, 27)), "2026-10-25")
    assert store.zcard(keys.hours(0)) == 1


async def test_days_are_those_that_begin_in_the_window(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    begin = kept_from(OLD, ZONE)
    wanted = write(store, keys, begin, 72)
    await Folding(beside, keys).run(NOW, ZONE)
    totals = StoredTotals(store, keys)
    cut = begin + DAY_SECONDS + 7 * 3_600
    before, after = totals.rows(0, cut), totals.rows(cut, NOW)
    assert {row.day for row in before} & {row.day for row in after} == set()
    assert len({row.day for row in before}) == 2
    assert sums(before) + sums(after) == wanted


async def test_an_hour_that_counts_after_its_day_was_folded_is_added_to_it(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    wanted = write(store, keys, OLD, 1)
    await Folding(beside, keys).run(NOW, ZONE)
    wanted += write(store, keys, OLD, 1)
    assert sums(StoredTotals(store, keys).rows(0, NOW)) == wanted
    await Folding(beside, keys).run(NOW, ZONE)
    assert sums(StoredTotals(store, keys).rows(0, NOW)) == wanted
    assert store.exists(keys.counts(0, hour_at(OLD, ZONE).name)) == 0


async def test_two_nodes_fold_the_same_hours_and_each_counts_once(
    store: Any, store_url: str
) -> None:
    keys = Keys("blog", 2)
    wanted = write(store, keys, OLD, 500)
    clients = [async_client(store_url) for _ in range(4)]
    try:
        done = await asyncio.gather(*(Folding(one, keys).run(NOW, ZONE) for one in clients))
    finally:
        for one in clients:
            await one.aclose()
    assert sum(one.hours for one in done) == 500
    assert sum(one.hours > 0 for one in done) > 1, "they did not meet"
    assert sums(StoredTotals(store, keys).rows(0, NOW)) == wanted


async def test_without_one_call_two_nodes_would_count_hours_twice(
    store: Any, store_url: str
) -> None:
    """The control of the test above: the same in single commands."""
    keys = Keys("blog", 1)
    wanted = write(store, keys, OLD, 200)

    async def fold(one: Any) -> None:
        for name, begin in await one.zrange(keys.hours(0), 0, -1, withscores=True):
            hour = name.decode()
            rows = await one.hgetall(keys.counts(0, hour))
            for row, count in rows.items():
                await one.hincrby(keys.daily(0, hour[:10]), row, int(count))
            await one.zadd(keys.days(0), {hour[:10]: begin})
            await one.unlink(keys.counts(0, hour))

    clients: list[Any] = [async_client(store_url) for _ in range(4)]
    await asyncio.gather(*(fold(one) for one in clients))
    for one in clients:
        await one.aclose()
    assert sums(StoredTotals(store, keys).rows(0, NOW)) != wanted


def test_killed_at_any_point_nothing_is_lost_or_added(store: Any, store_url: str) -> None:
    keys = Keys("blog", 2)
    wanted = write(store, keys, OLD, 400)
    totals, left = StoredTotals(store, keys), 400

    def hours() -> int:
        return sum(store.zcard(keys.hours(shard)) for shard in range(2))

    kills = 0
    while left:
        command = [sys.executable, "-c", FOLDER, store_url, str(NOW), ZONE]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            goal = max(left - 60, 0)
            until(lambda goal=goal: hours() <= goal)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
        kills += 1
        left = hours()
        assert sums(totals.rows(0, NOW)) == wanted
    assert kills >= 2


async def test_a_report_that_meets_folding_has_each_row_once(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", 2)
    totals = StoredTotals(store, keys)
    wanted: Counter[Any] = Counter()
    met = rounds = 0
    while not met:
        rounds += 1
        assert rounds < 20, "no report was made while hours were folded"
        wanted += write(store, keys, OLD - rounds * 20 * DAY_SECONDS, 300)
        folding = asyncio.create_task(Folding(beside, keys).run(NOW, ZONE))
        while not folding.done():
            rows = await asyncio.to_thread(totals.rows, 0, NOW)
            assert sums(rows) == wanted
            met += 0 < sum(not row.day for row in rows) < 900  # some hours of this round are left
        assert await folding == Folded(300, 900)


async def test_a_key_of_another_type_stops_folding_before_it_writes(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    write(store, keys, OLD, 1)
    store.set(keys.days(0), "not a sorted set")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await Folding(beside, keys).run(NOW, ZONE)
    assert store.exists(keys.daily(0, hour_at(OLD, ZONE).name[:10])) == 0
    assert store.hlen(keys.counts(0, hour_at(OLD, ZONE).name)) == 3


async def test_a_store_that_forgot_its_scripts_is_told_them_again(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    write(store, keys, OLD, 2)
    store.script_flush()
    assert await Folding(beside, keys).run(NOW, ZONE) == Folded(2, 6)


async def test_on_a_cluster_each_shard_is_folded_where_it_is() -> None:
    keys = Keys("blog", CLUSTER_SHARDS)
    with cluster_running() as cluster, client(cluster.url) as store:
        wanted = write(store, keys, OLD, 64)
        async with async_client(cluster.url) as connection:
            assert await Folding(connection, keys).run(NOW, ZONE) == Folded(64, 192)
        rows = StoredTotals(store, keys).rows(0, NOW)
        assert all(row.day for row in rows)
        assert sums(rows) == wanted

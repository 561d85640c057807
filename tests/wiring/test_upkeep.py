"""Upkeep: old hours are folded in the zone of the site that is live, and failures are survived."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis
import redis.asyncio

from adserver.core.hour import hour_at
from adserver.core.publication import Content, Entry
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import async_client
from adserver.store.embedded import Embedded
from adserver.store.folding import DAY_SECONDS
from adserver.store.keys import Keys
from adserver.wiring.upkeep import Upkeep
from tests.factories import ZONE, catalog

KEYS = Keys("blog")
TICKET_LIFE = 86_400


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[redis.asyncio.Redis]:
    with Embedded(tmp_path).used(stop_if_last=True) as url:
        async with async_client(url) as connection:
            yield connection


def begin(connection: redis.asyncio.Redis) -> redis.Redis:
    path = connection.connection_pool.connection_kwargs["path"]
    store = redis.Redis(unix_socket_path=path)
    old = hour_at(time.time() - 100 * DAY_SECONDS, ZONE)
    store.zadd(KEYS.hours(0), {old.name: old.begin})
    store.hset(KEYS.counts(0, old.name), "i:1:2:3", 5)
    return store


async def test_old_hours_become_days(beside: redis.asyncio.Redis) -> None:
    with begin(beside) as store:
        StoredCatalogs(store, KEYS).publish(0, catalog(), Content(), Entry("ana"))
        await Upkeep(beside, KEYS, TICKET_LIFE).run()
        assert store.zcard(KEYS.hours(0)) == 0
        [day] = store.zrange(KEYS.days(0), 0, -1)
        assert store.hgetall(KEYS.daily(0, day.decode())) == {b"i:1:2:3": b"5"}


async def test_before_anything_is_live_no_zone_is_known_and_nothing_is_done(
    beside: redis.asyncio.Redis,
) -> None:
    with begin(beside) as store:
        await Upkeep(beside, KEYS, TICKET_LIFE).run()
        assert store.zcard(KEYS.hours(0)) == 1


async def test_what_fails_is_logged_and_not_thrown(
    beside: redis.asyncio.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    with begin(beside) as store:
        store.set(KEYS.live, 1)
        store.lpush(KEYS.generation(1), "not a hash")
        await Upkeep(beside, KEYS, TICKET_LIFE).run()
    assert "upkeep_failed" in capsys.readouterr().out

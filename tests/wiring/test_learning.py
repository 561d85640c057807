"""Learning as admin processes do it: each hour once, and none in which nobody served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from adserver.core.forecast import HOUR_SECONDS
from adserver.core.hour import hour_at
from adserver.core.publication import Content, Entry
from adserver.core.traffic import Scope, Traffic
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import async_client
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from adserver.store.traffic import StoredTraffic
from adserver.wiring import learning
from adserver.wiring.learning import BEAT_SECONDS, Learning
from tests.factories import NOW, ZONE, catalog

KEYS = Keys("blog")
SCOPE = Scope((1,), (1,), ZONE)
FIRST = hour_at(NOW, ZONE).begin


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[redis.asyncio.Redis]:
    with Embedded(tmp_path).used(stop_if_last=True) as url:
        async with async_client(url) as connection:
            yield connection


class Site:
    """Nodes on one store, and a clock that a test moves."""

    def __init__(self, beside: redis.asyncio.Redis, nodes: int = 1) -> None:
        path = beside.connection_pool.connection_kwargs["path"]
        self.store: Any = redis.Redis(unix_socket_path=path)
        self.now = float(FIRST)
        self.serving = True
        self.nodes = [
            Learning(beside, KEYS, lambda: self.serving, lambda: self.now) for _ in range(nodes)
        ]

    def publish(self) -> None:
        StoredCatalogs(self.store, KEYS).publish(0, catalog(), Content(), Entry("ana"))

    def count(self, begin: float, requests: int) -> None:
        hour = hour_at(begin, ZONE)
        self.store.zadd(KEYS.hours(0), {hour.name: hour.begin})
        self.store.hincrby(KEYS.counts(0, hour.name), "r:0:1:1", requests)

    async def run(self, seconds: float) -> None:
        for _ in range(round(seconds / BEAT_SECONDS)):
            await asyncio.gather(*(node.run() for node in self.nodes))
            self.now += BEAT_SECONDS

    @property
    def traffic(self) -> Traffic:
        return StoredTraffic(self.store, KEYS).traffic(SCOPE, self.now)

    def weeks(self) -> float:
        return sum(self.traffic.history(1).weeks)


@pytest.fixture
async def blog(beside: redis.asyncio.Redis) -> AsyncIterator[Site]:
    site = Site(beside, nodes=3)
    site.publish()
    yield site
    site.store.close()


async def test_hours_are_learnt_when_they_are_over_once_for_all_nodes(
    blog: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for hour, requests in enumerate((10, 200, 300)):
        blog.count(FIRST + hour * HOUR_SECONDS, requests)
    await blog.run(3 * HOUR_SECONDS + 300)
    assert blog.traffic.through == FIRST + 3 * HOUR_SECONDS
    # The first one is where the slot was seen first.
    assert sum(blog.traffic.history(1).requests) == pytest.approx(500, rel=0.01)
    assert blog.weeks() == pytest.approx(2, rel=0.01)
    learnt = capsys.readouterr().out.count("traffic_learnt")
    assert learnt == 5, "the four weeks before, the hour before, and three hours"


async def test_a_quiet_hour_is_learnt_and_one_without_server_is_not(blog: Site) -> None:
    blog.count(FIRST, 10)
    await blog.run(HOUR_SECONDS * 2)
    blog.serving = False
    await blog.run(HOUR_SECONDS * 5)
    blog.serving = True
    await blog.run(HOUR_SECONDS + 300)
    assert blog.traffic.through == FIRST + 8 * HOUR_SECONDS
    assert blog.weeks() == pytest.approx(2, rel=0.05)
    assert sum(blog.traffic.history(1).requests) == 0


async def test_what_the_store_has_not_heard_is_told_when_it_is_back(
    blog: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    blog.count(FIRST, 10)
    await blog.run(HOUR_SECONDS + 300)
    blog.store.set(KEYS.up(int(blog.now // 86_400)), "in the way")
    blog.store.delete(KEYS.up(int(blog.now // 86_400)))
    blog.store.rpush(KEYS.up(int(blog.now // 86_400)), "refused")
    await blog.run(HOUR_SECONDS * 3)
    assert blog.traffic.through == FIRST + HOUR_SECONDS
    assert capsys.readouterr().out.count("learning_failed") == 3, "once a node"
    blog.store.delete(KEYS.up(int(blog.now // 86_400)))
    blog.count(FIRST + 2 * HOUR_SECONDS, 40)
    await blog.run(BEAT_SECONDS)
    assert blog.traffic.through == FIRST + HOUR_SECONDS, "counts may still be on their way"
    await blog.run(BEAT_SECONDS)
    assert blog.traffic.through == FIRST + 4 * HOUR_SECONDS
    assert sum(blog.traffic.history(1).requests) == pytest.approx(40, rel=0.01)
    # Its first minutes were noted before the store was away, and were deleted with the rest.
    assert blog.weeks() == pytest.approx(3, rel=0.01)


async def test_an_older_stores_hours_are_caught_up_on_at_once(blog: Site) -> None:
    for hour in range(-50, 0):
        if hour % 24 < 17:
            blog.count(FIRST + hour * HOUR_SECONDS, 100)
    await blog.run(120)
    blog.now += 120
    await blog.run(60)
    assert blog.traffic.through == FIRST
    # From the second hour that counted something to the last one of which nobody had noted that
    # ads were served; each fades by what has passed since.
    assert blog.weeks() == pytest.approx(sum(0.5 ** (h / 504) for h in range(1, 47)), rel=0.001)


async def test_an_hour_that_another_zone_has_cut_is_waited_for(blog: Site) -> None:
    """The site has moved from a zone whose hours begin at half past."""
    cut = FIRST + HOUR_SECONDS // 2
    blog.store.hset(KEYS.traffic, "#through", cut)
    await blog.run(HOUR_SECONDS * 1.8)
    assert blog.traffic.through == cut
    await blog.run(HOUR_SECONDS * 0.3)
    assert blog.traffic.through == FIRST + 2 * HOUR_SECONDS


async def test_before_anything_is_live_nothing_is_learnt(beside: redis.asyncio.Redis) -> None:
    site = Site(beside)
    site.count(FIRST, 10)
    await site.run(2 * HOUR_SECONDS)
    assert site.traffic.through == 0
    site.store.close()


async def test_minutes_that_cannot_be_told_are_kept_for_a_day(
    blog: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert learning.MAX_MINUTES == 24 * 60
    monkeypatch.setattr(learning, "MAX_MINUTES", 90)
    days = [KEYS.up(int(FIRST // 86_400) + day) for day in range(3)]
    for key in days:
        blog.store.rpush(key, "refused")
    await blog.run((90 + 120) * 60)
    for key in days:
        blog.store.delete(key)
    await blog.run(BEAT_SECONDS)
    noted = sum(bin(byte).count("1") for key in days for byte in blog.store.get(key) or b"")
    assert noted == 90

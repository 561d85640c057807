"""Retiring: old generations lose their content, and files go with the last that needs them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis.asyncio

from adserver.core.assets import Asset, digest_of
from adserver.core.publication import Content, Entry
from adserver.core.retention import MAX_BYTES, MAX_GENERATIONS, MAX_RECORDS
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import async_client, client
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.retiring import CONTENT, Retired, Retiring
from tests.factories import catalog
from tests.topology import cluster_running

LIFE = 180_000.0
LATER = 2 * LIFE
FIRST, SHARED, LAST = (
    Asset(b"GIF89a" + name, "image/gif") for name in (b"first", b"shared", b"last")
)
SOURCE = b"tier: house\n"


def publish(catalogs: StoredCatalogs, number: int, *assets: Asset, source: bytes = SOURCE) -> None:
    """As `publishing.publish` does it."""
    given = {digest_of(asset.data): asset for asset in assets}
    sources = {digest_of(source): source}
    files = {"site.yaml": {"site.yaml": digest_of(source)}}
    catalogs.claim(number, [*given, *sources])
    content = Content(files=files, assets=given, sources=sources)
    catalogs.publish(number - 1, catalog(), content, Entry("ana@blog", diff="~ coffee"))


def there(store: Any, keys: Keys) -> set[bytes]:
    """The bytes of every file that the store has."""
    assets = [store.hget(key, "data") for key in store.scan_iter(match=keys.asset("*"))]
    return {*assets, *(store.get(key) for key in store.scan_iter(match=keys.source("*")))}


def make_heavy(store: Any, keys: Keys, *numbers: int) -> None:
    """As if they held some hundred thousand campaigns."""
    for number in numbers:
        store.hset(keys.generation(number), "diff", b"+" * (MAX_BYTES // 2))


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    return StoredCatalogs(store, keys)


async def test_before_any_apply_there_is_nothing_to_do(
    beside: redis.asyncio.Redis, keys: Keys
) -> None:
    assert await Retiring(beside, keys, LIFE).run(time.time()) == Retired()


async def test_what_is_young_and_light_is_kept(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST)
    publish(catalogs, 2, LAST, source=b"other")
    assert not await Retiring(beside, keys, LIFE).run(time.time() + LATER)
    assert there(store, keys) == {FIRST.data, LAST.data, SOURCE, b"other"}
    assert catalogs.generation(1) is not None


async def test_a_heavy_one_goes_with_what_only_it_needed_and_its_history_stays(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST, SHARED, source=b"first source")
    publish(catalogs, 2, SHARED, LAST)
    publish(catalogs, 3, SHARED, LAST)
    make_heavy(store, keys, 2, 3)
    retired = await Retiring(beside, keys, LIFE).run(time.time() + LATER)
    # Whatever a diff weighs beyond its half, so the third is over the limit with the second.
    assert retired == Retired(contents=2, files=2)
    assert there(store, keys) == {SHARED.data, LAST.data, SOURCE}
    assert catalogs.generation(1) is None
    assert catalogs.generation(2) is None
    assert catalogs.diff(1) == "~ coffee"
    assert [(one.number, one.kept) for one in catalogs.history(9)] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    live = catalogs.live()
    assert live is not None
    assert live[0].number == 3
    assert not await Retiring(beside, keys, LIFE).run(time.time() + LATER)


async def test_what_tickets_may_still_ask_for_is_kept_whatever_it_weighs(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST)
    publish(catalogs, 2, LAST)
    make_heavy(store, keys, 1, 2)
    assert not await Retiring(beside, keys, LIFE).run(time.time() + LIFE - 60)
    assert FIRST.data in there(store, keys)
    assert await Retiring(beside, keys, LIFE).run(time.time() + LIFE + 60) == Retired(1, 0, 1)
    assert FIRST.data not in there(store, keys)


async def test_a_file_that_comes_back_is_needed_again(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST)
    publish(catalogs, 2, LAST)
    publish(catalogs, 3, FIRST)
    make_heavy(store, keys, 2, 3)
    assert (await Retiring(beside, keys, LIFE).run(time.time() + LATER)).contents == 2
    assert there(store, keys) == {FIRST.data, SOURCE}


async def test_a_file_that_is_claimed_while_it_is_being_removed_stays(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    """Somebody applies: what they have been told is there must stay there."""
    publish(catalogs, 1, FIRST)
    publish(catalogs, 2, LAST)
    make_heavy(store, keys, 1, 2)
    digest = digest_of(FIRST.data)
    retiring = Retiring(beside, keys, LIFE)
    found = await beside.zrangebyscore(keys.contents, "-inf", "(2")
    assert found == [digest.encode()]
    assert catalogs.claim(3, [digest]) == []
    assert await retiring._remove_these([digest], 2) == 0
    assert FIRST.data in there(store, keys)


async def test_a_thousand_light_ones_are_kept(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST)
    fields = store.hgetall(keys.generation(1))
    for number in range(2, MAX_GENERATIONS + 3):
        store.hset(keys.generation(number), mapping=fields)
    store.set(keys.live, MAX_GENERATIONS + 2)
    assert await Retiring(beside, keys, LIFE).run(time.time() + LATER) == Retired(2, 0, 2)
    assert store.hexists(keys.generation(3), "body")
    assert int(store.hget(keys.kept, CONTENT)) == 3


async def test_the_history_ends_after_ten_thousand(
    catalogs: StoredCatalogs, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    publish(catalogs, 1, FIRST)
    fields = store.hgetall(keys.generation(1))
    last = MAX_RECORDS + 2
    for number in range(last - MAX_GENERATIONS, last + 1):
        store.hset(keys.generation(number), mapping=fields)
    store.hset(keys.generation(2), "author", "ana")
    store.set(keys.live, last)
    retired = await Retiring(beside, keys, LIFE).run(time.time() + LATER)
    assert retired == Retired(last - MAX_GENERATIONS, 2, 2)
    assert not store.exists(keys.generation(1), keys.generation(2))
    assert len(catalogs.history(5)) == 5


@pytest.mark.alone
async def test_on_a_cluster() -> None:
    with cluster_running() as cluster:
        keys = Keys("blog", CLUSTER_SHARDS)
        with client(cluster.url) as store:
            catalogs = StoredCatalogs(store, keys)
            publish(catalogs, 1, FIRST, SHARED)
            publish(catalogs, 2, SHARED, LAST)
            make_heavy(store, keys, 1, 2)
            async with async_client(cluster.url) as beside:
                done = await Retiring(beside, keys, LIFE).run(time.time() + LATER)
            assert done == Retired(1, 0, 1)
            assert there(store, keys) == {SHARED.data, LAST.data, SOURCE}

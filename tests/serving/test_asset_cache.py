"""Files in memory: found once, bounded in bytes, the least used out first."""

from __future__ import annotations

import asyncio

import pytest

from adserver.core.assets import Asset
from adserver.core.errors import StoreUnavailable
from adserver.serving.asset_cache import MAX_BYTES, AssetCache
from tests.serving.memory import MemoryCatalog

QUARTER = MAX_BYTES // 4


@pytest.fixture
def catalog() -> MemoryCatalog:
    assets = {name: Asset(bytes(QUARTER), "image/png") for name in "abcde"}
    return MemoryCatalog(assets=assets | {"small": Asset(b"x", "image/gif")})


async def test_a_file_is_asked_for_once(catalog: MemoryCatalog) -> None:
    cache = AssetCache(catalog)
    assert await cache.get("small") is await cache.get("small") is catalog.assets["small"]
    assert catalog.asked == {"small": 1}


async def test_a_file_that_many_ask_for_at_once_is_held_once(catalog: MemoryCatalog) -> None:
    cache = AssetCache(catalog)
    assert None not in await asyncio.gather(*(cache.get("a") for _ in range(9)))
    await cache.preload(["b", "c", "d"])
    catalog.away = True
    for held in "abcd":
        assert await cache.get(held)


async def test_a_file_that_is_not_there_is_asked_for_again(catalog: MemoryCatalog) -> None:
    cache = AssetCache(catalog)
    assert await cache.get("new") is None
    catalog.assets["new"] = Asset(b"", "image/gif")
    assert await cache.get("new") is not None


async def test_past_the_bound_the_least_recently_used_goes(catalog: MemoryCatalog) -> None:
    cache = AssetCache(catalog)
    for digest in ("a", "b", "c", "d", "a", "e"):
        await cache.get(digest)
    catalog.away = True
    for held in ("a", "c", "d", "e"):
        assert await cache.get(held)
    with pytest.raises(StoreUnavailable):
        await cache.get("b")


async def test_a_file_larger_than_the_bound_is_still_served(catalog: MemoryCatalog) -> None:
    catalog.assets["huge"] = Asset(bytes(MAX_BYTES + 1), "image/png")
    cache = AssetCache(catalog)
    await cache.get("small")
    assert await cache.get("huge") is catalog.assets["huge"]
    await cache.get("small")
    assert catalog.asked["small"] == 2


async def test_what_is_live_is_fetched_before_anybody_asks(catalog: MemoryCatalog) -> None:
    cache = AssetCache(catalog)
    await cache.preload(["small", "a"])
    catalog.away = True
    assert await cache.get("small")
    assert await cache.get("a")


async def test_fetching_ahead_stops_at_the_bound_and_at_a_store_that_is_away(
    catalog: MemoryCatalog,
) -> None:
    cache = AssetCache(catalog)
    await cache.preload([*"abcde", "small"])
    assert set(catalog.asked) == set("abcd")
    away = MemoryCatalog(away=True)
    await AssetCache(away).preload(["a", "b"])
    assert away.asked == {"a": 1}

"""Files in memory: found once, bounded in bytes, the least used out first, and none but genuine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adserver.core.assets import Asset, Refusal, digest_of
from adserver.core.errors import StoreUnavailable
from adserver.metrics.meter import Meter
from adserver.serving.asset_cache import MAX_BYTES, MAX_TOLD, AssetCache
from tests.serving.memory import MemoryCatalog

QUARTER = MAX_BYTES // 4
GIF = b"GIF89a"


def gif(more: bytes = b"", size: int = 0) -> Asset:
    return Asset((GIF + more).ljust(size, b"\0"), "image/gif")


LARGE = [gif(letter.encode(), QUARTER) for letter in "abcde"]
SMALL = gif()
A, B, C, D, E = (digest_of(one.data) for one in LARGE)
S = digest_of(SMALL.data)


def cache_of(catalog: MemoryCatalog, **options: Any) -> AssetCache:
    return AssetCache(catalog, Meter(), **options)


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog(assets={digest_of(one.data): one for one in (*LARGE, SMALL)})


async def test_a_file_is_asked_for_once(catalog: MemoryCatalog) -> None:
    cache = cache_of(catalog)
    assert await cache.get(S) is await cache.get(S) is SMALL
    assert catalog.asked == {S: 1}


async def test_a_file_that_many_ask_for_at_once_is_held_once(catalog: MemoryCatalog) -> None:
    cache = cache_of(catalog)
    assert None not in await asyncio.gather(*(cache.get(A) for _ in range(9)))
    await cache.preload([B, C, D])
    catalog.away = True
    for held in (A, B, C, D):
        assert await cache.get(held)


async def test_a_file_that_is_not_there_is_asked_for_again(catalog: MemoryCatalog) -> None:
    cache, new = cache_of(catalog), gif(b"new")
    assert await cache.get(digest_of(new.data)) is None
    catalog.assets[digest_of(new.data)] = new
    assert await cache.get(digest_of(new.data)) is new


async def test_past_the_bound_the_least_recently_used_goes(catalog: MemoryCatalog) -> None:
    cache = cache_of(catalog)
    for digest in (A, B, C, D, A, E):
        await cache.get(digest)
    catalog.away = True
    for held in (A, C, D, E):
        assert await cache.get(held)
    with pytest.raises(StoreUnavailable):
        await cache.get(B)


async def test_a_file_larger_than_the_bound_is_still_served(catalog: MemoryCatalog) -> None:
    huge = gif(size=MAX_BYTES + 1)
    catalog.assets[digest_of(huge.data)] = huge
    cache = cache_of(catalog)
    await cache.get(S)
    assert await cache.get(digest_of(huge.data)) is huge
    await cache.get(S)
    assert catalog.asked[S] == 2


async def test_what_is_live_is_fetched_before_anybody_asks(catalog: MemoryCatalog) -> None:
    cache = cache_of(catalog)
    await cache.preload([S, A])
    catalog.away = True
    assert await cache.get(S)
    assert await cache.get(A)


async def test_fetching_ahead_stops_at_the_bound_and_at_a_store_that_is_away(
    catalog: MemoryCatalog,
) -> None:
    cache = cache_of(catalog)
    await cache.preload([A, B, C, D, E, S])
    assert set(catalog.asked) == {A, B, C, D}
    away = MemoryCatalog(away=True)
    await cache_of(away).preload([A, B])
    assert away.asked == {A: 1}


def changed(kind: str) -> Asset:
    """What somebody has put in the place of SMALL."""
    return {
        Refusal.CONTENT: Asset(GIF + b"<script>", SMALL.media_type),
        Refusal.KIND: Asset(SMALL.data, "image/svg+xml"),
    }[Refusal(kind)]


def told(capsys: pytest.CaptureFixture[str]) -> int:
    return capsys.readouterr().out.count("asset_refused")


@pytest.mark.parametrize("reason", list(Refusal))
async def test_what_is_not_as_it_was_applied_is_not_served(
    catalog: MemoryCatalog, reason: Refusal, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog.assets[S] = changed(reason)
    meter = Meter()
    cache = AssetCache(catalog, meter)
    assert meter.counts["assets_refused_total"] == dict.fromkeys([(one,) for one in Refusal], 0)
    await cache.preload([S])
    assert [await cache.get(S) for _ in range(2)] == [None, None]
    assert meter.counts["assets_refused_total"][(reason,)] == 3
    assert told(capsys) == 1
    # It was not kept: as soon as the store has the right one again, it is served.
    catalog.assets[S] = SMALL
    assert await cache.get(S) is SMALL


@pytest.mark.parametrize("reason", list(Refusal))
async def test_control_unchecked_it_would_be_served(
    catalog: MemoryCatalog, reason: Refusal
) -> None:
    catalog.assets[S] = changed(reason)
    assert await cache_of(catalog, refusal=lambda *_: None).get(S) == changed(reason)


async def test_the_memory_of_what_was_told_is_bounded(
    catalog: MemoryCatalog, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = cache_of(catalog)
    digests = [f"{number:032x}" for number in range(MAX_TOLD + 1)]
    catalog.assets |= dict.fromkeys(digests, SMALL)
    for _ in range(2):
        for digest in digests:
            assert await cache.get(digest) is None
    assert told(capsys) == MAX_TOLD + 2

"""Known signing keys and the store's identity: founded once, given back, never overwritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis.asyncio

from adserver.core.nodes import KnownKey
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.signing import Found, StoredSigningKeys

ONE = KnownKey("1" * 16, 1_793_610_000.25, "ana@desk")
TWO = KnownKey("2" * 16, 1_793_610_001.0, "bob@desk")


@pytest.fixture
def signing(store: Any, keys: Keys) -> StoredSigningKeys:
    return StoredSigningKeys(store, keys)


@pytest.fixture
def live(beside: redis.asyncio.Redis, keys: Keys) -> StoredLiveCatalog:
    return StoredLiveCatalog(beside, keys, (ONE, TWO))


def test_the_first_founds_and_the_next_finds_what_it_has_written(
    signing: StoredSigningKeys,
) -> None:
    assert signing.found("a", [ONE]) == Found("a", (ONE,))
    assert signing.found("b", [TWO]) == Found("a", (ONE,))
    assert signing.known() == [ONE]


def test_keys_that_were_added_before_any_node_came_are_the_known_ones(
    signing: StoredSigningKeys,
) -> None:
    signing.add([ONE])
    assert signing.found("a", [TWO]) == Found("a", (ONE,))


def test_of_many_who_found_at_once_all_find_the_same(store_url: str, keys: Keys) -> None:
    def found(number: int) -> Found:
        with client(store_url) as connection:
            own = KnownKey(f"{number:016x}", 1.0, "")
            return StoredSigningKeys(connection, keys).found(f"node {number}", [own])

    with ThreadPoolExecutor(8) as pool:
        [one] = set(pool.map(found, range(8)))
    [key] = one.known
    assert one.identity == f"node {int(key.fingerprint, 16)}"


def test_a_key_is_added_once_and_forgotten(signing: StoredSigningKeys) -> None:
    assert signing.add([ONE, TWO]) == [ONE.fingerprint, TWO.fingerprint]
    again = KnownKey(ONE.fingerprint, 9.0, "eve")
    assert signing.add([again]) == []
    assert signing.known() == [ONE, TWO]
    signing.forget(ONE.fingerprint)
    assert signing.known() == [TWO]


def test_a_store_that_refuses_writes_still_says_what_it_is(
    signing: StoredSigningKeys, store: Any
) -> None:
    signing.found("a", [ONE])
    before = store.config_get("maxmemory")["maxmemory"]
    store.config_set("maxmemory", "1")
    try:
        assert signing.found("b", [TWO]) == Found("a", (ONE,))
    finally:
        store.config_set("maxmemory", before)


def test_two_namespaces_of_one_store_are_two_stores(store: Any) -> None:
    for name in ("blog", "revue"):
        assert StoredSigningKeys(store, Keys(name)).found(name, [ONE]).identity == name


async def test_a_store_that_was_emptied_gets_back_what_it_knew(
    signing: StoredSigningKeys, live: StoredLiveCatalog, store: Any
) -> None:
    signing.found("a", [ONE, TWO])
    await live.live_number()
    assert await live.keep_identity("a") == "a"
    store.flushall()
    await live.live_number()
    assert await live.keep_identity("a") == "a"
    assert signing.found("b", []) == Found("a", (ONE, TWO))


async def test_what_was_added_and_forgotten_since_is_given_back_so(
    signing: StoredSigningKeys, beside: redis.asyncio.Redis, keys: Keys, store: Any
) -> None:
    live = StoredLiveCatalog(beside, keys, (ONE,), read_keys_seconds=0.0)
    signing.found("a", [ONE])
    await live.keep_identity("a")
    signing.add([TWO])
    signing.forget(ONE.fingerprint)
    await live.keep_identity("a")
    store.flushall()
    await live.keep_identity("a")
    assert signing.known() == [TWO]


async def test_another_store_is_not_given_our_identity(
    signing: StoredSigningKeys, live: StoredLiveCatalog
) -> None:
    signing.found("other", [TWO])
    assert await live.keep_identity("ours") == "other"
    assert signing.known() == [TWO]


async def test_nothing_is_asked_while_nothing_has_changed(
    signing: StoredSigningKeys, live: StoredLiveCatalog, store: Any
) -> None:
    signing.found("a", [ONE])
    await live.live_number()
    await live.keep_identity("a")
    before = store.info("commandstats")
    for _ in range(10):
        await live.keep_identity("a")
    assert calls(store.info("commandstats")) == calls(before)


def calls(stats: dict[str, Any]) -> int:
    """How many scripts were run."""
    return sum(one["calls"] for name, one in stats.items() if name.startswith("cmdstat_eval"))

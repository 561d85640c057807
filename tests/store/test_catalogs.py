"""Generations: published whole or not at all, with numbers that never change."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from adserver.core.assets import Asset, digest_of
from adserver.core.catalog import Catalog
from adserver.core.errors import LiveHasMoved, SettingsError, StoreUnavailable, UnreadableGeneration
from adserver.core.publication import Content, Entry, KnownCreative, Published
from adserver.core.ticket import MAX_NUMBERS
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.codec import GENERATION, VERSION, WHOLE_IN_ONE
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.factories import campaign, catalog, slot, text_creative

PICTURE = Asset(b"\x89PNG\r\n\x1a\n\0\xff", "image/png")
ASSETS = {digest_of(PICTURE.data): PICTURE}


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    return StoredCatalogs(store, keys)


@pytest.fixture
def live(beside: redis.asyncio.Redis, keys: Keys) -> StoredLiveCatalog:
    return StoredLiveCatalog(beside, keys)


def publish(
    catalogs: StoredCatalogs, expected: int = 0, written: Catalog | None = None
) -> Published:
    entry = Entry("ana@blog", "première", "+ 1")
    return catalogs.publish(expected, written or catalog(), Content(assets=ASSETS), entry)


async def test_before_any_apply_nothing_is_live(
    catalogs: StoredCatalogs, live: StoredLiveCatalog
) -> None:
    assert catalogs.live() is None
    assert await live.live_number() == 0
    assert await live.generation(1) is None


async def test_what_is_published_is_live_as_it_was_written(
    catalogs: StoredCatalogs, live: StoredLiveCatalog
) -> None:
    published = publish(catalogs)
    found = catalogs.live()
    assert found is not None
    generation, history = found
    assert generation.catalog == catalog()
    assert history == published == Published(1, published.created_at, "ana@blog", "première")
    assert abs(published.created_at - time.time()) < 60
    assert await live.live_number() == 1
    assert await live.generation(1) == generation


def test_the_change_is_recorded_with_the_generation(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    publish(catalogs)
    assert store.hget(keys.generation(1), "diff") == b"+ 1"


async def test_older_generations_stay_readable(
    catalogs: StoredCatalogs, live: StoredLiveCatalog
) -> None:
    publish(catalogs, 0, catalog(campaign("old")))
    publish(catalogs, 1, catalog(campaign("new")))
    old = await live.generation(1)
    assert old is not None
    assert [c.name for c in old.catalog.campaigns] == ["old"]


@pytest.mark.parametrize("expected", [0, 2, 99])
def test_a_plan_against_another_generation_changes_nothing(
    catalogs: StoredCatalogs, store: Any, keys: Keys, expected: int
) -> None:
    publish(catalogs)
    before = store.hgetall(keys.creatives)
    with pytest.raises(LiveHasMoved) as refused:
        publish(catalogs, expected, catalog(campaign("other")))
    assert (refused.value.expected, refused.value.live) == (expected, 1)
    assert store.hgetall(keys.creatives) == before
    assert store.keys("*:generation:*") == [keys.generation(1).encode()]


def test_of_many_who_publish_at_once_one_wins(store_url: str, keys: Keys) -> None:
    def try_to(author: int) -> int:
        with client(store_url) as connection:
            try:
                publish(StoredCatalogs(connection, keys), 0, catalog(campaign(f"c{author}")))
            except LiveHasMoved as moved:
                return moved.live
            return 0

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(try_to, range(8)))
    assert sorted(results) == [0] + [1] * 7


def test_a_name_keeps_its_number_whatever_is_published(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    a, b, c = (campaign(name) for name in "abc")
    publish(catalogs, 0, catalog(a, b))
    first = StoredTotals(store, keys).numbers()
    publish(catalogs, 1, catalog(c))
    publish(
        catalogs,
        2,
        catalog(c, b, replace(a, creatives=(text_creative("new"),)), slots=(slot("first"), slot())),
    )
    last = StoredTotals(store, keys).numbers()
    assert {name: last[name] for name in first} == first
    for kind in ("campaign", "creative", "slot", "site"):
        given = [number for name, number in last.items() if name.startswith(f"{kind}/")]
        assert sorted(given) == list(range(1, len(given) + 1))


def test_a_generation_has_the_numbers_of_its_own_names_alone(catalogs: StoredCatalogs) -> None:
    publish(catalogs, 0, catalog(campaign("a")))
    publish(catalogs, 1, catalog(campaign("b")))
    found = catalogs.live()
    assert found is not None
    assert found[0].numbers == {
        "site/blog": 1,
        "slot/post-top": 1,
        "campaign/b": 2,
        "creative/b/carte": 2,
    }


def test_a_name_that_tickets_have_no_number_left_for_is_refused(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    publish(catalogs)
    store.hset(keys.numbers, "#slot", MAX_NUMBERS["slot"])
    with pytest.raises(SettingsError, match="another ADSERVER_NAMESPACE"):
        publish(catalogs, 1, catalog(slots=(slot("one-too-many"),)))
    assert publish(catalogs, 1).number == 2


async def test_a_file_is_stored_once_and_found_by_its_content(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    [digest] = ASSETS
    assert catalogs.claim(1, [digest, "absent"]) == [digest, "absent"]
    publish(catalogs)
    assert catalogs.claim(2, [digest, "absent"]) == ["absent"]
    assert await live.asset(digest) == PICTURE
    assert await live.asset("absent") is None
    assert store.zscore(keys.contents, digest) == 2


async def test_a_creative_is_remembered_when_its_campaign_has_ended(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    publish(catalogs, 0, catalog(campaign("gone")))
    publish(catalogs, 1, catalog(campaign("here")))
    gone = KnownCreative.of(campaign("gone"), text_creative())
    assert await live.known_creative(1) == gone
    assert await live.known_creative(99) is None
    assert StoredTotals(store, keys).known_creatives()[1] == gone


@pytest.mark.parametrize("version", [VERSION + 1, VERSION - 2, 99])
async def test_a_generation_of_another_release_is_refused_with_what_to_do(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys, version: int
) -> None:
    publish(catalogs)
    store.hset(keys.generation(1), "version", version)
    with pytest.raises(UnreadableGeneration, match=rf"version {version}.*or apply again"):
        catalogs.live()
    with pytest.raises(UnreadableGeneration, match="this release reads"):
        await live.generation(1)


def test_the_version_before_is_still_read(catalogs: StoredCatalogs, store: Any, keys: Keys) -> None:
    publish(catalogs)
    made, _ = catalogs.live() or (None, None)
    written = replace(made, numbers=dict(made.numbers))
    before = {"version": WHOLE_IN_ONE, "body": GENERATION.dump_json(written)}
    store.hset(keys.generation(1), mapping=before)
    again, _ = catalogs.live() or (None, None)
    assert made is not None
    assert again == made


async def test_a_pointer_to_a_generation_that_is_gone_is_told(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    publish(catalogs)
    store.delete(keys.generation(1))
    assert await live.generation(1) is None
    with pytest.raises(UnreadableGeneration, match="generation 1 is damaged"):
        catalogs.live()


@pytest.mark.parametrize("body", ["", "{}", '{"number": 1}', "\xff"])
async def test_a_damaged_generation_is_told_and_not_taken_for_a_store_that_is_away(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys, body: str
) -> None:
    publish(catalogs)
    store.hset(keys.generation(1), "body", body)
    with pytest.raises(UnreadableGeneration, match="damaged"):
        await live.generation(1)


async def test_a_store_that_does_not_answer_is_told_as_such(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    store.set(keys.generation(1), "not a hash")
    store.set(keys.live, 1)
    with pytest.raises(StoreUnavailable):
        catalogs.live()
    with pytest.raises(StoreUnavailable):
        await live.generation(1)


async def test_two_namespaces_in_one_store_do_not_meet(
    catalogs: StoredCatalogs, store: Any
) -> None:
    publish(catalogs)
    assert StoredCatalogs(store, Keys("other")).live() is None

"""Pauses in the store: beside generations, removed when they are over, with who did what."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from adserver.core.errors import UnreadablePause
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.publication import Content, Entry
from adserver.core.renames import Rename
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.keys import Keys
from adserver.store.pauses import MAX_ACTS, StoredPauses
from tests.factories import NOW, campaign, catalog
from tests.store.test_catalogs import publish

BRULERIE = Pause(Target.read("brulerie"), NOW, None, "ana@desk", "réclamation")
SLOT = Pause(Target.read("slot:post-top"), NOW, NOW + 60, "bob@desk")


@pytest.fixture
def pauses(store: Any, keys: Keys) -> StoredPauses:
    return StoredPauses(store, keys)


@pytest.fixture
def live(beside: redis.asyncio.Redis, keys: Keys) -> StoredLiveCatalog:
    return StoredLiveCatalog(beside, keys)


def act(pause: Pause, verb: Verb = Verb.PAUSE, at: float = NOW) -> Act:
    return Act(at, verb, pause.target, pause.by, pause.message, pause.until)


def put(pauses: StoredPauses, *some: Pause, at: float = NOW) -> None:
    for one in some:
        pauses.act(act(one, at=at), [], [one])


def lift(pauses: StoredPauses, one: Pause, at: float = NOW + 1) -> None:
    pauses.act(act(one, Verb.RESUME, at), [one.target], [])


def test_what_is_paused_is_known_until_it_is_resumed(pauses: StoredPauses) -> None:
    assert pauses.known() == []
    put(pauses, SLOT, BRULERIE)
    assert pauses.known() == [BRULERIE, SLOT]
    again = replace(BRULERIE, message="autre", until=NOW + 9.5)
    put(pauses, again)
    assert pauses.known() == [again, SLOT]
    lift(pauses, BRULERIE)
    assert pauses.known() == [SLOT]


def test_what_is_over_is_removed_by_the_next_act(pauses: StoredPauses) -> None:
    put(pauses, SLOT)
    put(pauses, BRULERIE, at=NOW + 59.9)
    assert pauses.known() == [BRULERIE, SLOT]
    put(pauses, BRULERIE, at=NOW + 60)
    assert pauses.known() == [BRULERIE]


def test_who_did_what_is_kept_newest_first_and_within_a_bound(
    pauses: StoredPauses, store: Any, keys: Keys
) -> None:
    put(pauses, BRULERIE)
    lift(pauses, BRULERIE)
    assert pauses.acts(9) == [act(BRULERIE, Verb.RESUME, NOW + 1), act(BRULERIE)]
    assert pauses.acts(1) == [act(BRULERIE, Verb.RESUME, NOW + 1)]
    more = {f"old {n}": NOW - 1 - n for n in range(MAX_ACTS)}
    store.zadd(keys.pauses_log, more)
    put(pauses, SLOT, at=NOW + 2)
    assert store.zcard(keys.pauses_log) == MAX_ACTS
    assert pauses.acts(1) == [act(SLOT, at=NOW + 2)]


async def test_workers_hear_of_what_was_done_and_read_it_once(
    pauses: StoredPauses, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    publish(StoredCatalogs(store, keys))
    assert await live.pauses() == ()
    put(pauses, BRULERIE)
    first = await live.pauses()
    assert first == (BRULERIE,)
    assert await live.pauses() is first
    put(pauses, SLOT)
    assert await live.pauses() == (BRULERIE, SLOT)
    lift(pauses, SLOT)
    assert await live.pauses() == (BRULERIE,)


async def test_applies_and_restarts_change_nothing_of_what_is_paused(
    pauses: StoredPauses, live: StoredLiveCatalog, store: Any, keys: Keys, beside: Any
) -> None:
    catalogs = StoredCatalogs(store, keys)
    publish(catalogs)
    put(pauses, BRULERIE)
    publish(catalogs, 1)
    assert await live.pauses() == await StoredLiveCatalog(beside, keys).pauses() == (BRULERIE,)


async def test_what_is_renamed_stays_paused_on_nodes_that_know_it_by_either_name(
    pauses: StoredPauses, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    catalogs = StoredCatalogs(store, keys)
    catalogs.publish(0, catalog(), Content(), Entry("ana"))
    creative = Pause(Target.read("brulerie/carte"), NOW + 0.25, time.time() + 5, "ana@desk", "é")
    put(pauses, BRULERIE, creative, SLOT)
    assert len(await live.pauses()) == 3
    catalogs.publish(
        1, catalog(campaign("new")), Content(), Entry("ana"), [Rename("brulerie", "new")]
    )
    found = {str(one.target): one for one in await live.pauses()}
    assert found.keys() == {"brulerie", "brulerie/carte", "new", "new/carte", "slot:post-top"}
    assert found["new"] == replace(BRULERIE, target=Target.read("new"))
    until = found["brulerie"].until
    assert until is not None
    assert 0 < until - time.time() <= 60
    assert found["new/carte"].until == pytest.approx(creative.until, abs=0.001)
    assert found["brulerie/carte"].until == pytest.approx(creative.until, abs=0.001)
    assert found["new/carte"].since == creative.since
    assert store.hget(keys.pauses, "new") != store.hget(keys.pauses, "brulerie")


async def test_a_store_that_was_emptied_has_resumed_nothing(
    pauses: StoredPauses, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    publish(StoredCatalogs(store, keys))
    put(pauses, BRULERIE)
    assert await live.pauses() == (BRULERIE,)
    store.flushall()
    assert await live.pauses() == (BRULERIE,)
    publish(StoredCatalogs(store, keys))
    assert await live.pauses() == ()


async def test_what_another_release_wrote_is_not_taken_for_nothing(
    pauses: StoredPauses, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    publish(StoredCatalogs(store, keys))
    put(pauses, BRULERIE)
    store.hset(keys.pauses, "brulerie", '{"target": "brulerie", "until": null}')
    for _ in range(2):
        with pytest.raises(UnreadablePause, match="the pause of brulerie"):
            await live.pauses()
    with pytest.raises(UnreadablePause):
        pauses.known()
    for damaged in ("7", "nothing", "{}"):
        store.hset(keys.pauses, "brulerie", damaged)
        put(pauses, SLOT)
    lift(pauses, BRULERIE)
    assert await live.pauses() == (SLOT,)

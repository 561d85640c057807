"""Which workers are there, by the store's clock: those of nodes and callers may be wrong."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import redis.asyncio

from adserver.core.errors import UnfitStore
from adserver.core.nodes import NodeState
from adserver.publishing.rollout import ALIVE_SECONDS, alive
from adserver.store import catalogs as module
from adserver.store.catalogs import NODE_FORGOTTEN_SECONDS, StoredCatalogs, StoredLiveCatalog
from adserver.store.keys import Keys
from adserver.store.standing import check_unserved


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    return StoredCatalogs(store, keys)


@pytest.fixture
def live(beside: redis.asyncio.Redis, keys: Keys) -> StoredLiveCatalog:
    return StoredLiveCatalog(beside, keys)


async def test_workers_are_known_until_they_leave_or_fall_silent(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    now = time.time()
    b, a = NodeState("b", 2, now - 9, now, "4f2a"), NodeState("a", 1, now - 9, now)
    silent = NodeState("silent", 1, 0.0, now - NODE_FORGOTTEN_SECONDS - 1)
    for node in (b, a):
        await live.report_node(node)
    store.hset(keys.nodes, silent.name, orjson.dumps(silent))
    assert seen_at(catalogs, now) == [a, b]
    assert set(store.hkeys(keys.nodes)) == {b"a", b"b"}
    await live.report_node(replace(a, generation=2))
    await live.forget_node(b)
    await live.forget_node(replace(b, name="nobody"))
    assert seen_at(catalogs, now) == [replace(a, generation=2)]


def seen_at(catalogs: StoredCatalogs, at: float) -> list[NodeState]:
    """The nodes, if all were seen about then; as seen exactly then."""
    found = catalogs.nodes()
    assert all(abs(node.seen_at - at) < ALIVE_SECONDS for node in found), found
    return [replace(node, seen_at=at) for node in found]


@pytest.mark.parametrize("node", [-7_200.0, -40.0, 0.0, 7_200.0])
@pytest.mark.parametrize("caller", [-7_200.0, 0.0, 40.0, 7_200.0])
async def test_a_worker_is_there_whatever_its_clock_and_the_callers_say(
    catalogs: StoredCatalogs,
    live: StoredLiveCatalog,
    store: Any,
    keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
    node: float,
    caller: float,
) -> None:
    now = time.time()
    one = NodeState("one", 1, now + node, now + node)
    await live.report_node(one)
    gone = NodeState("gone", 1, now, now - 120)
    store.hset(keys.nodes, gone.name, orjson.dumps(gone))
    with monkeypatch.context() as patched:
        patched.setattr(module, "time", SimpleNamespace(time=lambda: time.time() + caller))
        found = catalogs.nodes()
        with pytest.raises(UnfitStore, match=r"1 worker\(s\) serve from this store: one\."):
            check_unserved(store, keys, time.time() + caller)
    assert [state.name for state in found] == ["gone", "one"]
    assert [state.name for state in alive(found, time.time() + caller)] == ["one"]


async def test_other_releases_read_what_a_worker_says_of_itself(
    live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    now = time.time()
    said = NodeState("one/0", 3, now, now, "4f2a")
    await live.report_node(said)
    fields = orjson.loads(store.hget(keys.nodes, "one/0"))
    assert fields == {**asdict(said), "seen_at": fields["seen_at"]}
    assert abs(fields["seen_at"] - now) < 60


async def test_what_a_later_release_says_of_itself_besides_is_not_read(
    catalogs: StoredCatalogs, live: StoredLiveCatalog, store: Any, keys: Keys
) -> None:
    await live.report_node(NodeState("one/0", 3, 1.0, 1.0, "4f2a", -9.0))
    fields = orjson.loads(store.hget(keys.nodes, "one/0"))
    store.hset(keys.nodes, "one/0", orjson.dumps({**fields, "mood": "fair"}))
    [found] = catalogs.nodes()
    assert (found.name, found.signs_with, found.ahead) == ("one/0", "4f2a", -9.0)


async def test_two_machines_of_one_name_are_two_nodes(
    catalogs: StoredCatalogs, live: StoredLiveCatalog
) -> None:
    one, other = (NodeState("web:8080/0", 3, 1.0, 1.0, start=start) for start in ("4f2a", "b61c"))
    await live.report_node(one)
    await live.report_node(other)
    assert [node.name for node in catalogs.nodes()] == ["web:8080~4f2a/0", "web:8080~b61c/0"]
    await live.forget_node(other)
    assert [(node.name, node.start) for node in catalogs.nodes()] == [("web:8080/0", "4f2a")]


async def test_who_says_that_it_is_there_is_told_the_time(live: StoredLiveCatalog) -> None:
    before = time.time()
    said = await live.report_node(NodeState("one/0", 3, 1.0, 1.0))
    assert before - 0.001 < said < time.time() + 0.001

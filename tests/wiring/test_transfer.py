"""Whole stores between files and topologies: nothing lost, nothing half, nothing in use."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adserver.core.errors import BackupError, SettingsError, UnfitStore
from adserver.settings import Settings
from adserver.store.connect import client
from adserver.store.embedded import Embedded
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.standing import SERVING_SECONDS, begin_arrival
from adserver.wiring.control import control_plane, opened
from adserver.wiring.transfer import Wish, backup, check_store, move, restore
from tests.servers import command_line, until
from tests.store.filled import everything, fill, held, seen, sums
from tests.topology import cluster_running, redis_running, sentinel_running

KINDS = ["embedded", "redis", "sentinel", "cluster"]


@dataclass(frozen=True, slots=True)
class Store:
    """url: as `--redis` takes it. server: an address that a client can connect to."""

    url: str
    server: str
    keys: Keys

    @property
    def settings(self) -> Settings:
        return Settings(redis=self.url, namespace=self.keys.namespace)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, str]]]:
    folder = tmp_path_factory.mktemp("embedded")
    with (
        Embedded(folder).used(stop_if_last=True) as embedded,
        redis_running() as server,
        sentinel_running() as sentinels,
        cluster_running() as cluster,
    ):
        yield {
            "embedded": (f"embedded:{folder}", embedded),
            "redis": (server.url, server.url),
            "sentinel": (sentinels.url, sentinels.url),
            "cluster": (cluster.url, cluster.url),
        }


@pytest.fixture
def stores(addresses: dict[str, tuple[str, str]]) -> dict[str, Store]:
    """Empty ones."""
    found = {}
    for kind, (url, server) in addresses.items():
        found[kind] = Store(url, server, Keys("blog", CLUSTER_SHARDS if kind == "cluster" else 1))
        with client(server) as connection:
            masters: Any = {"target_nodes": "primaries"} if kind == "cluster" else {}
            connection.flushall(**masters)
    return found


def filled(store: Store, writers: int = 0) -> dict[str, Any]:
    """writers: keys that make it large enough to be met on its way."""
    fill(store.server, store.keys)
    with client(store.server) as connection:
        pipeline = connection.pipeline(transaction=False)
        for writer in range(writers):
            pipeline.set(store.keys.writer(writer), 1, ex=600)
        pipeline.execute()
    return held(store.server, store.keys)


@contextmanager
def moving(old: Store, new: Store, keys_there: int) -> Iterator[subprocess.Popen[str]]:
    """`adserver store move`, which has written so many keys by now."""
    arguments = ["store", "move", "--namespace", "blog", "--from", old.url, "--to", new.url]
    with (
        client(new.server) as connection,
        subprocess.Popen(
            command_line(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        while connection.dbsize() < keys_there and process.poll() is None:
            pass
        yield process


def mark(store: Store) -> None:
    with opened(store.settings) as (connection, keys):
        begin_arrival(connection, keys, "elsewhere")


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_put_into_the_same_topology_is_the_same_store(
    stores: dict[str, Store], kind: str, tmp_path: Path
) -> None:
    store, path = stores[kind], tmp_path / "one"
    before = filled(store)
    backup(store.settings, path, 1.5)
    with opened(store.settings) as (connection, keys):
        connection.unlink(keys.live)
        connection.set(keys.writer(99), 1)
    head, done = restore(store.settings, path, Wish(replace=True), time.time())
    assert held(store.server, store.keys) == before
    assert (head.made_at, head.shards, done.keys) == (1.5, store.keys.shards, len(before))
    with control_plane(store.settings) as plane:
        assert plane.catalogs.live() is not None


def test_a_backup_of_one_server_goes_into_any_other(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    """Valkey's into an older Redis, where DUMP and RESTORE would not do."""
    before = filled(stores["embedded"])
    backup(stores["embedded"].settings, tmp_path / "one", 1.0)
    restore(stores["redis"].settings, tmp_path / "one", Wish(), time.time())
    assert held(stores["redis"].server, stores["redis"].keys) == before
    restore(stores["cluster"].settings, tmp_path / "one", Wish(), time.time())
    spread = held(stores["cluster"].server, stores["cluster"].keys)
    for kind in ("totals", "counts", "daily"):
        assert sums(spread, kind) == sums(before, kind) != {}
    assert not check_store(stores["cluster"].settings).disagreements


@pytest.mark.parametrize(
    ("source", "target"),
    [("embedded", "redis"), ("redis", "cluster"), ("cluster", "embedded"), ("redis", "sentinel")],
)
def test_a_move_takes_everything_and_leaves_a_mark(
    stores: dict[str, Store], source: str, target: str
) -> None:
    old, new = stores[source], stores[target]
    before = filled(old)
    wish = Wish(drained=source == "cluster")
    done = move(old.settings, new.settings, wish, time.time())
    after = held(new.server, new.keys)
    assert done is not None
    assert done.keys == len(after)
    if old.keys.shards == new.keys.shards:
        assert after == before
    for kind in ("totals", "counts", "daily"):
        assert sums(after, kind) == sums(before, kind) != {}
    bitmaps = [
        {(name.partition("}:")[2], entry.body) for name, entry in some.items() if "seen" in name}
        for some in (before, after)
    ]
    assert bitmaps[0] == bitmaps[1] != set()
    assert not check_store(new.settings).disagreements
    with pytest.raises(UnfitStore, match="this store has moved to"), control_plane(old.settings):
        pass
    assert held(old.server, old.keys) == before


def test_a_move_that_was_done_is_not_done_again(stores: dict[str, Store]) -> None:
    old, new = stores["embedded"], stores["redis"]
    filled(old)
    assert move(old.settings, new.settings, Wish(), time.time())
    with opened(new.settings) as (connection, keys):
        connection.set(keys.writer(99), 1)
    assert move(old.settings, new.settings, Wish(), time.time()) is None
    assert "{catalog}:writer:99" in held(new.server, new.keys)
    with pytest.raises(UnfitStore, match="has already moved to"):
        move(old.settings, stores["sentinel"].settings, Wish(), time.time())


def test_a_move_that_was_cut_before_its_last_step_is_finished(stores: dict[str, Store]) -> None:
    """The first store is marked, the second is still half written: neither is served from."""
    old, new = stores["embedded"], stores["redis"]
    before = filled(old)
    move(old.settings, new.settings, Wish(), time.time())
    mark(new)
    for store in (old, new):
        with pytest.raises(UnfitStore), control_plane(store.settings):
            pass
    assert move(old.settings, new.settings, Wish(), time.time())
    assert held(new.server, new.keys) == before
    with control_plane(new.settings):
        pass


@pytest.mark.parametrize("keys_there", [1, 300, 1_500, 2_900])
def test_a_move_that_is_killed_can_be_run_again(stores: dict[str, Store], keys_there: int) -> None:
    old, new = stores["redis"], stores["sentinel"]
    before = filled(old, writers=3_000)
    with moving(old, new, keys_there) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    with pytest.raises(UnfitStore, match="half written"), control_plane(new.settings):
        pass
    with control_plane(old.settings) as plane:
        assert plane.catalogs.live() is not None
    assert move(old.settings, new.settings, Wish(), time.time())
    assert held(new.server, new.keys) == before


def test_but_for_the_mark_a_store_that_is_half_written_would_be_used(
    stores: dict[str, Store],
) -> None:
    """The control of the test above."""
    old, new = stores["redis"], stores["sentinel"]
    before = filled(old, writers=3_000)
    with moving(old, new, 300) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with client(new.server) as connection:
        connection.unlink(new.keys.moved)
    with control_plane(new.settings):
        assert held(new.server, new.keys).keys() < before.keys()


def test_a_store_that_is_written_to_meanwhile_is_not_left_for_the_other(
    stores: dict[str, Store],
) -> None:
    old, new = stores["redis"], stores["sentinel"]
    filled(old, writers=3_000)
    with client(old.server) as connection, moving(old, new, 1) as process:
        connection.set(old.keys.live, 1)
        complaint = process.communicate()[1]
    assert process.returncode == 2
    assert "the store was written to while it was moved" in complaint
    with pytest.raises(UnfitStore, match="half written"), control_plane(new.settings):
        pass
    with control_plane(old.settings):
        pass


@pytest.mark.parametrize("replace", [False, True])
def test_a_store_is_not_moved_onto_itself(stores: dict[str, Store], replace: bool) -> None:
    """Under another address, too: this one would otherwise be emptied first."""
    store = stores["embedded"]
    filled(store)
    before = everything(store.server)
    other = Settings(redis=store.server, namespace="blog")
    with pytest.raises(UnfitStore, match=r"already holds|same store"):
        move(store.settings, other, Wish(replace), time.time())
    assert everything(store.server) == before


def test_what_is_served_from_is_neither_moved_nor_replaced(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    old, new = stores["embedded"], stores["redis"]
    filled(old)
    backup(old.settings, tmp_path / "one", 1.0)
    for served in (old, new):
        seen(served.server, served.keys)
        untouched = everything(old.server), everything(new.server)
        with pytest.raises(UnfitStore, match=r"1 worker\(s\) serve from this store: web:8080/0"):
            move(old.settings, new.settings, Wish(replace=True), time.time())
        with pytest.raises(UnfitStore, match="serve from this store"):
            restore(served.settings, tmp_path / "one", Wish(replace=True), time.time())
        assert (everything(old.server), everything(new.server)) == untouched
        seen(served.server, served.keys, ago=SERVING_SECONDS + 5)
    assert move(old.settings, new.settings, Wish(replace=True), time.time())


def test_a_backup_is_made_while_nodes_serve(stores: dict[str, Store], tmp_path: Path) -> None:
    store = stores["embedded"]
    filled(store)
    seen(store.server, store.keys)
    assert backup(store.settings, tmp_path / "one", 1.0).keys > 10


def test_a_store_that_holds_something_is_not_written_over_unasked(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    old, new = stores["embedded"], stores["redis"]
    filled(old)
    fill(new.server, new.keys)
    backup(old.settings, tmp_path / "one", 1.0)
    before = everything(new.server)
    with pytest.raises(UnfitStore, match="already holds something"):
        restore(new.settings, tmp_path / "one", Wish(), time.time())
    with pytest.raises(UnfitStore, match="already holds something"):
        move(old.settings, new.settings, Wish(), time.time())
    assert everything(new.server) == before


def test_other_namespaces_are_left_alone(stores: dict[str, Store], tmp_path: Path) -> None:
    store = stores["redis"]
    filled(store)
    other = Keys("blog2")
    fill(store.server, other)
    before = held(store.server, other)
    backup(store.settings, tmp_path / "one", 1.0)
    restore(store.settings, tmp_path / "one", Wish(replace=True), time.time())
    assert held(store.server, other) == before
    elsewhere = Settings(redis=store.url, namespace="blog3")
    restore(elsewhere, tmp_path / "one", Wish(), time.time())
    assert held(store.server, Keys("blog3")) == held(store.server, store.keys)


def test_a_damaged_backup_touches_nothing(stores: dict[str, Store], tmp_path: Path) -> None:
    store, path = stores["redis"], tmp_path / "one"
    filled(store)
    backup(store.settings, path, 1.0)
    path.write_bytes(path.read_bytes()[:-1])
    before = everything(store.server)
    with pytest.raises(BackupError, match="damaged"):
        restore(store.settings, path, Wish(replace=True), time.time())
    assert everything(store.server) == before


def test_shards_that_may_not_have_got_everything_are_not_joined_unasked(
    stores: dict[str, Store],
) -> None:
    old, new = stores["cluster"], stores["redis"]
    filled(old)
    with pytest.raises(UnfitStore, match="--drained"):
        move(old.settings, new.settings, Wish(), time.time())
    assert everything(new.server) == {}


def test_what_cannot_be_moved_is_told(stores: dict[str, Store], tmp_path: Path) -> None:
    old, new = stores["embedded"], stores["redis"]
    with pytest.raises(UnfitStore, match="holds nothing under the namespace 'blog'"):
        move(old.settings, new.settings, Wish(), time.time())
    filled(old)
    mark(old)
    for refused in (
        lambda: move(old.settings, new.settings, Wish(), time.time()),
        lambda: backup(old.settings, tmp_path / "one", 1.0),
        lambda: check_store(old.settings),
    ):
        with pytest.raises(UnfitStore, match="half written: elsewhere was being put into it"):
            refused()


def test_a_file_that_cannot_be_written_is_told(stores: dict[str, Store], tmp_path: Path) -> None:
    filled(stores["redis"])
    with pytest.raises(SettingsError, match="cannot be written: No such file"):
        backup(stores["redis"].settings, tmp_path / "missing" / "one", 1.0)


def test_what_has_expired_since_the_backup_is_not_put_back(
    stores: dict[str, Store], tmp_path: Path
) -> None:
    store = stores["redis"]
    filled(store)
    with client(store.server) as connection:
        connection.set(store.keys.writer(99), 1, px=300)
        backup(store.settings, tmp_path / "one", 1.0)
        until(lambda: not connection.exists(store.keys.writer(99)))
    restore(store.settings, tmp_path / "one", Wish(replace=True), time.time())
    assert "{catalog}:writer:99" not in held(store.server, store.keys)

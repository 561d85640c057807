"""The user that docs/operating.md gives us: enough for everything (`test_everywhere.py` runs as
it), and without any one of its commands refused by that command's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import client, script
from adserver.store.counts import StoredCounts
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.permissions import COMMANDS, check_user
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.documented import QUOTED, acl, as_documented, as_user, commands, forbid
from tests.store.shipper import Shipper, counted, worker_of
from tests.store.test_cluster import another
from tests.store.test_connect import SCRIPTS
from tests.store_server import Server
from tests.topology import Cluster, cluster_running, redis_running, sentinel_running

KEYS = Keys("adserver")
SHARDED = Keys("adserver", CLUSTER_SHARDS)
OF_A_CONNECTION = {"select", "eval", "evalsha", "multi", "exec"}
OF_A_CLUSTER = {"asking", "command", "cluster|slots"}


@pytest.fixture(scope="module", params=["redis-server", "valkey-server"])
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with redis_running(request.param) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.call(*acl())
    return running


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with as_documented(cluster_running()) as store:
        yield store


def check(url: str, keys: Keys = KEYS) -> None:
    with client(as_user(url)) as control:
        check_user(control, keys)


def test_the_page_has_the_commands_that_are_asked_for_and_those_of_connections() -> None:
    assert set(commands()) == set(COMMANDS) | OF_A_CONNECTION | OF_A_CLUSTER


def test_what_scripts_call_is_asked_for() -> None:
    called = {
        name.lower()
        for path in SCRIPTS.glob("*.lua")
        for name in re.findall(r"\bcall\('(\w+)'", script(path.stem))
    }
    assert called
    assert called <= set(COMMANDS)


def test_with_all_of_them_nothing_is_missing(server: Server) -> None:
    check(server.url)


@pytest.mark.parametrize("name", [*COMMANDS, "eval", "evalsha"])
def test_a_command_that_is_missing_is_named(server: Server, name: str) -> None:
    forbid(server, name)
    server.call("SCRIPT FLUSH", raw=True)
    with pytest.raises(StoreUnavailable, match=rf"the store refused: .*\b{name}\b"):
        check(server.url)


def test_a_database_that_may_not_be_selected_is_named(server: Server) -> None:
    check(f"{server.url}/1")
    forbid(server, "select")
    check(server.url)
    with pytest.raises(StoreUnavailable, match="'select'"):
        check(f"{server.url}/1")


def test_keys_of_another_namespace_are_refused(server: Server) -> None:
    with client(as_user(server.url)) as control, pytest.raises(StoreUnavailable, match="key"):
        check_user(control, Keys("other"))


def test_a_wrong_password_is_refused_without_showing_it(server: Server) -> None:
    url = server.url.replace("://", "://adserver:s3cret@")
    with (
        client(url) as control,
        pytest.raises(StoreUnavailable, match=r"the store refused: .*username-password") as refused,
    ):
        check_user(control, KEYS)
    assert "s3cret" not in str(refused.value)


async def test_a_command_that_is_taken_away_later_is_named_by_the_line_that_needs_it(
    server: Server,
) -> None:
    server.call("FLUSHALL")
    async with worker_of(as_user(server.url)) as worker:
        shipper = Shipper(StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS))
        await shipper.ship(1)
        forbid(server, "bitfield")
        shipper.write()
        await shipper.step()
        assert re.search(r"refused: .*count\.lua.*'BITFIELD'", str(shipper.failures[-1]))
        server.call(*acl())
        await shipper.ship(1)
        assert await counted(server.url, KEYS) == shipper.events


@pytest.mark.parametrize("name", sorted(OF_A_CLUSTER - {"asking"}))
async def test_what_a_cluster_is_asked_at_first_is_named(cluster: Cluster, name: str) -> None:
    for one in cluster.servers:
        one.call(*acl())
    check(cluster.url, SHARDED)
    forbid(cluster, name)
    with pytest.raises(StoreUnavailable, match=f"the store refused: .*'{re.escape(name)}'"):
        check(cluster.url, SHARDED)
    if name == "command":
        return  # a worker has no need of it
    async with worker_of(as_user(cluster.url)) as worker:
        counts = StoredCounts(worker, SHARDED, TICKET_LIFE_SECONDS)
        with pytest.raises(StoreUnavailable, match=f"the store refused: .*'{re.escape(name)}'"):
            await counts.claim_writer()


async def test_a_shard_that_moves_needs_asking(cluster: Cluster) -> None:
    for one in cluster.servers:
        one.call(*acl())
        one.call("FLUSHALL")
    async with worker_of(as_user(cluster.url)) as worker:
        shipper = Shipper(StoredCounts(worker, SHARDED, TICKET_LIFE_SECONDS))
        await shipper.ship(1)
        slot = cluster.masters[0].call("CLUSTER KEYSLOT", SHARDED.totals(0))
        target = another(cluster, cluster.master_of(slot))
        cluster.begin_move(slot, target)
        cluster.move_keys(slot, target)
        await shipper.ship(1)
        assert not shipper.failures
        forbid(cluster, "asking")
        shipper.write()
        await shipper.step()
        assert "'asking'" in str(shipper.failures[-1])
        for one in cluster.servers:
            one.call(*acl())
        await shipper.ship(1)
        cluster.end_move(slot, target)


def test_sentinels_with_users_are_asked_as_the_one_that_is_theirs() -> None:
    with as_documented(sentinel_running()) as store:
        for one in store.sentinels:
            one.call(*acl("acl sentinel"))
            one.call("ACL", "SETUSER", "default", "resetpass", ">another")
        nobody = r"the store did not answer: No master found for 'ads' : 127\.0\.0\.1:\d+ - "
        with pytest.raises(StoreUnavailable, match=nobody) as refused:
            check(store.url)
        assert "redis." not in str(refused.value)
        check(f"{store.url}?sentinel_user=adserver&sentinel_password={QUOTED}")


def test_the_operators_commands_are_commands(server: Server) -> None:
    server.call(*acl("acl operator"))
    check(server.url)

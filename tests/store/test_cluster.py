"""Cluster: slots that move and masters that go away, under load, with every count exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.crc import key_slot

from adserver.core.errors import StoreUnavailable
from adserver.core.publication import Content, Entry
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.cluster import MAX_LEARNT, ClusterClient
from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.keys import CLUSTER_SHARDS, Keys
from tests.factories import campaign, catalog
from tests.servers import until
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipper import Shipper, counted, under_load, within, worker_of
from tests.store_server import Server
from tests.topology import Cluster, cluster_running, identity

KEYS = Keys("blog", CLUSTER_SHARDS)
SLOTS = [key_slot(KEYS.totals(shard).encode()) for shard in range(CLUSTER_SHARDS)]
CATALOG_SLOT = key_slot(KEYS.live.encode())
# What a visitor's click may wait; the parts of a store that are not concerned do not take longer.
LONGEST_PAUSE_SECONDS = 0.2
MOVES = 4
ATTEMPTS = 5


@asynccontextmanager
async def shipping(store: Cluster) -> AsyncIterator[list[Shipper]]:
    """To every shard, each of which has counted."""
    worker = async_client(store.url)
    try:
        counts = StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS)
        shippers = [Shipper(counts, shard) for shard in range(CLUSTER_SHARDS)]
        for shipper in shippers:
            await shipper.ship(1)
        yield shippers
    finally:
        await worker.aclose()


def written(shippers: list[Shipper]) -> int:
    return sum(shipper.events for shipper in shippers)


def another(store: Cluster, than: Server) -> Server:
    return next(one for one in store.masters if one is not than and one.alive)


def redirections(server: Server) -> dict[str, int]:
    """How often it has sent somebody elsewhere, by how."""
    said = server.call("INFO", "errorstats")
    names = ("ASK", "MOVED")
    return {name: said.get(f"errorstat_{name}", {"count": 0})["count"] for name in names}


async def test_shards_lie_on_all_masters() -> None:
    """Or the tests below would show less than they say."""
    with cluster_running() as store:
        assert {store.master_of(slot) for slot in SLOTS} == set(store.masters)


async def test_slots_that_move_under_load_lose_and_double_nothing() -> None:
    with cluster_running() as store:
        async with shipping(store) as shippers:
            first = shippers[0]

            def counts_on() -> None:
                position = first.stream.position
                until(lambda: first.stream.position > position + 3)

            def move() -> None:
                for _ in range(MOVES):
                    source = store.master_of(SLOTS[0])
                    target = another(store, source)
                    before = redirections(source)
                    store.begin_move(SLOTS[0], target)
                    store.move_keys(SLOTS[0], target)
                    counts_on()  # by ASK
                    store.end_move(SLOTS[0], target)
                    counts_on()  # by MOVED, once
                    after = redirections(source)
                    assert after["ASK"] > before["ASK"]
                    assert after["MOVED"] > before["MOVED"]

            await under_load(shippers, move)
            assert await counted(store.url, KEYS) == written(shippers)


async def test_a_slot_that_is_half_there_and_half_here_is_tried_again() -> None:
    with cluster_running() as store:
        async with shipping(store) as shippers:
            source = store.master_of(SLOTS[0])
            target = another(store, source)
            store.begin_move(SLOTS[0], target)
            one = source.call("CLUSTER", "GETKEYSINSLOT", SLOTS[0], 1)
            source.call("MIGRATE", target.host, target.port, "", 0, 1000, "KEYS", *one)
            shippers[0].write()
            shipment = shippers[0].stream.step()
            counts, source_of_it = shippers[0]._counts, shippers[0].source
            with pytest.raises(StoreUnavailable, match="the store refused: "):
                await counts.apply(source_of_it, 0, shipment)
            shippers[0].stream.failed()
            store.move_keys(SLOTS[0], target)
            store.end_move(SLOTS[0], target)
            await shippers[0].ship(1)
            assert await counted(store.url, KEYS) == written(shippers)


async def test_whoever_does_not_follow_is_refused_where_the_slot_was() -> None:
    """The control: the address of one master, as if it were no Cluster."""
    with cluster_running() as store:
        source = store.master_of(SLOTS[0])
        async with worker_of(source.url) as worker:
            counts = StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS)
            shipper = Shipper(counts, 0)
            await shipper.ship(1)
            store.move_slots([SLOTS[0]], another(store, source))
            with pytest.raises(TimeoutError):
                await within(shipper.ship(1), 0.5)
            assert "the store refused" in str(shipper.failures[-1])


async def lose_a_master(store: Cluster, fault: str) -> float:
    """Under load. The longest pause of the shards that are not concerned."""
    async with shipping(store) as shippers:
        old = store.master_of(SLOTS[0])
        others = [one for one in shippers if store.master_of(SLOTS[one.shard]) is not old]
        assert 0 < len(others) < len(shippers)

        def fail_over() -> None:
            if fault == "kill":
                store.kill_master(SLOTS[0])
            else:
                store.stop_master(SLOTS[0])
            store.failed_over(SLOTS[0], old)

        for shipper in shippers:
            shipper.begin()
        await under_load(shippers, fail_over)
        assert shippers[0].failures, "the master was away, and nobody noticed"
        assert await counted(store.url, KEYS) == written(shippers)
        return max(shipper.longest_pause for shipper in others)


@pytest.mark.alone
@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_a_master_that_goes_away_concerns_its_own_shards_alone(fault: str) -> None:
    pauses = []
    # A busy machine makes pauses of its own, but not each time; what the store makes is there
    # each time.
    while not pauses or (min(pauses) >= LONGEST_PAUSE_SECONDS and len(pauses) < ATTEMPTS):
        with cluster_running(replicas=1, cluster_require_full_coverage="no") as store:
            pauses.append(await lose_a_master(store, fault))
    assert min(pauses) < LONGEST_PAUSE_SECONDS


@pytest.mark.alone
async def test_with_full_coverage_required_all_shards_wait() -> None:
    """The control, and why the documentation asks for `cluster-require-full-coverage no`."""
    with cluster_running(replicas=1, cluster_require_full_coverage="yes") as store:
        pause = await lose_a_master(store, "kill")
    assert pause > LONGEST_PAUSE_SECONDS


async def test_scripts_that_are_forgotten_under_load_are_told_again() -> None:
    with cluster_running() as store:
        async with shipping(store) as shippers:

            def forget() -> None:
                for _ in range(10):
                    positions = [one.stream.position for one in shippers]
                    for master in store.masters:
                        master.call("SCRIPT FLUSH", raw=True)
                    until(
                        lambda positions=positions: all(
                            one.stream.position > before + 1
                            for one, before in zip(shippers, positions, strict=True)
                        )
                    )

            await under_load(shippers, forget)
            assert not [failure for one in shippers for failure in one.failures]
            assert await counted(store.url, KEYS) == written(shippers)


def test_the_command_line_follows_the_catalog() -> None:
    with cluster_running() as store:
        source = store.master_of(CATALOG_SLOT)
        with client(store.url) as control:
            catalogs = StoredCatalogs(control, KEYS)
            catalogs.publish(0, catalog(campaign("a")), Content(), Entry("me"))
            store.move_slots([CATALOG_SLOT], another(store, source))
            assert catalogs.publish(1, catalog(campaign("b")), Content(), Entry("me")).number == 2


def test_a_cluster_of_which_no_node_answers_is_unavailable() -> None:
    with cluster_running() as store:
        for server in store.servers:
            server.kill()
        with pytest.raises(StoreUnavailable, match="the store did not answer"), client(store.url):
            pass


async def test_nodes_that_were_replaced_are_forgotten() -> None:
    async with worker_of("redis+cluster://a,b:7000") as worker:
        assert isinstance(worker, ClusterClient)
        for port in range(1, 2 * MAX_LEARNT):
            worker.learn(("node", port))
        worker.learn(("node", MAX_LEARNT))
        learnt = [("node", port) for port in range(MAX_LEARNT, 2 * MAX_LEARNT)]
        assert worker.hosts == [("a", 6379), ("b", 7000), *learnt[1:], learnt[0]]
        assert worker.another(("b", 7000)) == learnt[1]
        assert worker.another(learnt[0]) == worker.another(("gone", 1)) == ("a", 6379)


async def test_nodes_that_send_each_to_the_other_are_given_up() -> None:
    with cluster_running() as store:
        source = store.master_of(SLOTS[0])
        other = another(store, source)
        source.call("CLUSTER", "SETSLOT", SLOTS[0], "NODE", identity(other))
        async with worker_of(store.url) as worker:
            shipper = Shipper(StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS))
            shipper.write()
            shipment = shipper.stream.step()
            with pytest.raises(StoreUnavailable, match="moved 3 times within one call"):
                await shipper._counts.apply(shipper.source, 0, shipment)


async def test_a_cluster_that_is_down_is_unavailable_to_all_who_ask_at_once() -> None:
    with cluster_running() as store:
        async with worker_of(store.url) as worker:
            live = StoredLiveCatalog(worker, KEYS)
            said: list[str] = []
            over = asyncio.Event()

            async def ask_on() -> None:
                while not over.is_set():
                    try:
                        await live.live_number()
                    except StoreUnavailable as error:
                        said.append(str(error))
                    await asyncio.sleep(0)

            asking = [asyncio.create_task(ask_on()) for _ in range(10)]
            lost = next(one for one in store.masters if one is not store.master_of(CATALOG_SLOT))
            lost.kill()
            try:
                async with asyncio.timeout(20):
                    while not sum("down" in text for text in said) > 20:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            finally:
                over.set()
                await asyncio.gather(*asking)
            lost.start()
            await asyncio.to_thread(until, store.ready)
            assert await live.live_number() == 0


@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_whichever_node_is_away_the_others_are_read(fault: str) -> None:
    with cluster_running(cluster_require_full_coverage="no") as store:
        for lost in store.masters:
            if store.master_of(CATALOG_SLOT) is lost:
                store.move_slots([CATALOG_SLOT], another(store, lost))
            away = next(n for n, slot in enumerate(SLOTS) if store.master_of(slot) is lost)
            if fault == "kill":
                lost.kill()
            else:
                lost.stop()
            await read_on(store.url, away)
            if fault == "kill":
                with client(store.url) as control:  # which would wait ten seconds for a stopped one
                    assert StoredCatalogs(control, KEYS).live() is None
                lost.start()
            else:
                lost.cont()
            await asyncio.to_thread(until, store.ready)


async def read_on(url: str, away: int) -> None:
    """The catalog, while this shard cannot be read."""
    async with worker_of(url) as worker:
        live = StoredLiveCatalog(worker, KEYS)
        counts = StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS)
        for _ in range(3):
            assert await live.live_number() == 0
            with pytest.raises(StoreUnavailable):
                await counts.ledger(Shipper(counts, away).source, away)

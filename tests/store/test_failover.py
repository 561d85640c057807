"""Sentinel: whatever becomes of the master, what was written is counted, once.

Redis copies to its replicas after it has answered, so a failover forgets what the replica had
not got yet. The ledger then says so, and the journal is read again from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adserver.core.batch import Mark
from adserver.core.errors import StoreUnavailable
from adserver.core.publication import Content, Entry
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from tests.factories import campaign, catalog
from tests.servers import until
from tests.sides import Sides, two_sides
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipper import Shipper, counted, under_load, within, worker_of
from tests.store_server import Server
from tests.topology import Sentinels, redis_running, sentinel_running

KEYS = Keys("blog")


@asynccontextmanager
async def shipping(url: str, kind: type[Shipper] = Shipper) -> AsyncIterator[Shipper]:
    worker = async_client(url)
    try:
        yield kind(StoredCounts(worker, KEYS, TICKET_LIFE_SECONDS))
    finally:
        await worker.aclose()


@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_counting_goes_on_at_the_new_master(fault: str) -> None:
    with sentinel_running() as store:
        async with shipping(store.url) as shipper:
            await shipper.ship(3)

            def fail_over() -> None:
                store.failed_over(store.kill_master() if fault == "kill" else store.stop_master())

            await under_load([shipper], fail_over)
        assert shipper.failures, "the master was away, and nobody noticed"
        assert await counted(store.url, KEYS) == shipper.events


async def test_without_sentinels_nothing_is_counted_any_more() -> None:
    """The control of the one above: the address of the master alone."""
    with sentinel_running() as store:
        async with shipping(store.master().url) as shipper:
            await shipper.ship(1)
            store.failed_over(store.kill_master())
            with pytest.raises(TimeoutError):
                await within(shipper.ship(1), 1.0)


def test_the_command_line_goes_to_the_new_master() -> None:
    with sentinel_running() as store:
        with client(store.url) as control:
            StoredCatalogs(control, KEYS).publish(0, catalog(campaign("a")), Content(), Entry("me"))
        until(lambda: all(one.call("EXISTS", KEYS.live) for one in store.servers))
        store.failed_over(store.kill_master())
        with client(store.url) as control:
            catalogs = StoredCatalogs(control, KEYS)
            assert catalogs.publish(1, catalog(campaign("b")), Content(), Entry("me")).number == 2


async def test_a_worker_reads_from_the_new_master() -> None:
    with sentinel_running() as store:
        async with worker_of(store.url) as worker:
            live = StoredLiveCatalog(worker, KEYS)
            assert await live.live_number() == 0
            old = store.stop_master()
            with pytest.raises(StoreUnavailable):
                await live.live_number()
            store.failed_over(old)
            assert await live.live_number() == 0


class Forgetful(Shipper):
    """The control: it sends again what was not answered, and reads nothing from its journal."""

    def _told(self, mark: Mark) -> None:
        rolled_back = self.stream.rollbacks
        super()._told(mark)
        if self.stream.rollbacks > rolled_back:
            self.stream.read([], len(self.parts))


@pytest.mark.parametrize("kind", [Shipper, Forgetful])
async def test_what_a_master_counts_that_is_cut_off_is_counted_again_at_the_new_one(
    kind: type[Shipper],
) -> None:
    with two_sides() as sides, sentinel_running(sides.left, sides.right, sides.right) as store:
        async with shipping(store.url, kind) as right:
            right.source = right.source._replace(writer=2)
            left = Left(sides, store, kind)
            work = asyncio.to_thread(cut_and_join, sides, store, left)
            await asyncio.gather(left.running(), right.ship_until(left.done), left.until_over(work))
        missing = left.shipper.events + right.events - await counted(store.url, KEYS)
        if kind is Shipper:
            assert left.shipper.stream.rollbacks
            assert missing == 0
        else:
            assert missing > 0, "nothing was lost: this would not have shown it"


class Left:
    """A worker on the side of the master that is cut off, in a thread that lives there."""

    def __init__(self, sides: Sides, store: Sentinels, kind: type[Shipper]) -> None:
        self.sides, self.store, self.kind = sides, store, kind
        self.shipper: Shipper
        self.done = asyncio.Event()

    async def running(self) -> None:
        await asyncio.to_thread(self._run)

    def _run(self) -> None:
        with self.sides.left.entered():
            asyncio.run(self._ship())

    async def _ship(self) -> None:
        async with shipping(self.store.url, self.kind) as self.shipper:
            while not self.done.is_set():
                await self.shipper.step()
            await self.shipper.ship(1)

    async def until_over(self, work) -> None:  # type: ignore[no-untyped-def]
        try:
            await within(work, 60)
        finally:
            self.done.set()


def cut_and_join(sides: Sides, store: Sentinels, left: Left) -> None:
    old, *others = store.servers
    until(lambda: hasattr(left, "shipper") and len(left.shipper.parts) > 3)
    with sides.cut():
        until(lambda: all(store.master(one) in others for one in store.sentinels[1:]))
        written = len(left.shipper.parts)
        until(lambda: len(left.shipper.parts) > written + 3)
        assert old.role() == "master"
    until(lambda: old.role() == "slave")
    store.failed_over(old)


async def test_a_master_that_was_demoted_refuses_and_is_used_again_when_it_is_one() -> None:
    with redis_running() as server:
        async with shipping(server.url) as shipper:
            await shipper.ship(1)
            # Of nobody who is there, or it would soon have what that one has, which is nothing.
            server.call("REPLICAOF", "127.0.0.1", 1)
            await refused(shipper, "the store refused: .*read only replica")
            server.call("REPLICAOF", "NO", "ONE")
            await shipper.ship(1)
        assert await counted(server.url, KEYS) == shipper.events


async def test_a_master_that_has_too_few_replicas_refuses_before_it_has_counted_a_part() -> None:
    with redis_running() as server:
        async with shipping(server.url) as shipper:
            await shipper.ship(1)
            server.call("CONFIG", "SET", "min-replicas-to-write", 1)
            await refused(shipper, "the store refused: .*Not enough good replicas")
            server.call("CONFIG", "SET", "min-replicas-to-write", 0)
            await shipper.ship(1)
        assert await counted(server.url, KEYS) == shipper.events


async def refused(shipper: Shipper, told: str) -> None:
    shipper.write()
    shipment = shipper.stream.step()
    with pytest.raises(StoreUnavailable, match=told):
        await shipper._counts.apply(shipper.source, shipper.shard, shipment)
    shipper.stream.failed()


@pytest.mark.parametrize("program", ["redis-server", "valkey-server"])
async def test_connections_that_are_cut_under_load_lose_and_double_nothing(program: str) -> None:
    with redis_running(program) as server:
        async with shipping(server.url) as shipper:
            await under_load([shipper], lambda: cut_connections(server, shipper))
        assert await counted(server.url, KEYS) == shipper.events


def cut_connections(server: Server, shipper: Shipper) -> None:
    """Until three calls were under way; one that is cut between calls is opened anew unnoticed."""
    while len(shipper.failures) < 3:
        until(lambda: server.call("CLIENT KILL", "TYPE", "normal", "SKIPME", "yes"))

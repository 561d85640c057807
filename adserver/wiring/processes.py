"""What each process of a node is made of, and how it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp

from adserver.between import look_rarely
from adserver.core.catalog import Generation
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Row
from adserver.core.invalid import Mode, Rule
from adserver.core.snapshot import Snapshot
from adserver.core.store_clock import StoreClock
from adserver.core.ticket import Sealer
from adserver.metrics.exposition import add_up
from adserver.metrics.meter import Dump, Meter
from adserver.serving.admin import admin_app
from adserver.serving.app import PublicApp
from adserver.serving.asset_cache import AssetCache
from adserver.serving.children import Lifeline
from adserver.serving.collect import Collected
from adserver.serving.counting import Counting
from adserver.serving.countries import Countries
from adserver.serving.edge import Edge
from adserver.serving.invalid import Invalid
from adserver.serving.journals import Journals
from adserver.serving.leasing import Leasing
from adserver.serving.listening import server
from adserver.serving.live import Live
from adserver.serving.pacing import Pacing
from adserver.serving.peers import CountryHeader
from adserver.serving.presence import Presence
from adserver.serving.sampling import Sampling
from adserver.serving.seen import SharedSeen
from adserver.serving.shipping import Shipping
from adserver.serving.state import State
from adserver.serving.tasks import cancel, forever
from adserver.serving.worker import (
    PARENT_SECONDS,
    Beside,
    keep_beating,
    leave_with_parent,
    set_constant_gauges,
)
from adserver.store.address import shards_of
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient, async_client
from adserver.store.counts import WRITER_BITS, StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from adserver.store.samples import StoredSamples
from adserver.store.traffic import StoredLiveTraffic
from adserver.wiring.admission import WAIT_SECONDS
from adserver.wiring.alike import alike_of
from adserver.wiring.delivery import Delivery
from adserver.wiring.edge import edge_of
from adserver.wiring.identity import JOURNALS
from adserver.wiring.invalid import invalid_of
from adserver.wiring.learning import BEAT_SECONDS, Learning
from adserver.wiring.reloading import reread_token
from adserver.wiring.upkeep import UPKEEP_SECONDS, Upkeep

if TYPE_CHECKING:
    from adserver.wiring.node import Node

log = structlog.get_logger(__name__)
Answered = TypeVar("Answered")
# Makes what answers the paths that are not the ad server's; it may call the ad server itself.
MakeBeside = Callable[[Callable[[], PublicApp]], ASGIApp]
MEBIBYTE = 1024 * 1024


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncClient]:
    connection = async_client(url)
    try:
        yield connection
    finally:
        await connection.aclose()


async def run_worker(node: Node, number: int, beside: MakeBeside, lifeline: Lifeline) -> None:
    keep_beating(lifeline)
    look_rarely()
    settings = node.settings
    async with connected(node.store) as connection:
        keys = Keys(settings.namespace, shards_of(settings.redis))
        unmatched = dict(settings.rules).get(Rule.UNMATCHED, Mode.OFF)
        counts = StoredCounts(connection, keys, settings.ticket_life, unmatched)
        catalog = StoredLiveCatalog(connection, keys, node.signing.known)
        journals = journals_of(node)
        meter = Meter()

        def note(rows: list[Row]) -> None:
            live.note(rows)

        shipping = Shipping(counts, journals, meter, note)
        clock = StoreClock(time.time() - time.monotonic())
        counting = Counting(
            lambda: live.timezone,
            shipping.durable,
            SharedSeen(node.seen, Path(node.folder) / "seen.lock"),
            always=settings.journal_sync == "always",
            clock=lambda: clock.known(time.monotonic()),
        )
        leasing = Leasing(
            StoredLeases(connection, keys, settings.ticket_life),
            shipping.watch,
            lambda shard: shipping.spoken(shard, counting.passed),
            clock,
        )
        pacing = Pacing(
            StoredLiveTraffic(connection, keys),
            StoredSamples(connection, keys),
            lambda: leasing.rooms,
            lambda: leasing.workers,
        )

        async def before(generation: Generation, snapshot: Snapshot) -> None:
            await leasing.follow(generation)
            await pacing.follow(generation, snapshot)

        invalid = invalid_of(node, lambda: live.served, counting, meter)
        live = Live(catalog, settings.public_url, meter, before, invalid)
        assets = AssetCache(catalog, meter)
        state = await make_state(node, counts, assets, live, counting, leasing, meter, invalid)
        app = PublicApp(state, urlsplit(settings.public_url).path, beside)
        beside_requests = Beside(
            state,
            catalog,
            counts,
            journals,
            shipping,
            Presence(state, catalog, f"{node.name}/{number}", alike_of(settings), node.start),
            node.collect_path,
            node.identity,
            Sampling(state.sampler, StoredSamples(connection, keys), live),
            pacing,
        )
        async with beside_requests.running():
            edge = edge_of(settings, meter, preview=node.preview)
            edge.backlog.beat = lifeline.beat
            await server(app, lifeline.ready, edge).serve(sockets=[node.public])


def journals_of(node: Node) -> Journals:
    """Those of this store, whatever other stores the node has had. Each worker has its share."""
    settings = node.settings
    share = settings.journal_mebibytes * MEBIBYTE // settings.workers
    return Journals(
        settings.state / JOURNALS / node.identity,
        share,
        settings.ticket_life,
        mapped=settings.journal_sync == "interval",
    )


async def make_state(  # noqa: PLR0913 - what a worker is made of
    node: Node,
    counts: StoredCounts,
    assets: AssetCache,
    live: Live,
    counting: Counting,
    leasing: Leasing,
    meter: Meter,
    invalid: Invalid,
) -> State:
    settings = node.settings
    state = State(
        live=live,
        counting=counting,
        leasing=leasing,
        sealer=Sealer(node.signing.keys),
        assets=assets,
        meter=meter,
        writer=await writer_of(node, counts),
        ticket_life=settings.ticket_life,
        trusted_peers=settings.trusted_peers,
        country_header=(
            CountryHeader(settings.country_header, settings.trusted_peers)
            if settings.country_header
            else None
        ),
        preview=node.preview,
        invalid=invalid,
        sheds=settings.shedding == "on" and not node.preview,
        countries=(
            Countries(settings.country_database, node.country_file, settings.trusted_peers, meter)
            if settings.country_database
            else None
        ),
    )
    set_constant_gauges(state, settings.journal_mebibytes * MEBIBYTE)
    meter.gauges["robots_list_info"][(node.robots.version,)] = 1
    return state


async def writer_of(node: Node, counts: StoredCounts) -> int:
    """A worker of a node that begins does not wait for the store: an empty slot is an answer.

    One that comes later does, as the others have a generation in memory and it has none.
    """
    if node.begun.is_set():
        return await until_answered(counts.claim_writer)
    try:
        return await counts.claim_writer()
    except StoreUnavailable as error:
        log.warning("writer_not_claimed", error=str(error))
        # That another worker has drawn it as well is one chance in four billion.
        return secrets.randbits(WRITER_BITS)


async def until_answered(call: Callable[[], Awaitable[Answered]]) -> Answered:
    while True:
        try:
            return await call()
        except StoreUnavailable as error:
            log.warning("waiting_for_store", error=str(error))
            await asyncio.sleep(WAIT_SECONDS)


async def run_admin(node: Node, lifeline: Lifeline) -> None:
    keep_beating(lifeline)
    collected = Collected()
    # Left by an admin process that was killed.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(node.collect_path)
    listener = await collected.listen(node.collect_path)
    async with listener, connected(node.store) as connection:
        settings = node.settings
        keys = Keys(settings.namespace, shards_of(settings.redis))
        delivery = Delivery(connection, keys)
        upkeep = Upkeep(connection, keys, settings.ticket_life)
        learning = Learning(connection, keys, lambda: collected.generation > 0)

        async def beside_workers() -> Dump:
            return add_up([node.counts.dump(), await delivery.dump()])

        def reread() -> None:
            reread_token(settings, node.guard, node.counts)

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)
        reread()  # it may have changed before this process was started
        app = admin_app(collected, node.guard, beside_workers)
        beside = [
            asyncio.create_task(forever(PARENT_SECONDS, leave_with_parent(os.getppid()))),
            asyncio.create_task(forever(UPKEEP_SECONDS, upkeep.run)),
            asyncio.create_task(forever(BEAT_SECONDS, learning.run)),
        ]
        await server(app, lifeline.ready, Edge()).serve(sockets=[node.admin])
        await cancel(beside)

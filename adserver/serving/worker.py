"""One worker process: the public app on the inherited socket, and what runs beside requests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from adserver import __version__
from adserver.core.errors import AdserverError, JournalError, StoreUnavailable, UnreadablePause
from adserver.core.nodes import NodeState
from adserver.core.ports.serving import Counts, LiveCatalog
from adserver.metrics import Dump
from adserver.serving.accepting import Accepting
from adserver.serving.children import Lifeline
from adserver.serving.closing import waiting
from adserver.serving.collect import Teller
from adserver.serving.countries import LOOK_SECONDS
from adserver.serving.edge import Edge
from adserver.serving.journals import Journals
from adserver.serving.pacing import PACE_SECONDS, Pacing
from adserver.serving.protocol import AdProtocol
from adserver.serving.sampling import SAMPLING_SECONDS, Sampling
from adserver.serving.shipping import Shipping
from adserver.serving.state import State
from adserver.serving.store_watch import ERROR_KINDS
from adserver.serving.ticking import ticking

log = structlog.get_logger(__name__)

# Four looks in the two seconds within which an apply is served everywhere.
FOLLOW_SECONDS = 0.5
# As many in the two seconds within which a pause is one everywhere.
PAUSES_SECONDS = 0.5
# Pauses that cannot be read, as another release wrote them: complained of so often.
UNREADABLE_SECONDS = 10.0
FLUSH_SECONDS = 1.0
JOURNALS_SECONDS = 1.0
NODE_SECONDS = 1.0
KEEP_SOURCES_SECONDS = 3_600.0
EPOCH_BITS = 32
PARENT_SECONDS = 1.0
HEARTBEAT_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 1.0
ACCEPTING_SECONDS = 2.0
ACCEPTING_LOOK_SECONDS = 0.02
DRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Beside:
    """What a worker does beside requests, and with whom."""

    state: State
    catalog: LiveCatalog
    counts: Counts
    journals: Journals
    shipping: Shipping
    name: str
    collect_path: str
    identity: str
    sampling: Sampling | None = None
    pacing: Pacing | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything runs until the block ends; then tallies and last words are written."""
        self._begin_journal()
        await self._follow()  # before the first request, so that it finds a snapshot
        if self.state.live.served is None:
            log.warning("nothing_to_serve", do="`adserver apply` makes the campaign files live")
        teller = asyncio.create_task(Teller(self.collect_path, self._dump).run())
        every = [
            asyncio.create_task(forever(seconds, work))
            for seconds, work in (
                (FOLLOW_SECONDS, self._follow),
                (PAUSES_SECONDS, self._pause),
                (FLUSH_SECONDS, self.state.counting.flush),
                (JOURNALS_SECONDS, self._look_after_journals),
                (NODE_SECONDS, self._report),
                (KEEP_SOURCES_SECONDS, self._keep_sources),
                (PARENT_SECONDS, leave_with_parent(os.getppid())),
                (NODE_SECONDS, self._keep_identity),
            )
        ]
        every += [asyncio.create_task(forever(1.0, work)) for work in self.state.invalid.beside]
        every.append(asyncio.create_task(self.state.leasing.run()))
        if (countries := self.state.countries) is not None:
            every.append(asyncio.create_task(forever(LOOK_SECONDS, countries.look)))
        if self.sampling is not None:
            every.append(asyncio.create_task(forever(SAMPLING_SECONDS, self.sampling.flush)))
        if self.pacing is not None:
            every.append(
                asyncio.create_task(forever(PACE_SECONDS, partial(self._pace, self.pacing)))
            )
        try:
            with ticking(self.state.overload):
                yield
        finally:
            await cancel(every)
            await self.state.counting.finish()
            with contextlib.suppress(StoreUnavailable):
                await self.state.leasing.finish()
            await self.shipping.finish()
            if self.sampling is not None:
                await self.sampling.flush()
            with contextlib.suppress(StoreUnavailable):
                await self.catalog.forget_node(self.name)
            await cancel([teller])

    def _dump(self) -> Dump:
        live = self.state.live
        age = self.state.clock() - live.confirmed if live.served else 0.0
        gauges, overload = self.state.meter.gauges, self.state.overload
        gauges["snapshot_age_seconds"][()] = age
        gauges["event_loop_lag_seconds"][()] = overload.lag
        gauges["overload_shed_probability"][()] = overload.probability
        return self.state.meter.dump()

    async def _follow(self) -> None:
        gauges = self.state.meter.gauges
        try:
            changed = await self.state.live.refresh(self.state.clock())
        except StoreUnavailable as error:
            self.shipping.watch.failed("follow", error, "follow")
            return
        except (ValueError, KeyError, AdserverError):
            # What is served stays; the next look tries again.
            self.state.meter.counts["generation_load_failures_total"][()] += 1
            log.exception("generation_not_loaded", served=self.state.live.generation)
            return
        self.shipping.watch.answered("follow")
        gauges["generation"][()] = self.state.live.generation
        if changed:
            await self._after_change()

    async def _pause(self) -> None:
        live, clock = self.state.live, self.state.clock
        try:
            await live.pausing.look()
        except StoreUnavailable as error:
            self.shipping.watch.failed("pauses", error, "pauses")
        except UnreadablePause:
            log.exception("pauses_not_read")
            await asyncio.sleep(UNREADABLE_SECONDS)
        else:
            self.shipping.watch.answered("pauses")
        # What is over is over, whatever the store says.
        if await live.pause(clock()):
            log.info("pauses_changed", worker=self.name)

    async def _after_change(self) -> None:
        served = self.state.live.served
        if served is None:
            return
        log.info("generation_served", generation=served.snapshot.generation, worker=self.name)
        digests = [
            asset.digest
            for campaign in served.snapshot.catalog.campaigns
            for creative in campaign.creatives
            for asset in (*creative.images, *((creative.html,) if creative.html else ()))
        ]
        await self.state.assets.preload(digests)

    async def _pace(self, pacing: Pacing) -> None:
        try:
            await pacing.refresh()
        except StoreUnavailable as error:
            self.shipping.watch.failed("pace", error, "pace")
        else:
            self.shipping.watch.answered("pace")

    async def _report(self) -> None:
        now, live = self.state.clock(), self.state.live
        signs_with = self.state.sealer.signs_with
        with contextlib.suppress(StoreUnavailable):
            await self.catalog.report_node(
                NodeState(self.name, live.generation, live.since, now, signs_with)
            )

    def _begin_journal(self) -> None:
        """A journal of our own; without one, ads are served and events are refused."""
        if self.shipping.own is not None:
            return
        try:
            journal = self.journals.create(self.state.writer, secrets.randbits(EPOCH_BITS))
        except JournalError as error:
            log.error("journal_failed", error=str(error))
            return
        self.shipping.begin(journal)
        self.state.counting.begin(journal)

    async def _look_after_journals(self) -> None:
        self._begin_journal()
        await self.shipping.look_after()

    async def _keep_sources(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self.counts.keep(self.shipping.sources)

    async def _keep_identity(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            found = await self.catalog.keep_identity(self.identity)
            self.shipping.suspended = found != self.identity
            if self.shipping.suspended:
                log.error("store_is_another", identity=found, ours=self.identity, do="restart")


async def forever(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("beside_failed")
        await asyncio.sleep(seconds)


def keep_beating(lifeline: Lifeline) -> None:
    """As long as the loop runs, to the end of the drain: a timer, and no task that is cancelled."""
    lifeline.beat()
    asyncio.get_running_loop().call_later(HEARTBEAT_SECONDS, keep_beating, lifeline)


def leave_with_parent(parent: int) -> Callable[[], Awaitable[None]]:
    """A worker whose supervisor was killed has nobody to replace or drain it: it leaves."""

    async def look() -> None:
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return look


async def cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Until they have ended: a library may lose a cancellation that comes with its answer."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


class Server(uvicorn.Server):
    """uvicorn's server, told by SIGTERM alone, and saying when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], edge: Edge) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._edge = edge

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        sweeping = asyncio.create_task(self._edge.sweeping())
        try:
            await super().serve(sockets)
        finally:
            await cancel([sweeping])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The stock one raises the signal again when it has served: we still have to flush.
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._accepting = Accepting(sockets or [], self._connect, self._edge.room)
        self._on_ready()

    def _connect(self) -> asyncio.Protocol:
        """As uvicorn does for those whom the event loop accepts."""
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whom the kernel has let in is accepted before the socket is closed, and answered."""
        self._edge.leaving = True
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await accept_waiting(sockets or [])
        self._accepting.stop()
        await super().shutdown(sockets)


async def accept_waiting(listening: list[socket.socket]) -> None:
    """Until nobody waits to be accepted, which the event loop does meanwhile, one a turn.

    Where others listen as well, some always wait, for them: we stay a little, and go.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + ACCEPTING_SECONDS
    while loop.time() < end:
        await asyncio.sleep(ACCEPTING_LOOK_SECONDS)
        if not any(map(waiting, listening)):
            return


def server(app: ASGIApp, on_ready: Callable[[], None], edge: Edge) -> Server:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(AdProtocol, edge=edge),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Server(config, on_ready, edge)


def set_constant_gauges(state: State, journal_limit_bytes: int) -> None:
    gauges = state.meter.gauges
    gauges["journal_limit_bytes"][()] = journal_limit_bytes
    for name in ("journal_events", "journal_bytes", "journals_quarantined"):
        gauges[name][()] = 0
    for kind in ERROR_KINDS:
        state.meter.present("store_errors_total", (kind,))
    state.meter.present("generation_load_failures_total", ())
    gauges["workers"][()] = 1
    gauges["build_info"][__version__,] = 1
    gauges["generation"][()] = state.live.generation

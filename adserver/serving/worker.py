"""One worker process: the public app on the inherited socket, and what runs beside requests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from adserver import __version__
from adserver.between import between_requests
from adserver.core.catalog import Catalog
from adserver.core.errors import AdserverError, JournalError, StoreUnavailable, UnreadablePause
from adserver.core.ports.serving import Counts, LiveCatalog
from adserver.core.steps import Steps, in_steps
from adserver.metrics.meter import Dump
from adserver.serving.children import Lifeline
from adserver.serving.collect import Teller
from adserver.serving.countries import LOOK_SECONDS
from adserver.serving.giving_back import give_back
from adserver.serving.journals import Journals
from adserver.serving.pacing import PACE_SECONDS, Pacing
from adserver.serving.presence import Presence
from adserver.serving.sampling import SAMPLING_SECONDS, Sampling
from adserver.serving.shipping import Shipping
from adserver.serving.state import State
from adserver.serving.store_watch import ERROR_KINDS
from adserver.serving.tasks import cancel, forever
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


@dataclass(frozen=True, slots=True)
class Beside:
    """What a worker does beside requests, and with whom."""

    state: State
    catalog: LiveCatalog
    counts: Counts
    journals: Journals
    shipping: Shipping
    presence: Presence
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
                (NODE_SECONDS, self.presence.say),
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
            await self.presence.leave()
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
            log.info("pauses_changed", worker=self.presence.name)

    async def _after_change(self) -> None:
        served = self.state.live.served
        if served is None:
            return
        log.info(
            "generation_served", generation=served.snapshot.generation, worker=self.presence.name
        )
        digests = digests_of(served.snapshot.catalog)
        await self.state.assets.preload(await between_requests(digests, lasting=False))
        give_back()

    async def _pace(self, pacing: Pacing) -> None:
        try:
            await pacing.refresh()
        except StoreUnavailable as error:
            self.shipping.watch.failed("pace", error, "pace")
        else:
            self.shipping.watch.answered("pace")

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


def digests_of(catalog: Catalog) -> Steps[list[str]]:
    """Of all files that creatives show."""
    found: list[str] = []
    for campaign, ends in in_steps(catalog.campaigns):
        for creative in campaign.creatives:
            found += [image.digest for image in creative.images]
            if creative.html:
                found.append(creative.html.digest)
        if ends:
            yield
    return found


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

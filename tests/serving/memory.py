"""The ports of the data plane kept in memory, with the store's rules; they fail when told to."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adserver.core.assets import Asset
from adserver.core.batch import NOTHING, Shipment
from adserver.core.catalog import Generation
from adserver.core.errors import StoreUnavailable
from adserver.core.events import METRIC_OF, Event, Kind, Metric, Row, Tally
from adserver.core.invalid import Mode
from adserver.core.leases import Grant
from adserver.core.nodes import NodeState
from adserver.core.pauses import Pause
from adserver.core.ports.serving import Granted, Source, Spoken, Told, Wanted
from adserver.core.publication import KnownCreative
from adserver.core.record import read_events, read_tallies
from adserver.core.snapshot import Snapshot
from adserver.core.store_clock import StoreClock
from adserver.core.ticket import Sealer
from adserver.metrics.meter import Meter
from adserver.serving.asset_cache import AssetCache
from adserver.serving.counting import Counting
from adserver.serving.invalid import Invalid
from adserver.serving.journals import Journals
from adserver.serving.leasing import Leasing
from adserver.serving.live import Live
from adserver.serving.seen import SharedSeen
from adserver.serving.shipping import Shipping
from adserver.serving.state import State
from tests.factories import NOW, ZONE

SECRET = b"k" * 32
WRITER = 7
EPOCH = 1
JOURNAL_BYTES = 64 * 1024 * 1024
LIFE_SECONDS = 86_400


@dataclass
class MemoryCounts:
    """`core.ports.serving.Counts` in a set and a few dictionaries.

    away: fails without having done anything; refusals: so many times. loses_answers: does it,
    then fails. open: while it is cleared, every call waits.
    """

    shards: int = 1
    unmatched: Mode = Mode.OFF
    away: bool = False
    refusals: int = 0
    loses_answers: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)
    shipments: list[Shipment] = field(default_factory=list)
    seen: set[tuple[int, int, Kind]] = field(default_factory=set)
    rows: Counter[tuple[str, Tally]] = field(default_factory=Counter)
    ledgers: dict[tuple[Source, int], Told] = field(default_factory=dict)
    kept: list[Source] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open.set()

    async def _reached(self) -> None:
        await self.open.wait()
        if self.away or self.refusals:
            self.refusals = max(0, self.refusals - 1)
            raise StoreUnavailable("away") from ConnectionError("refused")

    def _answered(self) -> None:
        if self.loses_answers:
            raise StoreUnavailable("lost") from TimeoutError("too late")

    async def apply(self, source: Source, shard: int, shipment: Shipment) -> Told:
        self.shipments.append(shipment)
        await self._reached()
        said = self.ledgers.get((source, shard), Told(NOTHING, []))
        if said.mark == shipment.previous:
            said = self.ledgers[source, shard] = Told(shipment.mark, self._apply(shipment))
        self._answered()
        return said

    def _apply(self, shipment: Shipment) -> list[Row]:
        added: Counter[Tally] = Counter()
        for event in read_events(shipment.events):
            for metric in self._take(event):
                added[metric, event.creative, event.slot, event.site] += 1
        for row, count in [*added.items(), *read_tallies(shipment.tallies).items()]:
            self.rows[shipment.hour.name, row] += count
        return [
            Row(shipment.hour.begin, Metric(what[0]), what[2:], *place, count)
            for (what, *place), count in added.items()
        ]

    def _take(self, event: Event) -> list[str]:
        letter = METRIC_OF[event.kind]
        mark = (event.writer, event.serial, event.kind)
        if mark in self.seen:
            return [f"{letter}.duplicate"]
        self.seen.add(mark)
        shown = event.matched or (*mark[:2], Kind.IMPRESSION) in self.seen
        if event.kind is Kind.IMPRESSION and (*mark[:2], Kind.VIEWABLE) in self.seen:
            return [letter, Metric.VIEWABLE]
        if event.kind is Kind.VIEWABLE and not shown:
            return [Metric.UNMATCHED_VIEWABLE]
        if event.kind is not Kind.CLICK or shown:
            return [letter]
        return {
            Mode.OFF: [letter, Metric.UNMATCHED],
            Mode.DRY_RUN: [letter, Metric.UNMATCHED, "C.unmatched"],
            Mode.DISCARD: ["c.unmatched"],
        }[self.unmatched]

    async def ledger(self, source: Source, shard: int) -> Told:
        await self._reached()
        return self.ledgers.get((source, shard), Told(NOTHING, []))

    async def claim_writer(self) -> int:
        return WRITER

    async def keep(self, sources: Sequence[Source]) -> None:
        self.kept.extend(sources)


@dataclass
class MemoryCatalog:
    """`core.ports.serving.LiveCatalog` in dictionaries; `asked` is what it was asked for."""

    away: bool = False
    generations_away: bool = False
    live: int = 0
    generations: dict[int, Generation] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    known: dict[int, KnownCreative] = field(default_factory=dict)
    nodes: dict[str, NodeState] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    identity: str = ""
    now: float = NOW
    paused: tuple[Pause, ...] = ()

    def publish(self, generation: Generation) -> None:
        self.live = generation.number
        self.generations[generation.number] = generation

    def _reached(self, what: object) -> None:
        self.asked[str(what)] += 1
        if self.away:
            raise StoreUnavailable("away")

    async def live_number(self) -> int:
        self._reached("live")
        return self.live

    async def pauses(self) -> tuple[Pause, ...]:
        self._reached("pauses")
        return self.paused

    async def generation(self, number: int) -> Generation | None:
        self._reached(f"generation {number}")
        if self.generations_away:
            raise StoreUnavailable("away")
        return self.generations.get(number)

    async def asset(self, digest: str) -> Asset | None:
        self._reached(digest)
        await asyncio.sleep(0)  # others may ask meanwhile
        return self.assets.get(digest)

    async def known_creative(self, number: int) -> KnownCreative | None:
        self._reached(f"creative {number}")
        return self.known.get(number)

    async def report_node(self, node: NodeState) -> float:
        self._reached("node")
        self.nodes[node.name] = node
        return self.now

    async def forget_node(self, node: NodeState) -> None:
        self._reached("node")
        self.nodes.pop(node.name, None)

    async def keep_identity(self, identity: str) -> str:
        self._reached("identity")
        self.identity = self.identity or identity
        return self.identity


@dataclass
class MemoryLeases:
    """As much room as is asked for, up to `free`; `asked` has every call, `calls` their shards."""

    free: int = 1_000_000
    away: bool = False
    shards: int = 1
    until: int = int(NOW) + 600
    asked: list[Wanted] = field(default_factory=list)
    spoken: list[Sequence[Spoken]] = field(default_factory=list)
    begun: list[Wanted] = field(default_factory=list)
    hours: list[Sequence[str]] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)

    async def ask(self, shard: int, wanted: Sequence[Wanted], spoken: Sequence[Spoken]) -> Granted:
        if self.away:
            raise StoreUnavailable("away")
        self.asked += wanted
        self.calls.append((shard, len(wanted)))
        self.spoken.append(spoken)
        return Granted(NOW, 1, [self._grant(one) for one in wanted])

    def _grant(self, wanted: Wanted) -> Grant | None:
        if wanted.limits.a_day and wanted.campaign not in {one.campaign for one in self.begun}:
            return None
        self.free += sum(many for _, many in wanted.ask.back)
        granted = min(wanted.ask.wanted, self.free)
        self.free -= granted
        return Grant(granted, self.until, self.until - 300, self.free, None, 0, 0)

    async def begin_day(self, shard: int, wanted: Wanted, hours: Sequence[str]) -> None:
        self.begun.append(wanted)
        self.hours.append(hours)


@dataclass
class MemoryWorker:
    """A worker's state on these, at a fixed time, with a real journal in `folder`.

    Nothing is served before `live.refresh`, and nothing is counted outside of `counting`.
    """

    folder: Path
    store: MemoryCatalog = field(default_factory=MemoryCatalog)
    counts: MemoryCounts = field(default_factory=MemoryCounts)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    always: bool = True
    invalid: Invalid = field(default_factory=Invalid)

    def __post_init__(self) -> None:
        meter = Meter()
        self.journals = Journals(self.folder, JOURNAL_BYTES, LIFE_SECONDS)
        self.shipping = Shipping(self.counts, self.journals, meter, self._note, lambda: NOW)
        clock = StoreClock(NOW - time.monotonic())
        self.leasing = Leasing(
            self.leases, self.shipping.watch, lambda shard: self.shipping.spoken(shard, None), clock
        )
        live = Live(self.store, "", meter, self._before, self.invalid)
        self.state = State(
            live=live,
            counting=Counting(
                lambda: ZONE, self.shipping.durable, SharedSeen(), always=self.always
            ),
            leasing=self.leasing,
            sealer=Sealer([SECRET]),
            assets=AssetCache(self.store, meter),
            meter=meter,
            writer=WRITER,
            ticket_life=LIFE_SECONDS,
            clock=lambda: NOW,
            draw=lambda: 0.0,
            invalid=self.invalid,
        )

    async def _before(self, generation: Generation, _: Snapshot) -> None:
        await self.leasing.follow(generation)

    def _note(self, rows: list[Row]) -> None:
        self.state.live.note(rows)

    def begin(self) -> None:
        journal = self.journals.create(WRITER, EPOCH)
        self.shipping.begin(journal)
        self.state.counting.begin(journal)

    async def finish(self) -> None:
        """Write what is left, and ship it."""
        await self.state.counting.finish()
        await self.shipping.finish()

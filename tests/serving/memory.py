"""The ports of the data plane kept in memory, with the store's rules; they fail when told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adserver.core.assets import Asset
from adserver.core.catalog import Generation
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Event, Kind, Outcome
from adserver.core.hour import Hour
from adserver.core.ports import KnownCreative, NodeState, Tally
from adserver.core.ticket import Sealer
from adserver.metrics import Meter
from adserver.serving.asset_cache import AssetCache
from adserver.serving.counting import Counting
from adserver.serving.live import Live
from adserver.serving.state import State
from tests.factories import NOW, ZONE

SECRET = b"k" * 32
WRITER = 7
LIFE_SECONDS = 86_400


@dataclass
class MemoryCounts:
    """`core.ports.Counts` in a set and a few dictionaries.

    away: fails without having done anything; refusals: so many times. loses_answers: does it,
    then fails. open: while it is cleared, every call waits.
    """

    away: bool = False
    refusals: int = 0
    loses_answers: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[Event]] = field(default_factory=list)
    seen: set[tuple[int, int, Kind]] = field(default_factory=set)
    rows: Counter[tuple[str, Tally]] = field(default_factory=Counter)
    ledger: dict[int, int] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)

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

    async def count(self, hour: Hour, events: Sequence[Event]) -> list[Outcome]:
        self.batches.append(list(events))
        await self._reached()
        outcomes = [self._take(event) for event in events]
        self._answered()
        return outcomes

    def _take(self, event: Event) -> Outcome:
        mark = (event.writer, event.serial, event.kind)
        if mark in self.seen:
            return Outcome.DUPLICATE
        self.seen.add(mark)
        matched = event.kind is not Kind.CLICK or (*mark[:2], Kind.IMPRESSION) in self.seen
        return Outcome.ACCEPTED if matched else Outcome.UNMATCHED

    async def add(
        self, hour: Hour, writer: int, sequence: int, tallies: Mapping[Tally, int]
    ) -> None:
        self.sent.append(sequence)
        await self._reached()
        if sequence > self.ledger.get(writer, 0):
            self.ledger[writer] = sequence
            for row, count in tallies.items():
                self.rows[hour.name, row] += count
        self._answered()

    async def claim_writer(self) -> int:
        return WRITER

    async def keep_writer(self, writer: int) -> None:
        pass


@dataclass
class MemoryCatalog:
    """`core.ports.LiveCatalog` in dictionaries; `asked` is what it was asked for."""

    away: bool = False
    generations_away: bool = False
    live: int = 0
    generations: dict[int, Generation] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    known: dict[int, KnownCreative] = field(default_factory=dict)
    nodes: dict[str, NodeState] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    identity: str = ""

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

    async def report_node(self, node: NodeState) -> None:
        self._reached("node")
        self.nodes[node.name] = node

    async def forget_node(self, name: str) -> None:
        self._reached("node")
        self.nodes.pop(name, None)

    async def keep_identity(self, identity: str) -> str:
        self._reached("identity")
        self.identity = self.identity or identity
        return self.identity


def make_state(store: MemoryCatalog, counts: MemoryCounts) -> State:
    """A worker's state on these, at a fixed time; nothing is served before `live.refresh`."""
    meter = Meter()
    live = Live(store, "", meter)
    return State(
        live=live,
        counting=Counting(counts, WRITER, meter, lambda: ZONE, live.note),
        sealer=Sealer([SECRET]),
        assets=AssetCache(store),
        meter=meter,
        writer=WRITER,
        ticket_life=LIFE_SECONDS,
        clock=lambda: NOW,
        draw=lambda: 0.0,
    )

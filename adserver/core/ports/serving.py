"""What the data plane needs of the store, for workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from adserver.core.assets import Asset
from adserver.core.batch import Mark, Shipment
from adserver.core.catalog import Generation
from adserver.core.events import Delivered, Row
from adserver.core.goals import Limits
from adserver.core.leases import Ask, Grant
from adserver.core.nodes import NodeState
from adserver.core.pauses import Pause
from adserver.core.publication import KnownCreative
from adserver.core.samples import Sample, Taken
from adserver.core.traffic import Scope, Traffic


class Source(NamedTuple):
    """A journal, as the store's ledgers know it."""

    writer: int
    epoch: int


class Told(NamedTuple):
    """What a ledger says, and what the events of its last shipment added."""

    mark: Mark
    rows: list[Row]


class Counts(Protocol):
    """Where events are counted; each call is whole or not at all, or raises StoreUnavailable."""

    @property
    def shards(self) -> int:
        """How many places there are, each with ledgers of its own."""
        ...

    async def apply(self, source: Source, shard: int, shipment: Shipment) -> Told:
        """Count a shipment where the ledger says what comes before it; what it says then."""
        ...

    async def ledger(self, source: Source, shard: int) -> Told: ...

    async def claim_writer(self) -> int:
        """A writer's number that no ticket still alive was issued by."""
        ...

    async def keep(self, sources: Sequence[Source]) -> None:
        """Keep the numbers and ledgers of writers that may have had nothing to ship."""
        ...


class Spoken(NamedTuple):
    """What a worker says of a journal, so that room which lapsed can be taken back.

    ledger: what the store's is known to say, so that one that fell behind is noticed. through: all
    that was accepted before, by the worker's estimate of the store's clock, is in the store.
    done: nothing more will come of it.
    """

    source: Source
    ledger: int
    through: float
    done: bool


class Wanted(NamedTuple):
    """Room of a campaign that a worker asks for. The numbers are the generation's.

    day: today in the campaign's zone, UTC seconds, the end not included.
    """

    campaign: int
    creatives: tuple[int, ...]
    generation: int
    limits: Limits
    day: tuple[int, int]
    ask: Ask


class Granted(NamedTuple):
    """now: the store's UTC seconds. workers: how many lease in this shard. grants: in the order
    asked; None where the day has to be begun first (`Leases.begin_day`)."""

    now: float
    workers: int
    grants: list[Grant | None]


class Leases(Protocol):
    """Where room of campaigns with limits is leased; or raises StoreUnavailable."""

    @property
    def shards(self) -> int: ...

    async def ask(self, shard: int, wanted: Sequence[Wanted], spoken: Sequence[Spoken]) -> Granted:
        """Of campaigns of one shard."""
        ...

    async def begin_day(self, shard: int, wanted: Wanted, hours: Sequence[str]) -> None:
        """Keep a daily limit from now on. hours: names of the day's hours so far, which tell what
        was delivered of it."""
        ...


class LiveCatalog(Protocol):
    """What the data plane reads of the published generations."""

    async def live_number(self) -> int:
        """The live generation's number, 0 where nothing has been applied yet."""
        ...

    async def generation(self, number: int) -> Generation | None: ...

    async def pauses(self) -> tuple[Pause, ...]:
        """All that are in the store, also those that are over; the same ones until somebody has
        paused or resumed something. A store that was emptied has resumed nothing."""
        ...

    async def asset(self, digest: str) -> Asset | None: ...

    async def known_creative(self, number: int) -> KnownCreative | None: ...

    async def report_node(self, node: NodeState) -> float:
        """The store's UTC seconds."""
        ...

    async def forget_node(self, node: NodeState) -> None: ...

    async def keep_identity(self, identity: str) -> str:
        """Give a store that was emptied its identity and known keys back; the identity it has."""
        ...


class LiveTotals(Protocol):
    """How often each creative was delivered, ever, on all nodes: for who looks every second."""

    @property
    def delivered(self) -> Delivered:
        """As of the last look."""
        ...

    async def look(self) -> set[int]:
        """Read what has changed since the last look; the creatives whose counts did."""
        ...


class LiveTraffic(Protocol):
    """The slots' traffic: cheap enough to be asked every few seconds."""

    async def traffic(self, scope: Scope, now: float) -> Traffic:
        """now: UTC seconds. StoreUnavailable if a part of the store did not answer."""
        ...


class Samples(Protocol):
    """Where workers bring their samples of contexts."""

    async def add(self, taken: Taken, most: int) -> float:
        """Merge them with everybody's, of which at least the `most` lowest are kept. The tag from
        which on no further one is needed. StoreUnavailable."""
        ...


class LiveSamples(Protocol):
    """What is known of the contexts of recent requests."""

    async def samples(self, slot: int, now: float) -> list[Sample]:
        """As `core.ports.commands.KnownSamples` has them. StoreUnavailable."""
        ...

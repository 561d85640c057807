"""What the rooms need of one another, as types only; the wiring hands the real thing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from adserver.core.assets import Asset
from adserver.core.batch import Mark, Shipment
from adserver.core.catalog import (
    Campaign,
    Catalog,
    Creative,
    Files,
    Flight,
    Generation,
    Goal,
    Price,
)
from adserver.core.events import Metric, Row
from adserver.core.goals import Limits
from adserver.core.leases import Ask, Grant
from adserver.core.pauses import Act, Pause, Target
from adserver.core.renames import Rename
from adserver.core.samples import Sample, Taken
from adserver.core.traffic import Scope, Traffic


@dataclass(frozen=True, slots=True)
class KnownCreative:
    """What is remembered of every creative that was ever live, for reports and late clicks.

    price, flight, goal: as they last were, so that what an ended campaign earned can still be told.
    """

    campaign: str
    advertiser: str
    creative: Creative
    flight: Flight
    price: Price | None = None
    order: str = ""
    goal: Goal | None = None

    @classmethod
    def of(cls, campaign: Campaign, creative: Creative) -> KnownCreative:
        return cls(
            campaign.name,
            campaign.advertiser,
            creative,
            campaign.flight,
            campaign.price,
            campaign.order,
            campaign.goal,
        )


Origin = Literal["apply", "rollback", "demo", "dev"]
"""How a generation came to be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the history is to say of a generation that is being published.

    diff: what it changes, in lines. commit: the Git commit of the folder, "" if there is none;
    with "+" behind it if the folder had changes that were not committed. of: the generation that
    a rollback goes back to, 0 for other kinds.
    """

    author: str
    message: str = ""
    diff: str = ""
    commit: str = ""
    kind: Origin = "apply"
    of: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """What a generation's history says of it; `created_at` is UTC seconds.

    commit, kind, of: as of `Entry`. kept: whether its content is still in the store, so that it
    can be gone back to.
    """

    number: int
    created_at: float
    author: str
    message: str
    commit: str = ""
    kind: Origin = "apply"
    of: int = 0
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """What travels with a catalog.

    files: as `core.catalog.Generation` has them. assets: what nodes serve, by digest. sources:
    the other files' bytes, by digest. Of both, what the store has already may be left out.
    """

    files: Files = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    sources: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeState:
    """One worker as the store sees it; `seen_at` and `since` are UTC seconds.

    signs_with: its signing key's fingerprint.
    """

    name: str
    generation: int
    since: float
    seen_at: float
    signs_with: str = ""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A signing key that nodes may use, by its fingerprint; `added_at` is UTC seconds."""

    fingerprint: str
    added_at: float
    added_by: str


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


class Reserved(NamedTuple):
    """What the store keeps of one campaign with limits.

    ever: room that is leased, or served and not confirmed yet. today: delivered or reserved since
    its midnight; day: from when until when that is (UTC seconds, the end not included), None
    where no day is kept.
    """

    ever: int
    today: int = 0
    day: tuple[int, int] | None = None


class KnownLeases(Protocol):
    """What workers have leased; synchronous, for the command line."""

    def reserved(self, campaigns: Sequence[int]) -> Mapping[int, Reserved]:
        """Of campaigns, by their numbers; those that nobody has asked for lately are left out."""
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

    async def report_node(self, node: NodeState) -> None: ...

    async def forget_node(self, name: str) -> None: ...

    async def keep_identity(self, identity: str) -> str:
        """Give a store that was emptied its identity and known keys back; the identity it has."""
        ...


class SigningKeys(Protocol):
    """Which signing keys nodes may use; synchronous, for the command line."""

    def known(self) -> list[KnownKey]:
        """In the order in which they were added."""
        ...

    def add(self, keys: Sequence[KnownKey]) -> list[str]:
        """The fingerprints that were not known before."""
        ...

    def forget(self, fingerprint: str) -> None: ...


class Pauses(Protocol):
    """What is paused beside generations; synchronous, for the command line."""

    def known(self) -> list[Pause]:
        """Also those that are over, until the next act; in the order of their targets."""
        ...

    def act(self, act: Act, gone: Sequence[Target], pauses: Sequence[Pause]) -> None:
        """Lift some pauses and put others, in the place of those of the same targets, and write
        down who has done it. What is over by then is removed."""
        ...

    def acts(self, most: int) -> list[Act]:
        """The last ones, newest first."""
        ...


class Catalogs(Protocol):
    """What the control plane reads and writes; synchronous, for the command line."""

    def live(self) -> tuple[Generation, Published] | None: ...

    def publish(
        self,
        expected: int,
        catalog: Catalog,
        content: Content,
        entry: Entry,
        renamed: Sequence[Rename] = (),
    ) -> Published:
        """Write generation `expected + 1` and move the pointer; LiveHasMoved if it is not there.

        renamed: campaigns whose numbers, and so their counts, a new name takes over.
        """
        ...

    def generation(self, number: int) -> tuple[Generation, Published] | None:
        """None where there never was one, or its content is no longer kept."""
        ...

    def history(self, most: int) -> list[Published]:
        """The last generations, newest first; those of which nothing is known are left out."""
        ...

    def published(self, number: int) -> Published | None:
        """What the history says of one generation, also where its content is no longer kept."""
        ...

    def diff(self, number: int) -> str:
        """What a generation changed, in lines; "" where there never was one."""
        ...

    def identity(self) -> str:
        """The store's own name; "" where no node has started on it yet."""
        ...

    def claim(self, number: int, digests: Sequence[str]) -> list[str]:
        """Keep these files for a generation that is about to be published, by its number; those
        that the store does not have."""
        ...

    def files(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes of assets and sources; what the store does not have is left out."""
        ...

    def nodes(self) -> list[NodeState]: ...


Delivered = Mapping[tuple[Metric, int], int]
"""(metric, creative's number) → count; of what counts, and of served ads."""


class Totals(Protocol):
    """What reports read; synchronous, for the command line."""

    def rows(self, since: float, until: float) -> list[Row]:
        """Rows of the hours that begin in [since, until), UTC seconds; of days that are kept
        whole, those that do."""
        ...

    def delivered(self) -> Delivered:
        """How often each creative was delivered, ever."""
        ...

    def through(self) -> float | None:
        """All that was accepted before (UTC seconds) is counted, as far as journals are known
        that workers have spoken of; None where there is none. Of a node that is cut off nothing
        is known after five minutes."""
        ...

    def numbers(self) -> Mapping[str, int]:
        """Every name that ever had a number, as `core.catalog.Generation` documents."""
        ...

    def known_creatives(self) -> Mapping[int, KnownCreative]: ...


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
    """The slots' traffic, for workers: cheap enough to be asked every few seconds."""

    async def traffic(self, scope: Scope, now: float) -> Traffic:
        """now: UTC seconds. StoreUnavailable if a part of the store did not answer."""
        ...


class KnownTraffic(Protocol):
    """The same; synchronous, for the command line."""

    def traffic(self, scope: Scope, now: float) -> Traffic: ...

    def requests(self, scope: Scope, since: float, until: float) -> Mapping[int, Mapping[int, int]]:
        """Requests by slot, in the hours that begin in [since, until), by when (UTC seconds);
        hours that have no counts are left out."""
        ...


class Samples(Protocol):
    """Where workers bring their samples of contexts."""

    async def add(self, taken: Taken, most: int) -> float:
        """Merge them with everybody's, of which at least the `most` lowest are kept. The tag from
        which on no further one is needed. StoreUnavailable."""
        ...


class LiveSamples(Protocol):
    """What is known of the contexts of recent requests, for workers."""

    async def samples(self, slot: int, now: float) -> list[Sample]:
        """As `KnownSamples` has them. StoreUnavailable."""
        ...


class KnownSamples(Protocol):
    """What is known of the contexts of recent requests; synchronous, for the command line."""

    def samples(self, slot: int, now: float) -> list[Sample]:
        """Of the UTC day of `now` (UTC seconds) and the seven before it."""
        ...

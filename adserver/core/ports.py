"""What the rooms need of one another, as types only; the wiring hands the real thing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from adserver.core.assets import Asset
from adserver.core.catalog import Campaign, Catalog, Creative, Flight, Generation, Price
from adserver.core.events import Event, Outcome, Row
from adserver.core.hour import Hour

# A row to add to: metric with its reason (`s`, `n.no_campaign`), creative, slot, site (numbers).
Tally = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class KnownCreative:
    """What is remembered of every creative that was ever live, for reports and late clicks.

    price, flight: as they last were, so that what an ended campaign earned can still be told.
    """

    campaign: str
    advertiser: str
    creative: Creative
    flight: Flight
    price: Price | None = None
    order: str = ""

    @classmethod
    def of(cls, campaign: Campaign, creative: Creative) -> KnownCreative:
        return cls(
            campaign.name,
            campaign.advertiser,
            creative,
            campaign.flight,
            campaign.price,
            campaign.order,
        )


@dataclass(frozen=True, slots=True)
class Published:
    """What a generation's history says of it; `created_at` is UTC seconds."""

    number: int
    created_at: float
    author: str
    message: str


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


class Counts(Protocol):
    """Where events are counted; each call is whole or not at all, or raises StoreUnavailable."""

    async def count(self, hour: Hour, events: Sequence[Event]) -> list[Outcome]: ...

    async def add(
        self, hour: Hour, writer: int, sequence: int, tallies: Mapping[Tally, int]
    ) -> None:
        """Add to rows; a (writer, sequence) that was added before adds nothing."""
        ...

    async def claim_writer(self) -> int:
        """A writer's number that no ticket still alive was issued by."""
        ...

    async def keep_writer(self, writer: int) -> None: ...


class LiveCatalog(Protocol):
    """What the data plane reads of the published generations."""

    async def live_number(self) -> int:
        """The live generation's number, 0 where nothing has been applied yet."""
        ...

    async def generation(self, number: int) -> Generation | None: ...

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


class Catalogs(Protocol):
    """What the control plane reads and writes; synchronous, for the command line."""

    def live(self) -> tuple[Generation, Published] | None: ...

    def publish(  # noqa: PLR0913 - what a generation's history says of it
        self,
        expected: int,
        catalog: Catalog,
        assets: Mapping[str, Asset],
        author: str,
        message: str,
        diff: str,
    ) -> Published:
        """Write generation `expected + 1` and move the pointer; LiveHasMoved if it is not there."""
        ...

    def missing_assets(self, digests: Sequence[str]) -> list[str]: ...

    def nodes(self) -> list[NodeState]: ...


class Totals(Protocol):
    """What reports read; synchronous, for the command line."""

    def rows(self, since: float, until: float) -> list[Row]:
        """Rows of the hours that begin in [since, until), UTC seconds."""
        ...

    def numbers(self) -> Mapping[str, int]:
        """Every name that ever had a number, as `core.catalog.Generation` documents."""
        ...

    def known_creatives(self) -> Mapping[int, KnownCreative]: ...

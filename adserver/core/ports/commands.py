"""What the control plane needs of the store; synchronous, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from adserver.core.catalog import Catalog, Generation
from adserver.core.events import Delivered, Row
from adserver.core.nodes import KnownKey, NodeState
from adserver.core.pauses import Act, Pause, Target
from adserver.core.publication import Content, Entry, KnownCreative, Published
from adserver.core.renames import Rename
from adserver.core.samples import Sample
from adserver.core.traffic import Scope, Traffic


class Catalogs(Protocol):
    """What the control plane reads and writes of generations."""

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

    def note_commit(self, number: int, commit: str) -> None:
        """The generation, if it is live still, is what this Git commit says."""
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
        """The bytes of assets and sources; what the store does not have, or has
        otherwise than it was applied, is left out."""
        ...

    def nodes(self) -> list[NodeState]: ...


class Pauses(Protocol):
    """What is paused beside generations."""

    def known(self) -> list[Pause]:
        """In the order of their targets, those that are over as well until the next act, but none
        that lingers."""
        ...

    def act(self, act: Act, gone: Sequence[Target], pauses: Sequence[Pause]) -> None:
        """Lift some pauses and put others, in the place of those of the same targets, and write
        down who has done it. What is over by then is removed."""
        ...

    def acts(self, most: int) -> list[Act]:
        """The last ones, newest first."""
        ...


class SigningKeys(Protocol):
    """Which signing keys nodes may use."""

    def known(self) -> list[KnownKey]:
        """In the order in which they were added."""
        ...

    def add(self, keys: Sequence[KnownKey]) -> list[str]:
        """The fingerprints that were not known before."""
        ...

    def forget(self, fingerprint: str) -> None: ...


class Totals(Protocol):
    """What reports read."""

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
    """What workers have leased."""

    def reserved(self, campaigns: Sequence[int]) -> Mapping[int, Reserved]:
        """Of campaigns, by their numbers; those that nobody has asked for lately are left out."""
        ...


class KnownTraffic(Protocol):
    """The slots' traffic."""

    def traffic(self, scope: Scope, now: float) -> Traffic: ...

    def requests(self, scope: Scope, since: float, until: float) -> Mapping[int, Mapping[int, int]]:
        """Requests by slot, in the hours that begin in [since, until), by when (UTC seconds);
        hours that have no counts are left out."""
        ...


class KnownSamples(Protocol):
    """What is known of the contexts of recent requests."""

    def samples(self, slot: int, now: float) -> list[Sample]:
        """Of the UTC day of `now` (UTC seconds) and the seven before it."""
        ...

"""The ports of the control plane, kept in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adserver.core.assets import Asset
from adserver.core.catalog import Catalog, Generation
from adserver.core.errors import LiveHasMoved
from adserver.core.events import Delivered, Row
from adserver.core.forecast import History, hour_of_week, learn
from adserver.core.hour import hour_at
from adserver.core.nodes import KnownKey, NodeState
from adserver.core.pauses import Act, Pause, Target
from adserver.core.ports.commands import Reserved
from adserver.core.publication import Content, Entry, KnownCreative, Published
from adserver.core.renames import Rename, carried_pauses
from adserver.core.samples import Sample
from adserver.core.traffic import Scope, Traffic
from tests.factories import NOW, ZONE, delivered, numbers, renumbered


@dataclass
class MemoryKeys:
    """`core.ports.commands.SigningKeys` in a dict."""

    keys: dict[str, KnownKey] = field(default_factory=dict)

    def known(self) -> list[KnownKey]:
        return list(self.keys.values())

    def add(self, keys: Sequence[KnownKey]) -> list[str]:
        new = [key for key in keys if key.fingerprint not in self.keys]
        self.keys.update((key.fingerprint, key) for key in new)
        return [key.fingerprint for key in new]

    def forget(self, fingerprint: str) -> None:
        self.keys.pop(fingerprint, None)


@dataclass
class MemoryTraffic:
    """`core.ports.commands.KnownTraffic`: hours by when they begin, with requests by slot."""

    through: float = 0.0
    histories: dict[int, History] = field(default_factory=dict)
    hours: dict[int, dict[int, int]] = field(default_factory=dict)

    def learn(self, requests: Callable[[int], int], days: float, until: float = NOW) -> None:
        """What slot 1 had in each hour of so many days, by the hour of the day."""
        begin = hour_at(until - days * 86_400, ZONE).begin
        while begin + 3_600 <= until:
            self.hours[begin] = {1: requests(hour_of_week(begin, ZONE) % 24)}
            known = self.histories.get(1, History(through=begin))
            self.histories[1] = learn(known, begin, self.hours[begin][1], ZONE)
            begin += 3_600
        self.through = begin

    def traffic(self, scope: Scope, now: float) -> Traffic:
        return Traffic(self.through, self.histories, self.through, {})

    def requests(self, scope: Scope, since: float, until: float) -> dict[int, dict[int, int]]:
        return {begin: by for begin, by in self.hours.items() if since <= begin < until}


@dataclass
class MemorySamples:
    """`core.ports.commands.KnownSamples`."""

    by_slot: dict[int, list[Sample]] = field(default_factory=dict)

    def samples(self, slot: int, now: float) -> list[Sample]:
        return self.by_slot.get(slot, [])


@dataclass
class MemoryLeases:
    """`core.ports.commands.KnownLeases`: by the campaign's number."""

    kept: dict[int, Reserved] = field(default_factory=dict)

    def reserved(self, campaigns: Sequence[int]) -> Mapping[int, Reserved]:
        return {number: self.kept[number] for number in campaigns if number in self.kept}


@dataclass
class MemoryPauses:
    """`core.ports.commands.Pauses`; `done` has every act."""

    kept: dict[Target, Pause] = field(default_factory=dict)
    done: list[Act] = field(default_factory=list)

    def known(self) -> list[Pause]:
        every = [self.kept[target] for target in sorted(self.kept)]
        return [pause for pause in every if not pause.lingers]

    def act(self, act: Act, gone: Sequence[Target], pauses: Sequence[Pause]) -> None:
        kept = {one.target: one for one in self.kept.values() if one.holds(act.at)}
        kept |= {one.target: one for one in pauses}
        self.kept = {target: one for target, one in kept.items() if target not in gone}
        self.done.append(act)

    def acts(self, most: int) -> list[Act]:
        return self.done[: -most - 1 : -1]


@dataclass
class MemoryStore:
    """`Catalogs` and `Totals` of `core.ports.commands` in a few dicts, with the store's rules.

    clock: the time at which things are published; a test may move it. name: its identity. spoken:
    what it says as `through`.
    """

    name: str = field(default_factory=lambda: secrets.token_hex(8))
    clock: float = NOW
    spoken: float | None = None
    made: list[tuple[Generation, Published]] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)
    sources: dict[str, bytes] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    counted: list[Row] = field(default_factory=list)
    known: dict[int, KnownCreative] = field(default_factory=dict)
    workers: list[NodeState] = field(default_factory=list)
    signing: MemoryKeys = field(default_factory=MemoryKeys)
    traffic: MemoryTraffic = field(default_factory=MemoryTraffic)
    samples: MemorySamples = field(default_factory=MemorySamples)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    pauses: MemoryPauses = field(default_factory=MemoryPauses)

    def live(self) -> tuple[Generation, Published] | None:
        return self.made[-1] if self.made else None

    def generation(self, number: int) -> tuple[Generation, Published] | None:
        found = next((one for one in self.made if one[1].number == number), None)
        return found if found and found[1].kept else None

    def published(self, number: int) -> Published | None:
        return next((one for _, one in self.made if one.number == number), None)

    def history(self, most: int) -> list[Published]:
        return [one for _, one in reversed(self.made)][:most]

    def diff(self, number: int) -> str:
        return self.diffs[number - 1] if 0 < number <= len(self.diffs) else ""

    def files(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        every = {digest: one.data for digest, one in self.assets.items()} | self.sources
        return {digest: every[digest] for digest in digests if digest in every}

    def forget(self, number: int) -> None:
        """The content of a generation is no longer kept."""
        generation, published = self.made[number - 1]
        self.made[number - 1] = (generation, replace(published, kept=False))

    def publish(
        self,
        expected: int,
        catalog: Catalog,
        content: Content,
        entry: Entry,
        renamed: Sequence[Rename] = (),
    ) -> Published:
        number = len(self.made)
        if number != expected:
            raise LiveHasMoved(expected, number)
        for pause in carried_pauses(self.pauses.known(), renamed, self.clock):
            self.pauses.kept[pause.target] = pause
        given = numbers(catalog, known=renumbered(self.numbers(), renamed))
        for key, one in self.known.items():
            new = {rename.old: rename.new for rename in renamed}.get(one.campaign)
            self.known[key] = replace(one, campaign=new or one.campaign)
        said = (entry.author, entry.message, entry.commit, entry.kind, entry.of)
        published = Published(number + 1, self.clock, *said)
        self.made.append((Generation(number + 1, catalog, given, content.files), published))
        self.diffs.append(entry.diff)
        self.assets.update(content.assets)
        self.sources.update(content.sources)
        for one in catalog.campaigns:
            for creative in one.creatives:
                key = given[f"creative/{one.name}/{creative.id}"]
                self.known[key] = KnownCreative.of(one, creative)
        return published

    def note_commit(self, number: int, commit: str) -> None:
        if number == len(self.made):
            generation, published = self.made[-1]
            self.made[-1] = (generation, replace(published, commit=commit))

    def identity(self) -> str:
        return self.name

    def claim(self, number: int, digests: Sequence[str]) -> list[str]:
        return [one for one in digests if one not in self.assets and one not in self.sources]

    def nodes(self) -> list[NodeState]:
        return list(self.workers)

    def rows(self, since: float, until: float) -> list[Row]:
        return [one for one in self.counted if since <= one.hour < until]

    def delivered(self) -> Delivered:
        return delivered(self.counted)

    def numbers(self) -> Mapping[str, int]:
        return self.made[-1][0].numbers if self.made else {}

    def known_creatives(self) -> Mapping[int, KnownCreative]:
        return dict(self.known)

    def through(self) -> float | None:
        return self.spoken


def store(*catalogs: Catalog) -> MemoryStore:
    """A store in which each of the catalogs has been published, in order."""
    memory = MemoryStore()
    for one in catalogs:
        memory.publish(len(memory.made), one, Content(), Entry("ana@blog"))
    return memory

"""The store's rules in dictionaries; a test holds them to the real script on a real Valkey.

Everything that was ever applied is remembered with its time, so that the store can be rolled
back to any moment: it is then emptied and told all that came before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from adserver.core.batch import NOTHING, Shipment
from adserver.core.events import METRIC_OF, Event, Kind, Metric, Row, Tally
from adserver.core.invalid import Mode
from adserver.core.ports.serving import Source, Told
from adserver.core.record import read_events, read_tallies

SLACK_SECONDS = 7_200


@dataclass(slots=True)
class Bits:
    taken: set[tuple[int, Kind]] = field(default_factory=set)
    until: float = 0.0


@dataclass(slots=True)
class Shard:
    """What the keys of one hash tag hold."""

    ledgers: dict[Source, tuple[Told, float]] = field(default_factory=dict)
    bitmaps: dict[tuple[int, int], Bits] = field(default_factory=dict)
    rows: dict[str, Counter[Tally]] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    hours: dict[str, int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)
    change: int = 0


class Applied(NamedTuple):
    at: float
    source: Source
    shipment: Shipment | None  # None: its ledger was renewed


@dataclass(frozen=True, slots=True)
class Rules:
    """compares: whether the ledger is looked at. remembers: whether bits are. unmatched: what
    becomes of clicks without an impression so far."""

    compares: bool = True
    remembers: bool = True
    unmatched: Mode = Mode.OFF


class Store:
    """life: seconds in which a ticket's events count."""

    def __init__(self, shards: int, life: float, rules: Rules | None = None) -> None:
        self._life = 2 * life + SLACK_SECONDS
        self._rules = rules or Rules()
        self.shards = [Shard() for _ in range(shards)]
        self._log: list[list[Applied]] = [[] for _ in range(shards)]

    def ledger(self, source: Source, number: int, now: float) -> Told:
        told, until = self.shards[number].ledgers.get(source, (Told(NOTHING, []), now + 1))
        return told if until > now else Told(NOTHING, [])

    def apply(self, source: Source, number: int, shipment: Shipment, now: float) -> Told:
        said = self.ledger(source, number, now)
        if said.mark != shipment.previous and self._rules.compares:
            return said
        self._log[number].append(Applied(now, source, shipment))
        return self._redo(self.shards[number], self._log[number][-1])

    def keep(self, source: Source, now: float) -> None:
        for number, shard in enumerate(self.shards):
            if self.ledger(source, number, now).mark != NOTHING:
                self._log[number].append(Applied(now, source, None))
                self._redo(shard, self._log[number][-1])

    def roll_back(self, number: int, to: float) -> None:
        """As it was at that moment; what came later never was."""
        kept = [applied for applied in self._log[number] if applied.at <= to]
        self._log[number] = kept
        self.shards[number] = shard = Shard()
        for applied in kept:
            self._redo(shard, applied)

    def first_applied(self, number: int) -> float | None:
        return self._log[number][0].at if self._log[number] else None

    def _redo(self, shard: Shard, applied: Applied) -> Told:
        at, source, shipment = applied
        until = at + self._life
        if shipment is None:
            shard.ledgers[source] = (shard.ledgers[source][0], until)
            return shard.ledgers[source][0]
        told = Told(shipment.mark, self._count(shard, shipment, at))
        shard.ledgers[source] = (told, until)
        return told

    def _count(self, shard: Shard, shipment: Shipment, at: float) -> list[Row]:
        hour = shipment.hour
        added: Counter[Tally] = Counter()
        touched: set[int] = set()
        for event, letters in self._take(shard, read_events(shipment.events), at):
            for letter in letters:
                added[letter, event.creative, event.slot, event.site] += 1
        rows = shard.rows.setdefault(hour.name, Counter())
        rows.update(added)
        for row, many in added.items():
            self._total(shard, row, many, touched)
        for row, many in read_tallies(shipment.tallies).items():
            rows[row] += many
            if row[0] == Metric.SERVED:
                self._total(shard, row, many, touched)
        shard.hours[hour.name] = hour.begin
        if touched:
            shard.change += 1
            shard.changes.update(dict.fromkeys(sorted(touched), shard.change))
        return [
            Row(hour.begin, Metric(what[0]), what[2:], *place, many)
            for (what, *place), many in added.items()
        ]

    def _total(self, shard: Shard, row: Tally, many: int, touched: set[int]) -> None:
        metric, creative, _, _ = row
        if metric in COUNTED:
            shard.totals[f"{metric}:{creative}"] += many
            touched.add(creative)

    def _take(self, shard: Shard, events: list[Event], at: float) -> list[tuple[Event, list[str]]]:
        """Each event with the rows that it adds to, bitmap by bitmap as the script goes."""
        takes: dict[tuple[int, int], list[Event]] = {}
        for event in events:
            takes.setdefault((event.writer, event.serial >> 16), []).append(event)
        found = []
        for key, some in takes.items():
            bits = shard.bitmaps.get(key)
            if bits is None or bits.until <= at or not self._rules.remembers:
                bits = shard.bitmaps[key] = Bits()
            bits.until = at + self._life
            before, fresh = bits.taken.copy(), []
            for event in some:
                bit = (event.serial & 0xFFFF, event.kind)
                fresh.append(bit not in bits.taken)
                bits.taken.add(bit)
            for event, new in zip(some, fresh, strict=True):
                letters = letters_of(event, before, bits, new, self._rules.unmatched)
                found.append((event, letters))
        return found


def letters_of(
    event: Event, before: set[tuple[int, Kind]], bits: Bits, new: bool, unmatched: Mode
) -> list[str]:
    """before: what was taken before its shipment; bits: with all of it."""
    letter, place = METRIC_OF[event.kind].value, event.serial & 0xFFFF
    if not new:
        return [f"{letter}.duplicate"]
    shown = (place, Kind.IMPRESSION) in bits.taken
    if event.kind is Kind.IMPRESSION:
        return [letter, "v"] if (place, Kind.VIEWABLE) in before else [letter]
    if event.kind is Kind.VIEWABLE:
        return [letter if shown else "w"]
    if shown or event.matched:
        return [letter]
    return {
        Mode.OFF: [letter, "u"],
        Mode.DRY_RUN: [letter, "u", "C.unmatched"],
        Mode.DISCARD: ["c.unmatched"],
    }[unmatched]


COUNTED = frozenset(
    {Metric.IMPRESSION.value, Metric.VIEWABLE.value, Metric.CLICK.value, Metric.SERVED.value}
)

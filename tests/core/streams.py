"""A journal, a store with a ledger and the way between them, in memory, for tests of `Stream`."""

from __future__ import annotations

from dataclasses import dataclass, field

from adserver.core.batch import (
    MAX_EVENTS_PER_BATCH,
    MAX_TALLIES_PER_BATCH,
    NOTHING,
    Mark,
    Need,
    Part,
    Shipment,
    Stream,
)
from adserver.core.hour import HOUR_SECONDS, Hour
from adserver.core.record import EVENT

# As many as one shipment may hold: `Stream.read` asks for that.
PARTS_PER_READING = MAX_EVENTS_PER_BATCH + MAX_TALLIES_PER_BATCH


def hour(number: int = 0) -> Hour:
    begin = 1_793_610_000 + number * HOUR_SECONDS
    return Hour(f"hour-{number}", begin, begin + HOUR_SECONDS)


def mark(sequence: int) -> Mark:
    """The mark of a record; no two have one digest."""
    return Mark(sequence, sequence * 2_654_435_761 % 2**32)


def part(sequence: int, events: int = 1, of_hour: int = 0, tallies: int = 0) -> Part:
    return Part(
        *mark(sequence), hour(of_hour), bytes(EVENT.size) * events, b"r:0:1:1 1\n" * tallies
    )


@dataclass
class MemoryJournal:
    """What is durable, by sequence from 1 on; None where a record holds nothing for the shard."""

    records: list[Part | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self.records)

    @property
    def parts(self) -> list[int]:
        return [one.sequence for one in self.records if one is not None]

    def append(self, events: int, tallies: int = 0, of_hour: int = 0) -> Part | None:
        sequence = self.end + 1
        holds = events or tallies
        self.records.append(part(sequence, events, of_hour, tallies) if holds else None)
        return self.records[-1]

    def read(self, after: int, until: int) -> tuple[list[Part], int]:
        parts = [one for one in self.records[after:until] if one is not None]
        if len(parts) <= PARTS_PER_READING:
            return parts, max(after, until)
        return parts[:PARTS_PER_READING], parts[PARTS_PER_READING - 1].sequence


@dataclass
class LedgerStore:
    """Applies a shipment where the ledger says what comes before it. counted: its records."""

    ledger: Mark = NOTHING
    counted: tuple[int, ...] = ()

    def apply(self, shipment: Shipment) -> Mark:
        if self.ledger == shipment.previous:
            self.ledger = shipment.mark
            self.counted += tuple(one.sequence for one in shipment.parts)
        return self.ledger


def drive(stream: Stream, journal: MemoryJournal, store: LedgerStore) -> None:
    """Do what the stream says, with nothing lost, until it has nothing more to say."""
    steps = 3 * journal.end + 10
    for _ in range(steps):
        step = stream.step()
        if step is None:
            return
        if step is Need.LEDGER:
            stream.told(store.ledger)
        elif step is Need.PARTS:
            stream.read(*journal.read(stream.position, stream.end))
        else:
            stream.told(store.apply(step))
    raise AssertionError(f"not settled after {steps} steps")


def streaming(*sequences: int) -> Stream:
    """A new journal's stream, to which these records of one event each were added."""
    stream = Stream(NOTHING)
    for sequence in sequences:
        stream.add(sequence, part(sequence))
    return stream


def adopted(end: int, ledger: Mark) -> Stream:
    stream = Stream(None, end)
    assert stream.step() is Need.LEDGER
    stream.told(ledger)
    return stream


def shipped(stream: Stream) -> Shipment:
    step = stream.step()
    assert isinstance(step, Shipment)
    return step


def sequences(shipment: Shipment) -> list[int]:
    return [one.sequence for one in shipment.parts]

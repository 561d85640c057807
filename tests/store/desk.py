"""Workers that lease room and count on a real store, in virtual time, one call at a time.

What a node does beside requests is done here step by step: so a test says what happens between
any two of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from adserver.core.batch import NOTHING, Mark, Part, Shipment
from adserver.core.days import day_around
from adserver.core.events import Event, Kind
from adserver.core.goals import Limits, Unit
from adserver.core.hour import hour_at
from adserver.core.leases import Grant, Room
from adserver.core.ports.serving import Source, Spoken, Wanted
from adserver.core.record import pack_event
from adserver.store.counts import StoredCounts
from adserver.store.leases import StoredLeases
from tests.factories import ZONE

CAMPAIGN, CREATIVE, GONE = 1, 3, 4
TEN = Limits(Unit.IMPRESSIONS, 10)


@dataclass
class Ticket:
    """A served ad; `until` is when its room lapses, 0 without any; `at`, when it was served."""

    writer: int
    serial: int
    until: int
    at: float = 0.0


@dataclass
class Journal:
    """Accepted events that a worker has written down, and how far the store has them."""

    writer: int
    events: list[tuple[float, Event]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=lambda: [NOTHING])
    shipped: int = 0

    @property
    def source(self) -> Source:
        return Source(self.writer, 1)

    def accept(self, now: float, event: Event) -> None:
        self.events.append((now, event))
        last = self.marks[-1]
        packed = pack_event(event)
        self.marks.append(Mark(last.sequence + 1, crc32(packed, last.digest)))

    def shipment(self, first: int) -> Shipment:
        """The record behind `first`."""
        mark, (now, event) = self.marks[first + 1], self.events[first]
        part = Part(*mark, hour_at(now, ZONE), pack_event(event))
        return Shipment(self.marks[first], (part,))


@dataclass
class Desk:
    """The store and its clock; `limits` are the campaign's."""

    leases: StoredLeases
    counts: StoredCounts
    now: float
    limits: Limits = TEN
    generation: int = 1

    async def ask(self, room: Room, *spoken: Spoken) -> Grant:
        """Room for what the worker's own rule asks for, once more where the day was not begun."""
        return await self.call(self.wanted(room), room, *spoken)

    async def leave(self, room: Room, *spoken: Spoken) -> Grant:
        wanted = self.wanted(room)._replace(ask=room.leave())
        return await self.call(wanted, room, *spoken)

    def wanted(self, room: Room) -> Wanted:
        return Wanted(
            CAMPAIGN,
            (CREATIVE, GONE),
            self.generation,
            room.limits,
            day_around(self.now, ZONE),
            room.ask(self.now),
        )

    async def call(self, wanted: Wanted, room: Room, *spoken: Spoken) -> Grant:
        self.leases.now = self.now
        granted = await self.leases.ask(0, [wanted], spoken)
        [grant] = granted.grants
        if grant is None:
            await self.leases.begin_day(0, wanted, self.hours(wanted))
            again = await self.leases.ask(0, [wanted], ())
            [grant] = again.grants
        assert grant is not None
        room.granted(grant)
        return grant

    def hours(self, wanted: Wanted) -> list[str]:
        begins = range(wanted.day[0], int(self.now) + 1, 3_600)
        return [hour_at(at, ZONE).name for at in begins]

    async def ship(self, journal: Journal, first: int | None = None) -> Mark:
        """The next record, or again the one behind `first`; what the ledger says then."""
        at = journal.shipped if first is None else first
        told = await self.counts.apply(journal.source, 0, journal.shipment(at))
        if told.mark == journal.marks[at + 1]:
            journal.shipped = max(journal.shipped, at + 1)
        return told.mark


@dataclass
class Worker:
    """One worker's room and journal; it accepts as `serving.beacons` does."""

    desk: Desk
    writer: int
    journal: Journal = field(init=False)
    room: Room = field(init=False)
    serial: int = 0

    def __post_init__(self) -> None:
        self.journal = Journal(self.writer)
        self.room = Room(CAMPAIGN, self.desk.limits)

    async def ask(self, *others: Spoken) -> Grant:
        self.room.limits = self.desk.limits
        return await self.desk.ask(self.room, self.spoken(), *others)

    def spoken(self) -> Spoken:
        """Through now, if everything is in the store; else before the oldest that is not."""
        journal = self.journal
        waiting = journal.events[journal.shipped :]
        through = min([self.desk.now, *(now for now, _ in waiting)])
        return Spoken(journal.source, journal.marks[journal.shipped].sequence, through, done=False)

    def serve(self) -> Ticket:
        self.serial += 1
        return Ticket(self.writer, self.serial, self.room.take(self.desk.now), self.desk.now)

    def shown(self, ticket: Ticket) -> bool:
        """A beacon: whether it is accepted."""
        if ticket.at:
            self.room.seen(self.desk.now - ticket.at)
        until = ticket.until
        if self.desk.now >= until:
            until = self.room.take(self.desk.now)
        if until:
            self.accept(ticket, until)
        return until > 0

    def accept(self, ticket: Ticket, until: int, kind: Kind = Kind.IMPRESSION) -> None:
        event = Event(kind, ticket.writer, ticket.serial, CREATIVE, 1, 1, CAMPAIGN, until)
        self.journal.accept(self.desk.now, event)

    async def ship(self) -> None:
        while self.journal.shipped < len(self.journal.events):
            await self.desk.ship(self.journal)

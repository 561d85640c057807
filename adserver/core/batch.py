"""The counting protocol, as a state machine without a clock, a disk or a socket.

A `Stream` brings the records of one journal to one shard of the store, in order. A shipment
carries what the store's ledger must say before it (`previous`) and what it says after (`mark`);
the store applies it only if the ledger says `previous`, and tells the ledger otherwise. Sending
again is therefore always safe, and a ledger that fell behind (a failover, a power cut, an empty
restart) is answered by reading on behind what it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from adserver.core.errors import LedgerConflict
from adserver.core.hour import Hour
from adserver.core.record import EVENT

# What one script call handles in about a millisecond, so that the store serves others between.
MAX_EVENTS_PER_BATCH = 1_000
# Lines of a second's tallies in one record and one shipment, for the same reason.
MAX_TALLIES_PER_BATCH = 1_000
# Parts that wait in memory; the rest waits in the journal and is read again.
MAX_PARTS_QUEUED = 20_000
# Shipments of which it is not known whether they arrived; each needs a failure of its own.
MAX_UNCONFIRMED = 64


class Mark(NamedTuple):
    """What a ledger holds: the last record that was applied, and the journal's chain there."""

    sequence: int
    digest: int


NOTHING = Mark(0, 0)


class Part(NamedTuple):
    """What one record holds for one shard."""

    sequence: int
    digest: int
    hour: Hour
    events: bytes = b""
    tallies: bytes = b""


class Shipment(NamedTuple):
    """Parts of one hour, in order, to be applied together where the ledger says `previous`."""

    previous: Mark
    parts: tuple[Part, ...]

    @property
    def mark(self) -> Mark:
        return Mark(self.parts[-1].sequence, self.parts[-1].digest)

    @property
    def hour(self) -> Hour:
        return self.parts[0].hour

    @property
    def events(self) -> bytes:
        return b"".join([part.events for part in self.parts])

    @property
    def tallies(self) -> bytes:
        return b"".join([part.tallies for part in self.parts])


class Need(Enum):
    """What a stream needs before it can ship."""

    LEDGER = "the ledger, from the store"
    PARTS = "parts behind its position, from the journal"


class Stream:
    """known: what the ledger says; None for a journal that was found, whose ledger is asked for.

    position: the parts up to this record are in the store, or are none of this shard's.
    end: the journal's last durable record. rollbacks: how often the ledger was found behind.
    """

    def __init__(self, known: Mark | None, end: int = 0) -> None:
        self.position = known.sequence if known else 0
        self.end = end
        self.rollbacks = 0
        self._ledger = known
        self._sure = known is not None
        # Of a journal that was found, once: its worker may have sent one shipment that arrives
        # late, and the power may have taken from the disk what was in it.
        self._believes = known is None
        self._queue: deque[Part] = deque()
        # Whether the queue holds all that is behind the position; else the journal does.
        self._whole = known is not None and end == known.sequence
        self._in_flight: Shipment | None = None
        # Whether the last shipment left parts behind that were there when it went.
        self._left = False
        self._unconfirmed: deque[Mark] = deque(maxlen=MAX_UNCONFIRMED)
        # What became durable since the journal was asked, and up to where it was asked.
        self._late: deque[Part] | None = None
        self._late_from = 0
        # Whether the journal was asked again for a mark that nobody here knows.
        self._asked_again = False

    @property
    def idle(self) -> bool:
        """Everything durable is in the store, as far as is known."""
        return self._sure and self._whole and not self._queue and self._in_flight is None

    @property
    def behind(self) -> bool:
        """There was more than one shipment may have: the next one need not wait for more."""
        return self._left or not self._whole

    @property
    def shipped(self) -> bool:
        """As `idle`, by what the ledger said last."""
        return self._whole and not self._queue and self._in_flight is None and self.ledger >= 0

    @property
    def ledger(self) -> int:
        """The last record that the ledger is known to have; -1 before it was asked."""
        return self._ledger.sequence if self._ledger else -1

    def add(self, sequence: int, part: Part | None) -> None:
        """A record has become durable; `part` is what it holds for this shard, if anything."""
        if part is not None:
            self._enqueue(part)
        if self.idle:
            self.position = sequence
        self.end = sequence

    def _enqueue(self, part: Part) -> None:
        queue = self._queue if self._whole else self._late
        if queue is None:
            return
        if len(queue) < MAX_PARTS_QUEUED:
            queue.append(part)
        else:
            self._whole, self._late = False, None

    def step(self) -> Shipment | Need | None:
        """What to do next; a shipment is in flight until `told`, `failed` or `give_up`."""
        if self._in_flight is not None:
            return None
        if not self._sure:
            return Need.LEDGER
        if self._queue:
            parts = tuple(self._take())
            self._left = len(parts) < len(self._queue)
            self._in_flight = Shipment(self._ledger or NOTHING, parts)
            return self._in_flight
        if self._whole:
            return None
        self._late, self._late_from = deque(), self.end
        return Need.PARTS

    def _take(self) -> Iterable[Part]:
        """The first parts of one hour, as many as one shipment may have; they stay queued."""
        hour, events, tallies = self._queue[0].hour, 0, 0
        for part in self._queue:
            events += len(part.events) // EVENT.size
            tallies += part.tallies.count(b"\n")
            full = events > MAX_EVENTS_PER_BATCH or tallies > MAX_TALLIES_PER_BATCH
            if part.hour != hour or (full and part is not self._queue[0]):
                return
            yield part

    def doubt(self) -> None:
        """Ask the ledger again: the store may have rolled back since."""
        if self._in_flight is None:
            self._sure = False

    def failed(self) -> None:
        """No answer came: the shipment in flight may have been applied, or may yet be."""
        shipped, self._in_flight = self._in_flight, None
        if shipped is not None and shipped.mark not in self._unconfirmed:
            self._unconfirmed.append(shipped.mark)
        self._sure = False

    def expects(self, mark: Mark) -> bool:
        """Whether a ledger that says this is no reason to look into the journal."""
        known = mark in {NOTHING, self._ledger} or mark in self._unconfirmed
        return known or (self._in_flight is not None and mark == self._in_flight.mark)

    def told(self, mark: Mark, *, ours: bool | None = None) -> bool:
        """What the ledger says, asked for or in answer to the shipment in flight.

        ours: whether the journal has that record with that chain; None where it has it no more,
        or nobody looked.

        Whether it went on by a shipment: what that added came along, and nobody has been told
        of it. LedgerConflict where the ledger holds what is not in this journal: somebody else
        writes in its name.
        """
        shipped, self._in_flight = self._in_flight, None
        known, self._sure = self._ledger, True
        if shipped is not None and mark == shipped.mark:
            self._advance(mark)
            return True
        if ours is False and mark != known:
            raise LedgerConflict(known.sequence if known else 0, mark.sequence)
        if known is None:
            self._resume(mark)
        elif mark.sequence < known.sequence:
            # Even where a shipment once ended there: what came after it is in the store no more.
            self.rollbacks += 1
            self._resume(mark)
        elif mark != known:
            return self._go_on(known, mark, ours=ours)
        self._settle()
        return False

    def _go_on(self, known: Mark, mark: Mark, *, ours: bool | None) -> bool:
        if ours or mark in self._unconfirmed or any(mark == part[:2] for part in self._queue):
            self._advance(mark)
            return True
        if self._believes and (ours is None or mark.sequence > self.end):
            self._believes = False
            self._resume(mark)
            return False
        if self._whole or (self._asked_again and self._queue):
            raise LedgerConflict(known.sequence, mark.sequence)
        # A worker that has died may have sent it, and it came after we had asked: the journal
        # tells whether it is ours. So what it holds behind the position is read (again).
        self._asked_again = True
        self._queue.clear()
        return False

    def _advance(self, mark: Mark) -> None:
        self._ledger, self._asked_again = mark, False
        self.position = max(self.position, mark.sequence)
        while self._queue and self._queue[0].sequence <= mark.sequence:
            self._queue.popleft()
        self._settle()

    def _resume(self, mark: Mark) -> None:
        """Go on behind what the ledger says, with what the journal still has."""
        self._ledger, self._asked_again = mark, False
        self.position = mark.sequence
        self._queue.clear()
        self._late = None
        self._whole = mark.sequence >= self.end

    def _settle(self) -> None:
        """What is behind the last part of this shard needs no shipping."""
        if self.idle:
            self.position = max(self.position, self.end)

    def read(self, parts: Iterable[Part], until: int) -> None:
        """Parts of this shard behind the position, out of the journal, up to record `until`.

        As many as one shipment may have, or all.
        """
        self._queue.extend(parts)
        late, self._late = self._late, None
        if late is not None and until >= self._late_from:
            self._queue.extend(part for part in late if part.sequence > until)
            self._whole = True
        if not self._queue:
            self.position = max(self.position, self.end if self._whole else until)

    def give_up(self, shipment: Shipment) -> None:
        """Never send these parts: the store may have forgotten the bits that they would take."""
        self._in_flight = None
        while self._queue and self._queue[0].sequence <= shipment.mark.sequence:
            self._queue.popleft()
        self.position = max(self.position, shipment.mark.sequence)
        self._settle()

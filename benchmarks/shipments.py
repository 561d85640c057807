"""What nodes ship to the store, recorded, and the same again with tickets that are new."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from adserver.core.events import Kind
from adserver.core.record import BITMAP, CAMPAIGN, EVENT, bitmaps_of, limited_in
from adserver.store.keys import Keys
from adserver.store.script import Script
from benchmarks.recorder import packed

NAMESPACE = "adserver"
# Where the parts of a call begin: EVALSHA, digest, number of keys, then keys, then arguments.
KEYS_AT, OWN_KEYS = 3, 6
LIFE = b"180000"
ROOM = 10**12  # reserved for the replay, so that every event finds what it finds in life


@dataclass(frozen=True, slots=True)
class Shipped:
    """One call of count.lua. journal: whose it is."""

    at: float
    journal: tuple[int, int]
    hour: bytes
    begin: bytes
    events: bytes
    tallies: bytes

    @property
    def size(self) -> int:
        return len(self.events) // EVENT.size

    @property
    def rows(self) -> int:
        """How many rows its events are of."""
        step = EVENT.size
        return len({self.events[at + 8 : at + step] for at in range(0, len(self.events), step)})

    @property
    def impressions(self) -> int:
        return sum(event[3] == Kind.IMPRESSION for event in EVENT.iter_unpack(self.events))


def shipped_in(
    connections: Iterable[Sequence[tuple[float, list[bytes]]]], digest: str
) -> list[Shipped]:
    """The calls of count.lua among all commands, in the order in which they came.

    One that was sent again, as the store did not know the script, is one.
    """
    found = {
        (parts[KEYS_AT], parts[KEYS_AT + int(parts[2]) + 1]): read(at, parts)
        for commands in connections
        for at, parts in commands
        if parts[0] in (b"EVALSHA", b"EVAL") and counts(parts, digest)
    }
    return sorted(found.values(), key=lambda one: one.at)


def counts(parts: Sequence[bytes], digest: str) -> bool:
    return parts[1] in (digest.encode(), Script.named("count").source.encode())


def read(at: float, parts: Sequence[bytes]) -> Shipped:
    keys = int(parts[2])
    _, _, _, writer, epoch = parts[KEYS_AT].decode().split(":")
    args = parts[KEYS_AT + keys :]
    return Shipped(at, (int(writer), int(epoch)), args[3], args[4], args[5], args[7])


Renumber = Callable[[bytes], bytes]


class Fresh:
    """Calls like those that were recorded, of journals and tickets that nobody has seen.

    writers: how many have issued the tickets, each event's drawn at random; 0: as recorded.
    """

    def __init__(self, digest: str, seed: int = 1, writers: int = 0) -> None:
        self._digest = digest.encode()
        self._draw = random.Random(seed)
        self._keys = Keys(NAMESPACE)
        self._writers = writers
        self._next = self._draw.randrange(1 << 31)
        self._spread = [self._new() for _ in range(writers)]

    def _new(self) -> int:
        self._next += 1
        return self._next % (1 << 32)

    def calls(self, shipped: Sequence[Shipped]) -> Iterator[tuple[int, bytes]]:
        """How many events, and the command; to be sent in this order, as ledgers tell it."""
        if self._writers:
            self._spread = [self._new() for _ in range(self._writers)]
        named: dict[int, int] = {}
        at: dict[tuple[int, int], int] = {}
        for one in shipped:
            events = self._renumbered(one.events, named)
            journal = (self._named(one.journal[0], named), one.journal[1])
            sequence = at.get(journal, 0)
            at[journal] = sequence + 1
            yield one.size, self._packed(one, journal, sequence, events)

    def _named(self, writer: int, named: dict[int, int]) -> int:
        if writer not in named:
            named[writer] = self._new()
        return named[writer]

    def _renumbered(self, events: bytes, named: dict[int, int]) -> bytes:
        parts = []
        for at in range(0, len(events), EVENT.size):
            if self._writers:
                writer = self._draw.choice(self._spread)
            else:
                writer = self._named(int.from_bytes(events[at : at + 4], "big"), named)
            parts.append(writer.to_bytes(4, "big") + events[at + 4 : at + EVENT.size])
        return b"".join(parts)

    def _packed(
        self, one: Shipped, journal: tuple[int, int], sequence: int, events: bytes
    ) -> bytes:
        """As `store.counts` asks."""
        keys, hour = self._keys, one.hour.decode()
        bitmaps, limited = bitmaps_of(events), limited_in(events)
        names = [
            keys.ledger(0, *journal),
            keys.counts(0, hour),
            keys.totals(0),
            keys.hours(0),
            keys.changes(0),
            keys.change(0),
            *(keys.seen(0, *BITMAP.unpack(bitmap)) for bitmap in bitmaps),
            *(keys.lease(0, campaign) for campaign in limited),
        ]
        args = [
            b"%d %d\n" % (sequence, sequence and 1),
            b"%d 1\n" % (sequence + 1),
            LIFE,
            one.hour,
            one.begin,
            events,
            b"".join(bitmaps),
            one.tallies,
            b"".join(CAMPAIGN.pack(campaign) for campaign in limited),
            b"off",
        ]
        head = [b"EVALSHA", self._digest, b"%d" % len(names)]
        return packed([*head, *(name.encode() for name in names), *args])


def cut_anew(shipped: Sequence[Shipped], size: int) -> list[Shipped]:
    """The same events in the same order, so many a call, by one journal; without tallies."""
    events = b"".join(one.events for one in shipped)
    first, step = shipped[0], size * EVENT.size
    return [
        Shipped(0.0, (1, 1), first.hour, first.begin, events[at : at + step], b"")
        for at in range(0, len(events), step)
    ]


def rooms(shipped: Sequence[Shipped]) -> Iterator[bytes]:
    """Commands that give every campaign with limits the room that its events have reserved."""
    untils: dict[int, set[int]] = {}
    creatives: dict[int, set[int]] = {}
    for one in shipped:
        for *_, until, campaign, creative in EVENT.iter_unpack(one.events):
            if until:
                untils.setdefault(campaign, set()).add(until)
                creatives.setdefault(campaign, set()).add(creative)
    for campaign, moments in untils.items():
        many = ROOM * len(moments)
        fields: dict[str, object] = {"ever": many * 2, "metric": "i", "a_day": 0}
        fields |= {"generation": 1, "reserved": many}
        fields["creatives"] = " ".join(map(str, sorted(creatives[campaign])))
        fields |= {str(until): ROOM for until in moments}
        pairs = [str(part).encode() for pair in fields.items() for part in pair]
        yield packed([b"HSET", Keys(NAMESPACE).lease(0, campaign).encode(), *pairs])

"""Events that have become durable here: a second arrival is a duplicate, and is answered so.

A set of bits as the store has it, for the bitmaps that were used last, in memory that is a
worker's own or shared by those of a node. Who has forgotten a bitmap, or never met the event,
lets the store find out: this only answers sooner, and must never say of a new event that it was
seen.
"""

from __future__ import annotations

TICKETS_PER_BITMAP = 65_536
BITS_PER_TICKET = 3
# Of a bit's number: the kind, the ticket's place in its bitmap, and above them which bitmap.
KIND_BITS = 2
KINDS = (1 << KIND_BITS) - 1
PLACES = TICKETS_PER_BITMAP - 1
BITMAP_SHIFT = 16 + KIND_BITS
WORD_BYTES = 8
# A slot: whose bitmap it holds (0: nobody's), and which one that was, counted; then the bitmap.
HEAD_WORDS = 2
NOBODY = 0
TAKEN = 1 << 63
SLOT_WORDS = HEAD_WORDS + TICKETS_PER_BITMAP * BITS_PER_TICKET // 8 // WORD_BYTES
# Bitmaps lie in sets, each in one of its set's slots: 256 of 24 KiB, the latest tickets of as
# many writers, in 6 MiB.
SETS = 64
SLOTS_PER_SET = 4
MEMORY_BYTES = SETS * SLOTS_PER_SET * SLOT_WORDS * WORD_BYTES
EMPTY = bytes((SLOT_WORDS - HEAD_WORDS) * WORD_BYTES)


class Seen:
    """Bits by their number, `Event.bit`.

    memory: of MEMORY_BYTES, zeros at first. One at a time may `add`, while others read.
    """

    def __init__(self, memory: memoryview) -> None:
        self._words = memory.cast("Q")
        self._bytes = memory
        # Where a bitmap was when last looked for: at most one entry a slot.
        self._places: dict[int, int] = {}

    def has(self, bit: int) -> bool:
        key = TAKEN | bit >> BITMAP_SHIFT
        if (at := self._place(key)) is None:
            return False
        offset = (bit >> KIND_BITS & PLACES) * BITS_PER_TICKET + (bit & KINDS)
        if not self._bytes[(at + HEAD_WORDS) * WORD_BYTES + (offset >> 3)] >> (offset & 7) & 1:
            return False
        # Asked again: the slot may have been given away between the two looks.
        return self._words[at] == key

    def add(self, bit: int) -> bool:
        """Whether it is new."""
        key = TAKEN | bit >> BITMAP_SHIFT
        at = self._place(key)
        if at is None:
            at = self._give(key)
        offset = (bit >> KIND_BITS & PLACES) * BITS_PER_TICKET + (bit & KINDS)
        byte, mask = (at + HEAD_WORDS) * WORD_BYTES + (offset >> 3), 1 << (offset & 7)
        before = self._bytes[byte]
        self._bytes[byte] = before | mask
        return not before & mask

    def _place(self, key: int) -> int | None:
        """The word at which the bitmap's slot begins; None if it has none."""
        at = self._places.get(key)
        if at is not None and self._words[at] == key:
            return at
        self._places.pop(key, None)
        for at in slots_of(key):
            if self._words[at] == key:
                self._remember(key, at)
                return at
        return None

    def _remember(self, key: int, at: int) -> None:
        if len(self._places) >= SETS * SLOTS_PER_SET:
            self._places.clear()
        self._places[key] = at

    def _give(self, key: int) -> int:
        """The slot that was given first: a writer's tickets are used up in their order.

        It is nobody's until it is empty, so that whoever reads meanwhile, or finds it after a
        crash, does not take another's bits for this one's.
        """
        words, slots = self._words, slots_of(key)
        at = min(slots, key=lambda slot: words[slot + 1])
        words[at] = NOBODY
        words[at + 1] = max(words[slot + 1] for slot in slots) + 1
        begin = (at + HEAD_WORDS) * WORD_BYTES
        self._bytes[begin : begin + len(EMPTY)] = EMPTY
        words[at] = key
        self._remember(key, at)
        return at


def slots_of(key: int) -> range:
    """The words at which the slots of the key's set begin."""
    first = (key ^ key >> 16) % SETS * SLOTS_PER_SET * SLOT_WORDS
    return range(first, first + SLOTS_PER_SET * SLOT_WORDS, SLOT_WORDS)

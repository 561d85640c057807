"""The events that a worker has made durable itself: a second arrival here is a duplicate.

A set of bits as the store has it, for the bitmaps that were used last. A worker that has
forgotten one, or never met the event, lets the store find out; this only answers sooner.
"""

from __future__ import annotations

from adserver.core.events import Event

# 24 KiB each: 256 writers' latest tickets in 6 MiB.
MAX_BITMAPS = 256
TICKETS_PER_BITMAP = 65_536
BITS_PER_TICKET = 3


class Seen:
    def __init__(self) -> None:
        self._bitmaps: dict[tuple[int, int], bytearray] = {}

    def has(self, event: Event) -> bool:
        serial = event.serial
        bits = self._bitmaps.get((event.writer, serial >> 16))
        if bits is None:
            return False
        bit = (serial & 0xFFFF) * BITS_PER_TICKET + event.kind
        return bool(bits[bit >> 3] >> (bit & 7) & 1)

    def add(self, event: Event) -> None:
        serial = event.serial
        key = (event.writer, serial >> 16)
        bits = self._bitmaps.get(key)
        if bits is None:
            bits = self._make(key)
        bit = (serial & 0xFFFF) * BITS_PER_TICKET + event.kind
        bits[bit >> 3] |= 1 << (bit & 7)

    def _make(self, key: tuple[int, int]) -> bytearray:
        if len(self._bitmaps) >= MAX_BITMAPS:
            # The one that was begun first: tickets are used up in the order in which they are
            # issued, so it is the least likely to be asked for.
            del self._bitmaps[next(iter(self._bitmaps))]
        made = self._bitmaps[key] = bytearray(TICKETS_PER_BITMAP * BITS_PER_TICKET // 8)
        return made

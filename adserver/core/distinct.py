"""How many different campaigns each address has clicked in this hour, in a fixed piece of memory:
linear counting (Whang, Vander-Zanden and Taylor, 1990).

A key names one bitmap in each of two rows; a campaign is one bit of it. Of 248 bits, those that
are still zero tell how many campaigns there were: off by 5 % (one standard deviation) at a
hundred. The estimate is a little above the number of bits that are set, so it is rounded down:
up to EXACT campaigns with a bit each are that many. The lower of both rows is the answer, so that
it is too high only where both bitmaps are shared with somebody who clicks other campaigns.

    bitmap = hour of the day 1 byte · bits 31 bytes
"""

from __future__ import annotations

from math import floor, log

PLACE_BITS = 13
PLACES = (1 << PLACE_BITS) - 1
ROW = 1 << PLACE_BITS
BITMAP_BYTES = 32
BITS = (BITMAP_BYTES - 1) * 8
MEMORY_BYTES = 2 * ROW * BITMAP_BYTES
KEY_BITS = 2 * PLACE_BITS
# Beyond it, the estimate expects one that has found its bit already set.
EXACT = 21
# When no bit is left; more than any limit.
COUNTLESS = 1 << 32


class Distinct:
    """memory: of MEMORY_BYTES, zeros at first, and again when a day begins."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory

    def add(self, key: int, what: int, hour: int) -> int:
        """About how many different ones so far. key, what: hashes. hour: of the UTC day."""
        first, second = key & PLACES, ROW + (key >> PLACE_BITS & PLACES)
        bit = 1 << what % BITS
        return min(self._add(first, bit, hour), self._add(second, bit, hour))

    def _add(self, place: int, bit: int, hour: int) -> int:
        begin = place * BITMAP_BYTES
        cell = self._memory[begin : begin + BITMAP_BYTES]
        bits = int.from_bytes(cell[1:]) if cell[0] == hour else 0
        bits |= bit
        self._memory[begin : begin + BITMAP_BYTES] = bytes([hour]) + bits.to_bytes(BITMAP_BYTES - 1)
        return estimate(bits.bit_count())


def estimate(bits: int) -> int:
    """How many different ones have set so many of the bits."""
    return floor(BITS * log(BITS / (BITS - bits))) if bits < BITS else COUNTLESS

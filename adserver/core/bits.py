"""Sets of positions as big integers: what a slot's campaigns have in common, a bit for each.

Python works on 30 bits at a time, so a question to a hundred thousand campaigns is some
microseconds. `m & ~b` would make an integer with a sign and take ten times as long as `less`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WRITTEN = re.compile(rb"[^\0]", re.DOTALL)
# The positions in a byte, by its value.
IN_BYTE = tuple(tuple(bit for bit in range(8) if value >> bit & 1) for value in range(256))
# The same of a second byte, and what two are less than.
IN_SECOND = tuple(tuple(8 + bit for bit in bits) for bits in IN_BYTE)
BYTES_AT_ONCE = 1 << 16
# Fewer positions than this are kept as they are: a bit far up costs as much room as all below it.
MAX_FEW = 8

Bits = int | tuple[int, ...]


def less(bits: int, others: int) -> int:
    """`bits` without `others`."""
    return bits ^ (bits & others)


def pack(positions: Sequence[int]) -> int:
    if len(positions) <= 1:
        return 1 << positions[0] if positions else 0
    room = bytearray(max(positions) // 8 + 1)
    for position in positions:
        room[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(room, "little")


def packed_or_few(positions: Sequence[int]) -> Bits:
    return tuple(positions) if len(positions) <= MAX_FEW else pack(positions)


def union(some: Iterable[Bits]) -> int:
    together = 0
    for bits in some:
        if isinstance(bits, int):
            together |= bits
        else:
            for position in bits:
                together |= 1 << position
    return together


def lowest(bits: int) -> int:
    """The first position; there has to be one."""
    return (bits ^ (bits - 1)).bit_length() - 1


def positions_in(bits: int) -> list[int]:
    """In order. Bytes without a bit are passed over at the speed of memory."""
    if bits < BYTES_AT_ONCE:
        # Of a publisher with few campaigns, most questions.
        return [*IN_BYTE[bits & 255], *IN_SECOND[bits >> 8]]
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return [
        found.start() * 8 + bit for found in WRITTEN.finditer(data) for bit in IN_BYTE[found[0][0]]
    ]

"""Retention: of which generations the content is kept, so that one can go back to them.

Content is the catalog and the files that it was written in. Who applied a generation, when and
why is kept for longer (`MAX_RECORDS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_GENERATIONS = 1_000
# All that are kept together; a catalog of ten campaigns is some 20 KB.
MAX_BYTES = 256 * 1024 * 1024
# Some 300 bytes each, and what changed.
MAX_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A generation in the store. began: UTC seconds at which it was published."""

    number: int
    size_bytes: int
    began: float


def oldest_kept(stored: Sequence[Stored], now: float, life: float) -> int:
    """The number of the oldest generation whose content is kept; all after it are kept too.

    stored: at least one, newest first, the live one at its head. life: seconds for which what a
    generation has shown may still be asked for, once it is live no more; so long it is kept
    whatever it weighs.
    """
    total, ended = 0, now
    for position, one in enumerate(stored):
        total += one.size_bytes
        needed = position == 0 or ended + life > now
        if not needed and (total > MAX_BYTES or position >= MAX_GENERATIONS):
            return stored[position - 1].number
        ended = one.began
    return stored[-1].number

"""One effect that a plan has on delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# More names than these are counted instead of listed.
MAX_NAMES_SHOWN = 6


class Kind(StrEnum):
    """What happens to a slot or a campaign; a stable word for scripts."""

    CANDIDATES = "candidates"
    NO_HOUSE = "no_house"
    OVERSOLD = "oversold"
    OVERBOOKED = "overbooked"
    OUT_OF_REACH = "out_of_reach"
    WITHIN_REACH = "within_reach"
    ENDED_SHORT = "ended_short"
    FULL = "full"
    REBILLED = "rebilled"
    COUNTS_STAY = "counts_stay"
    PAUSED = "paused"
    UNSEEN_VALUE = "unseen_value"
    SLOT_IN_USE = "slot_in_use"


class Weight(StrEnum):
    """How much it matters: to know, to think about, in the way."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Effect:
    """subject: the name of the slot or campaign; message: what happens to it, which begins with
    that name."""

    kind: Kind
    subject: str
    weight: Weight
    message: str


def listed(names: Iterable[str]) -> str:
    known = sorted(names)
    shown = ", ".join(known[:MAX_NAMES_SHOWN])
    more = len(known) - MAX_NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def by_weight(found: Iterable[Effect]) -> tuple[Effect, ...]:
    """Errors first, then warnings."""
    return tuple(sorted(found, key=lambda one: [*Weight][::-1].index(one.weight)))

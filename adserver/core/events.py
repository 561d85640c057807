"""Events of a served ad, what became of them, and the rows that they are counted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Kind(IntEnum):
    """The value is the event's bit among the ticket's bits in the bitmap."""

    IMPRESSION = 0
    VIEWABLE = 1
    CLICK = 2

    @property
    def word(self) -> str:
        return WORDS[self]


WORDS = tuple(kind.name.lower() for kind in Kind)


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    UNMATCHED = "unmatched"  # a click that counts, of an ad with no impression so far
    DUPLICATE = "duplicate"


class Metric(StrEnum):
    """The first part of a row's key in the store; one letter, as there are many rows.

    A discarded event is its letter, a dot and the reason (`i.duplicate`); an unfilled request
    is `n.` and the reason. A capital is what rules in dry run would discard (`I.bot`).
    """

    REQUEST = "r"
    NO_FILL = "n"
    SERVED = "s"
    IMPRESSION = "i"
    VIEWABLE = "v"
    CLICK = "c"
    UNMATCHED = "u"
    UNMATCHED_VIEWABLE = "w"  # came before its impression, or without one: not among the viewable
    WOULD_IMPRESSION = "I"
    WOULD_VIEWABLE = "V"
    WOULD_CLICK = "C"


METRIC_OF: dict[Kind, Metric] = {
    Kind.IMPRESSION: Metric.IMPRESSION,
    Kind.VIEWABLE: Metric.VIEWABLE,
    Kind.CLICK: Metric.CLICK,
}

WOULD_OF: dict[Kind, Metric] = {
    Kind.IMPRESSION: Metric.WOULD_IMPRESSION,
    Kind.VIEWABLE: Metric.WOULD_VIEWABLE,
    Kind.CLICK: Metric.WOULD_CLICK,
}

KIND_OF = {metric: kind for kind, metric in METRIC_OF.items()}


class Event(NamedTuple):
    """One event to be counted: which bit to take, and in which row (the catalog's numbers).

    until: of a campaign with a limit, when the room that it takes lapses (the store's UTC seconds;
    `core.leases`); 0 where it needs none. matched: of a click, its impression is known to have been
    accepted, whichever of them reaches the store first.
    """

    kind: Kind
    writer: int
    serial: int
    creative: int
    slot: int
    site: int
    campaign: int = 0
    until: int = 0
    matched: bool = False

    @property
    def bit(self) -> int:
        """The bit that it takes, as one number: writer, serial 32, kind 2."""
        return bit_of(self.writer, self.serial, self.kind)


def bit_of(writer: int, serial: int, kind: Kind) -> int:
    """`Event.bit`, of a ticket's event."""
    return (writer << 32 | serial) << 2 | kind


@dataclass(frozen=True, slots=True)
class Row:
    """How often one thing happened in one hour, or in one day.

    hour: UTC seconds at which the hour of the site's zone began; reason: "" where it counts.
    day: the day's name (`2026-08-01`) where the row stands for all of it, as old ones do; `hour`
    is then its first. "" where it stands for the hour.
    """

    hour: int
    metric: Metric
    reason: str
    creative: int
    slot: int
    site: int
    count: int
    day: str = ""


Delivered = Mapping[tuple[Metric, int], int]
"""(metric, creative's number) → count; of what counts, and of served ads."""


# A row to add to: metric with its reason (`s`, `n.no_campaign`), creative, slot, site (numbers).
Tally = tuple[str, int, int, int]

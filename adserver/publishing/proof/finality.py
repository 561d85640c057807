"""From when on the figures of a flight can change no more.

An ad that is served in the flight's last second may be shown as long as its ticket lives; an event
that was answered then may wait as long again in the journal of a server that is cut off from the
store, and is never sent later than that. So a flight *closes* at the first midnight of the site's
zone that is a ticket's life behind its end, and is *final* a ticket's life later. Both are by the
servers' clocks: they are given an hour.

Whatever a reader's browser sends after the closing is not in the figures, also not as discarded:
so of a flight that is over, any two proofs agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from adserver.core.flights import zone
from adserver.core.hour import hour_at
from adserver.publishing import moments

CLOCKS_SECONDS = 3_600


class Stage(StrEnum):
    RUNNING = "running"  # more may be shown
    ARRIVING = "arriving"  # nothing more counts; what did may still be on its way to the store
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Finality:
    """UTC seconds. closes: what is later is not in the figures; final: they can change no more.
    Both None where a campaign has no end. stage: that of when it was asked for.

    through: what was accepted before has arrived, as far as servers are known that the store has
    heard of; None where it has heard of none.
    """

    stage: Stage
    closes: float | None = None
    final: float | None = None
    through: float | None = None

    @property
    def heard_of_all(self) -> bool:
        """Whether every server that is known has brought all that counts."""
        return self.closes is not None and self.through is not None and self.through >= self.closes


@dataclass(frozen=True, slots=True)
class Asked:
    """now: UTC seconds. timezone: the site's. life: a ticket's, seconds. through: as `Finality`
    has it."""

    now: float
    timezone: str
    life: int
    through: float | None = None


def finality(end: float | None, until: float | None, asked: Asked) -> Finality:
    """end: when the campaign stops being served; until: where the figures end if it has not closed
    before (UTC seconds, not included). None where that is open."""
    window = None if until is None else whole_hour(until, asked.timezone)
    closes = min((at for at in (closing(end, asked), window) if at is not None), default=None)
    if closes is None:
        return Finality(Stage.RUNNING, through=asked.through)
    final = closes + asked.life + CLOCKS_SECONDS
    stage = Stage.FINAL if asked.now >= final else Stage.ARRIVING
    if asked.now < closes:
        stage = Stage.RUNNING
    return Finality(stage, closes, final, asked.through)


def closing(end: float | None, asked: Asked) -> float | None:
    """A midnight, as old rows are kept by the day: it divides them then as it did before."""
    if end is None:
        return None
    tz = zone(asked.timezone)
    last = end + asked.life + CLOCKS_SECONDS
    day = moments.local(last, tz).date()
    midnight = moments.midnight(day, tz)
    return midnight if midnight >= last else moments.midnight(day + timedelta(days=1), tz)


def whole_hour(until: float, timezone: str) -> float:
    """Reports count whole hours: the end of the one that a window ends in."""
    hour = hour_at(until, timezone)
    return until if hour.begin == until else hour.end

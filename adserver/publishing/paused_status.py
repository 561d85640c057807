"""A pause as `status` tells of it."""

from __future__ import annotations

from dataclasses import dataclass

from adserver.core.flights import zone
from adserver.core.pauses import Pause
from adserver.publishing import moments


@dataclass(frozen=True, slots=True)
class PausedStatus:
    """target: as on the command line, `*` for everything. since, until: ISO 8601, of the site's
    zone; until None where somebody has to resume it."""

    target: str
    since: str
    until: str | None
    by: str
    message: str

    @classmethod
    def of(cls, pause: Pause, timezone: str) -> PausedStatus:
        tz = zone(timezone)
        return cls(
            str(pause.target),
            moments.iso(pause.since, tz),
            None if pause.until is None else moments.iso(pause.until, tz),
            pause.by,
            pause.message,
        )

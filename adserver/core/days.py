"""Days of a wall clock, as UTC seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from adserver.core.flights import instant, zone


def day_around(now: float, timezone: str) -> tuple[int, int]:
    """From midnight to midnight, the end not included; 23 to 25 hours."""
    today = datetime.fromtimestamp(now, zone(timezone)).date()
    tz = zone(timezone)
    return round(instant(today, 0, tz)), round(instant(today + timedelta(days=1), 0, tz))

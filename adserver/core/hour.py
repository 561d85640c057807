"""An hour of the publisher's clock, which counts are kept by.

Hours begin where the wall clock of the site's zone shows :00, so that a day's 24 rows (23 or 25
when the clock changes) are the publisher's day. The offset in the name tells the two hours of
autumn's repeated hour apart, and its beginning is the day's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adserver.core.flights import zone

HOUR_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Hour:
    """Its name (`2026-10-25T02+0200`) and UTC seconds [begin, end)."""

    name: str
    begin: int
    end: int


def hour_at(now: float, timezone: str) -> Hour:
    local = datetime.fromtimestamp(now, zone(timezone))
    # Backwards along real time, not the wall clock: the repeated hour has the offset of `local`.
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    begin = round(now - into.total_seconds())
    return Hour(f"{local:%Y-%m-%dT%H%z}", begin, begin + HOUR_SECONDS)


@dataclass(frozen=True, slots=True)
class Day:
    """Its name (`2026-10-25`) and the UTC second at which it begins."""

    name: str
    begin: int


def day_of(hour: Hour, timezone: str) -> Day:
    """The day that an hour is of. timezone: the site's today; the hour may be older than it."""
    name = day_name(hour.name)
    if hour_at(hour.begin, timezone).name == hour.name:
        midnight = datetime.combine(date.fromisoformat(name), datetime.min.time(), zone(timezone))
        return Day(name, round(midnight.timestamp()))
    clock = int(hour.name.removeprefix(f"{name}T")[:2])
    return Day(name, hour.begin - clock * HOUR_SECONDS)


def day_name(hour: str) -> str:
    return hour.partition("T")[0]


def hour_named(name: str, begin: int) -> Hour:
    return Hour(name, begin, begin + HOUR_SECONDS)

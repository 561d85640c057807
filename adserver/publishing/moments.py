"""Moments as people write and read them, on the wall clock of a zone."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from adserver.core.flights import instant
from adserver.core.hour import HOUR_SECONDS, hour_at

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400
# English whatever the machine's locale is.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local(moment: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment, zone)


def read_moment(text: str, zone: ZoneInfo) -> float:
    """UTC seconds of a date (its midnight) or a time, of the zone unless it names an offset.

    ValueError, told to a person, where it is neither. Of an hour that the autumn change
    repeats, the first is meant.
    """
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a date or time; write 2026-11-02 or 2026-11-02T09:00"
        ) from None
    if wall.tzinfo is not None:
        return wall.timestamp()
    minute = wall.hour * 60 + wall.minute
    return instant(wall.date(), minute, zone) + wall.second


def around(moment: float, zone: ZoneInfo) -> dict[float, str]:
    """The whole hours of the zone's clock on both sides of a moment, and how each is written.

    One alone for a moment that is a whole hour. UTC seconds.
    """
    begin = hour_at(moment, zone.key).begin
    end = begin + HOUR_SECONDS
    both = (begin,) if begin == moment else (begin, end)
    return {at: written(at, zone) for at in both}


def written(moment: float, zone: ZoneInfo) -> str:
    """As `read_moment` reads it, with the offset where the clock shows it twice."""
    at = local(moment, zone)
    text = at.replace(tzinfo=None).isoformat(timespec="minutes")
    return text if read_moment(text, zone) == moment else at.isoformat(timespec="minutes")


def midnight(day: date, zone: ZoneInfo) -> float:
    return instant(day, 0, zone)


def short_day(moment: float, zone: ZoneInfo, now: float) -> str:
    """`2 Nov`, with the year where it is not this one."""
    day, today = local(moment, zone), local(now, zone)
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day.day} {MONTHS[day.month - 1]}{year}"


def spoken(moment: float, zone: ZoneInfo, now: float) -> str:
    """`Mon 2 Nov 00:00 (Paris)`."""
    at = local(moment, zone)
    place = zone.key.rpartition("/")[2].replace("_", " ")
    return f"{DAYS[at.weekday()]} {short_day(moment, zone, now)} {at:%H:%M} ({place})"


def soon(moment: float, zone: ZoneInfo, now: float) -> str:
    """`08:00` within a day, `Mon 08:00` within a week, `Mon 2 Nov 08:00` later."""
    at = local(moment, zone)
    if moment - now < DAY_SECONDS:
        return f"{at:%H:%M}"
    if moment - now < 6 * DAY_SECONDS:
        return f"{DAYS[at.weekday()]} {at:%H:%M}"
    return f"{DAYS[at.weekday()]} {short_day(moment, zone, now)} {at:%H:%M}"


def iso(moment: float, zone: ZoneInfo) -> str:
    """`2026-11-02T09:00:00+01:00`."""
    return local(moment, zone).isoformat(timespec="seconds")


def day_of(moment: float, zone: ZoneInfo) -> str:
    return local(moment, zone).date().isoformat()


def hour_of(moment: float, zone: ZoneInfo) -> str:
    """`2026-10-25T02:00+02:00`: the offset tells the two hours of the autumn change apart."""
    return local(moment, zone).replace(minute=0, second=0).isoformat(timespec="minutes")

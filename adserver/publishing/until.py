"""`--until`: when a pause ends, as somebody in a hurry writes it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adserver.core.flights import instant
from adserver.publishing import flights, moments

LATER = re.compile(r"\+ ?([0-9]{1,4}) ?(min|h|d)")
# A day of the week, a time of day, or both.
CLOCK = re.compile(r"(?:([a-z]{3,9})\.?)?(?:(?:^| +)([0-9]{1,2}):([0-9]{2}))?", re.IGNORECASE)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SECONDS = {"min": 60, "h": 3_600, "d": 86_400}
# What is to stay away for longer is for the campaign's file.
MOST_SECONDS = 366 * 86_400
FORMS = "write +2h, 18:00, mon 09:00, 2026-11-30 or 2026-11-30 09:00"


def read_until(text: str, zone: ZoneInfo, now: float) -> float:
    """UTC seconds. ValueError, told to a person, for what is no time to come.

    A time of day is the next one of that name, today's or tomorrow's, in `zone`, and so is a day
    of the week; a day is its midnight.
    """
    until = moment_of(text.strip(), zone, now)
    if until <= now:
        raise ValueError(f"{moments.spoken(until, zone, now)} is over; {FORMS}")
    if until - now > MOST_SECONDS:
        raise ValueError(
            f"{moments.spoken(until, zone, now)} is more than a year away; "
            "leave it out, and resume by hand"
        )
    return until


def moment_of(text: str, zone: ZoneInfo, now: float) -> float:
    if later := LATER.fullmatch(text):
        return now + int(later[1]) * SECONDS[later[2]]
    if text and (clock := CLOCK.fullmatch(text)):
        hour, minute = int(clock[2] or 0), int(clock[3] or 0)
        if hour > 23 or minute > 59:
            raise ValueError(f"{text!r} is no time of day; {FORMS}")
        if clock[1] is None or (weekday := weekday_of(clock[1])) is not None:
            return next_one(weekday if clock[1] else None, hour * 60 + minute, zone, now)
    try:
        found = moments.read_moment(text, zone)
    except ValueError:
        raise ValueError(f"{text!r} is no time; {FORMS}") from None
    if ":" in text:
        refuse_gap(datetime.fromisoformat(text), zone)
    return found


def refuse_gap(wall: datetime, zone: ZoneInfo) -> None:
    """ValueError for a day's time that the clock leaves out, as in the files."""
    if wall.tzinfo is None and (around := flights.around_gap(wall, zone)):
        earlier, later = around
        raise ValueError(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks go forward; "
            f"write {earlier:%H:%M} or {later:%H:%M}"
        )


def weekday_of(word: str) -> int | None:
    """0 is Monday; a word may be cut short, to three letters."""
    found = (n for n, name in enumerate(WEEKDAYS) if name.startswith(word.casefold()))
    return next(found, None)


def next_one(weekday: int | None, minute: int, zone: ZoneInfo, now: float) -> float:
    """The next time that this minute of a day comes, of any day if none is named."""
    today = moments.local(now, zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(8))
    candidates = (
        instant(day, minute, zone) for day in days if weekday is None or day.weekday() == weekday
    )
    return next(at for at in candidates if at > now)

"""`--until`: when a pause ends, as somebody in a hurry writes it."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from adserver.core.flights import instant
from adserver.publishing import moments

LATER = re.compile(r"\+ ?([0-9]{1,4}) ?(min|h|d)")
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
SECONDS = {"min": 60, "h": 3_600, "d": 86_400}
# What is to stay away for longer is for the campaign's file.
MOST_SECONDS = 366 * 86_400
FORMS = "write +2h, 18:00, 2026-11-30 or 2026-11-30 09:00"


def read_until(text: str, zone: ZoneInfo, now: float) -> float:
    """UTC seconds. ValueError, told to a person, for what is no time to come.

    A time of day is the next one of that name, today's or tomorrow's, in `zone`; a day is its
    midnight.
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
    if clock := CLOCK.fullmatch(text):
        hour, minute = int(clock[1]), int(clock[2])
        if hour > 23 or minute > 59:
            raise ValueError(f"{text!r} is no time of day; {FORMS}")
        today = moments.local(now, zone).date()
        at = instant(today, hour * 60 + minute, zone)
        return at if at > now else instant(today + timedelta(days=1), hour * 60 + minute, zone)
    try:
        return moments.read_moment(text, zone)
    except ValueError:
        raise ValueError(f"{text!r} is no time; {FORMS}") from None

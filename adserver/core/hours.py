"""Dayparts as a marketer writes them: `mon-fri 08:00-20:00`, read into `Hours`.

Days are optional (`08:00-20:00` is every day), lists and ranges of mon … sun, and a range may
go over the weekend (`fri-mon`). 24:00 is allowed as an end. A daypart that passes midnight
(`22:00-02:00`) becomes two: until midnight, and from midnight on the following days.
"""

from __future__ import annotations

import re

from adserver.core.catalog import Hours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = tuple(range(len(DAYS)))
MINUTES_A_DAY = 24 * 60
# Longer than any daypart that means something; keeps the pattern's work small.
MAX_LENGTH = 80

DAYPART = re.compile(
    r"(?:(?P<days>[A-Za-z]+(?: ?[-,] ?[A-Za-z]+)*) +)?"
    r"(?P<start>\d{1,2}:\d{2}) ?- ?(?P<end>\d{1,2}:\d{2})",
    re.ASCII,
)


def parse_hours(text: str) -> tuple[Hours, ...]:
    """One daypart; raises ValueError whose message is for the person who wrote it."""
    match = DAYPART.fullmatch(text.strip()) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError('expected days and hours such as "mon-fri 08:00-20:00" or "08:00-20:00"')
    days = _days(match["days"]) if match["days"] else EVERY_DAY
    start, end = _minute(match["start"]), _minute(match["end"])
    if start == MINUTES_A_DAY:
        raise ValueError("24:00 can only be an end; a day begins at 00:00")
    if start == end:
        raise ValueError(f"begins and ends at {match['start']}: that is no time at all")
    return _until_midnight(days, start, end)


def _until_midnight(days: tuple[int, ...], start: int, end: int) -> tuple[Hours, ...]:
    if start < end:
        return (Hours(days, start, end),)
    evening = Hours(days, start, MINUTES_A_DAY)
    if end == 0:
        return (evening,)
    following = tuple(sorted((day + 1) % len(DAYS) for day in days))
    return (evening, Hours(following, 0, end))


def _minute(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute >= 60 or hour * 60 + minute > MINUTES_A_DAY:
        raise ValueError(f"{text} is not a time of day (00:00 to 24:00)")
    return hour * 60 + minute


def _days(text: str) -> tuple[int, ...]:
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        chosen.update(_range(part))
    return tuple(sorted(chosen))


def _range(text: str) -> list[int]:
    first, *more = (_day(name) for name in text.split("-"))
    if len(more) > 1:
        raise ValueError(f'"{text}" is not a range of days; write it as mon-fri')
    last = more[0] if more else first
    return [(first + step) % len(DAYS) for step in range((last - first) % len(DAYS) + 1)]


def _day(name: str) -> int:
    if name.casefold() not in DAYS:
        raise ValueError(f'"{name}" is not a day; days are {", ".join(DAYS)}')
    return DAYS.index(name.casefold())

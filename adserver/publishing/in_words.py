"""Values of the catalog in the words of the files that they were read from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

from adserver.core.catalog import Creative, Flight, Frequency, Goal, Hours, Image, Price, Size, Slot
from adserver.core.flights import zone
from adserver.core.hours import DAYS
from adserver.publishing import moments
from adserver.publishing.change import NONE, Wording

NO_LIMIT = "no limit"
OPEN = "open"


def price(value: Price | None) -> Wording:
    for unit in ("cpm", "cpc", "flat"):
        amount = getattr(value, unit, None)
        if amount is not None:
            return Wording(money(amount), what=unit)
    return Wording(NONE)


def money(amount: Decimal) -> str:
    """With the cents, as prices are written: 8.50."""
    return f"{amount:f}" if amount.as_tuple().exponent in (-2, -3, -4, -5, -6) else f"{amount:.2f}"


def goal(value: Goal | None) -> Wording:
    if value is None:
        return Wording(NONE)
    if value.share is not None:
        return Wording(percent(Decimal(repr(value.share))), what="share")
    if value.impressions is not None:
        return Wording(f"{value.impressions:,}", unit="impressions")
    return Wording(f"{value.clicks or 0:,}", unit="clicks")


def percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def limit(count: int) -> str:
    return f"{count:,}" if count else NO_LIMIT


def frequency(value: Frequency | None) -> str:
    return f"{value.impressions:,} per {value.per}" if value else NONE


def number(value: float) -> str:
    return f"{value:g}" if value == float(f"{value:g}") else repr(value)


def hours(parts: tuple[Hours, ...]) -> tuple[str, ...]:
    return tuple(daypart(part) for part in parts)


def daypart(part: Hours) -> str:
    """`mon-fri 08:00-20:00`; every day goes without saying."""
    times = f"{clock(part.start_minute)}-{clock(part.end_minute)}"
    return times if len(part.days) == len(DAYS) else f"{days(part.days)} {times}"


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def days(numbers: Iterable[int]) -> str:
    """`mon-fri`, `sat,sun`: three or more in a row are a range."""
    runs: list[list[int]] = []
    for day in sorted(numbers):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ",".join(DAYS[day] for day in run)
        for run in runs
    ]
    return ",".join(words)


def flight_begin(flight: Flight, now: float, *, by_day: bool) -> Wording:
    """now: UTC seconds; of another year, the year is said."""
    return edge(flight.since, "first day" if by_day else "from", 0, flight, now)


def flight_end(flight: Flight, now: float, *, by_day: bool) -> Wording:
    return edge(flight.until, "last day" if by_day else "until", 1, flight, now)


def edge(moment: float | None, what: str, days_on: int, flight: Flight, now: float) -> Wording:
    """days_on: how many days a day's end lies behind the day that is named."""
    tz = zone(flight.timezone)
    if moment is None:
        return Wording(OPEN, what)
    if what.endswith("day"):
        # Noon is of the day that is meant, also where the clock changes.
        noon = moment - days_on * moments.DAY_SECONDS + moments.DAY_SECONDS / 2
        return Wording(f"{weekday(noon, tz)} {moments.short_day(noon, tz, now)}", what)
    at = moments.local(moment, tz)
    return Wording(f"{weekday(moment, tz)} {moments.short_day(moment, tz, now)} {at:%H:%M}", what)


def weekday(moment: float, tz: ZoneInfo) -> str:
    return moments.DAYS[moments.local(moment, tz).weekday()]


def in_days(*flights: Flight) -> bool:
    """Whether all of them begin and end with days."""
    return all(
        is_midnight(moment, flight.timezone)
        for flight in flights
        for moment in (flight.since, flight.until)
    )


def is_midnight(moment: float | None, timezone: str) -> bool:
    """Whether this is where a day begins; an open end is whatever the other one is."""
    if moment is None:
        return True
    tz = zone(timezone)
    return moments.midnight(moments.local(moment, tz).date(), tz) == moment


def sizes(found: Iterable[Size]) -> str:
    return ", ".join(str(size) for size in sorted(set(found), reverse=True))


def creative(value: Creative) -> str:
    """`banner (970x250, 728x90)`, `card (text)`, `animated (html 970x250)`."""
    if value.html:
        shown = f"html {value.html.size}"
    elif value.text:
        shown = "text"
    else:
        shown = sizes(one.size for one in value.images)
    return f"{value.id} ({shown})"


def image(value: Image) -> str:
    return f"{value.name} ({value.size})" if value.density == 1 else value.name


def slot(value: Slot) -> str:
    """`side (desktop 300x250, on_empty reserve)`."""
    rooms = ", ".join(f"{device} {size}" for device, size in value.sizes.items())
    return f"{value.name} ({rooms}, on_empty {value.on_empty})"


def without_utm(link: str) -> str:
    """A link as it is written, before `utm: true` adds to it."""
    head, mark, fragment = link.partition("#")
    bare = re.sub(r"(?<=[?&])utm_(source|medium|campaign|content)=[^&]*(&|$)", "", head)
    return bare.rstrip("?&") + mark + fragment

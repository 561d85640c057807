"""When campaigns run within a week, and the hours in which none does, as people say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from adserver.core.catalog import Campaign
from adserver.core.flights import windows, zone
from adserver.publishing.moments import DAYS

WEEK_SECONDS = 7 * 86_400
# More are not read by anybody.
MAX_SAID = 4

Span = tuple[float, float]
"""UTC seconds, the second not included."""


def running(campaign: Campaign, since: float, until: float) -> list[Span]:
    """When a campaign runs by its hours between two instants, at most a week apart.

    Its flight is not asked.
    """
    if not campaign.hours:
        return [(since, until)]
    spans = windows(campaign.hours, zone(campaign.flight.timezone), since)
    return [(max(a, since), min(b, until)) for a, b in spans if a < until and b > since]


def flight_of(campaign: Campaign, since: float = -inf) -> Span:
    """The flight from an instant on; it may be empty."""
    begin, end = campaign.flight.since, campaign.flight.until
    return (max(since, -inf if begin is None else begin), inf if end is None else end)


def gaps(spans: Iterable[Span], since: float, until: float) -> list[Span]:
    """What no span covers between two instants, in order."""
    found: list[Span] = []
    reached = since
    for begin, end in sorted(spans):
        if begin > reached:
            found.append((reached, begin))
        reached = max(reached, end)
    return [*found, (reached, until)] if reached < until else found


def said(bare: Sequence[Span], tz: ZoneInfo) -> str:
    """Hours of a week, Monday's first: `Sat 10:00-Sun 24:00, Mon 08:00-09:30`."""
    if sum(end - begin for begin, end in bare) >= WEEK_SECONDS:
        return "all week"
    joined = sorted(around_the_week(bare), key=lambda span: place_in_week(span[0], tz))
    words = [f"{moment(begin, tz)}-{end_of(begin, end, tz)}" for begin, end in joined[:MAX_SAID]]
    more = len(joined) - len(words)
    return ", ".join(words) + (f" and {more} more times" if more else "")


def around_the_week(bare: Sequence[Span]) -> list[Span]:
    """A gap that the beginning of the week cuts in two is one."""
    first, last = bare[0], bare[-1]
    if len(bare) > 1 and last[1] - first[0] == WEEK_SECONDS:
        return [*bare[1:-1], (last[0], first[1] + WEEK_SECONDS)]
    return list(bare)


def place_in_week(instant: float, tz: ZoneInfo) -> tuple[int, int, int]:
    at = datetime.fromtimestamp(instant, tz)
    return at.weekday(), at.hour, at.minute


def moment(instant: float, tz: ZoneInfo) -> str:
    at = datetime.fromtimestamp(instant, tz)
    return f"{DAYS[at.weekday()]} {at:%H:%M}"


def end_of(begin: float, end: float, tz: ZoneInfo) -> str:
    """A midnight is the end of the day before it; the day is said where it is another."""
    first, last = datetime.fromtimestamp(begin, tz), datetime.fromtimestamp(end - 60, tz)
    at = datetime.fromtimestamp(end, tz)
    clock = "24:00" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
    return clock if first.date() == last.date() else f"{DAYS[last.weekday()]} {clock}"

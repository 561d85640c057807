"""When a campaign may run: its flight and its dayparts, and when that next changes.

Dayparts are read on the wall clock of the campaign's zone, so that "08:00-20:00" is eight to
eight on the days that change the clock as well.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from adserver.core.catalog import Campaign, Flight, Hours, State
from adserver.core.reasons import Reason

MINUTES_A_DAY = 1440
# A daypart recurs within a week; one day more covers a boundary that falls on today.
DAYS_AHEAD = 8


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def instant(day: date, minute: int, tz: ZoneInfo) -> float:
    """UTC seconds of a wall-clock minute; 1440 is the next midnight.

    A minute that the spring change leaves out is the instant at which the gap ends.
    """
    if minute >= MINUTES_A_DAY:
        day, minute = day + timedelta(days=1), minute - MINUTES_A_DAY
    wall = datetime.combine(day, time(minute // 60, minute % 60), tz)
    there_and_back = wall.astimezone(UTC).astimezone(tz)
    if there_and_back.replace(tzinfo=None) != wall.replace(tzinfo=None):
        return gap_end(wall, tz)
    return wall.timestamp()


def gap_end(wall: datetime, tz: ZoneInfo) -> float:
    """The first instant after the hole in the clock that `wall` stands in, at most 3 h."""
    naive = wall.replace(tzinfo=None)
    for minutes in range(1, 181):
        later = (naive + timedelta(minutes=minutes)).replace(tzinfo=tz)
        back = later.astimezone(UTC).astimezone(tz)
        if back.replace(tzinfo=None) == later.replace(tzinfo=None):
            return later.timestamp()
    return wall.timestamp()


def windows(hours: tuple[Hours, ...], tz: ZoneInfo, now: float) -> list[tuple[float, float]]:
    """The dayparts' open windows around `now`: yesterday's to next week's, UTC seconds."""
    today = datetime.fromtimestamp(now, tz).date()
    days = [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]
    return [
        (instant(day, part.start_minute, tz), instant(day, part.end_minute, tz))
        for day in days
        for part in hours
        if day.weekday() in part.days
    ]


def standing(campaign: Campaign, now: float, *, stopped: bool = False) -> Reason | None:
    """Why a campaign may not run at `now`, by its state, flight and hours; None if it may.

    stopped: whether it is paused beside its file (`core.pauses`).
    """
    if campaign.state is State.DRAFT:
        return Reason.DRAFT
    if ended(campaign.flight, now):
        return Reason.ENDED
    if campaign.flight.since is not None and now < campaign.flight.since:
        return Reason.NOT_STARTED
    if stopped or campaign.state is State.PAUSED:
        return Reason.PAUSED
    if campaign.hours and not in_hours(campaign, now):
        return Reason.OFF_HOURS
    return None


def ended(flight: Flight, now: float) -> bool:
    return flight.until is not None and now >= flight.until


def in_hours(campaign: Campaign, now: float) -> bool:
    spans = windows(campaign.hours, zone(campaign.flight.timezone), now)
    return any(start <= now < end for start, end in spans)


def next_change(campaign: Campaign, now: float) -> float:
    """The first instant after `now` at which `standing` may answer differently; inf if never."""
    if campaign.state is State.DRAFT:
        return float("inf")
    moments = [m for m in (campaign.flight.since, campaign.flight.until) if m is not None]
    if campaign.hours and campaign.state is State.READY:
        spans = windows(campaign.hours, zone(campaign.flight.timezone), now)
        moments += [moment for span in spans for moment in span]
    return min((m for m in moments if m > now), default=float("inf"))

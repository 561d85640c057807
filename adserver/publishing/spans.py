"""When a campaign will be shown first and last, for a person."""

from __future__ import annotations

from collections.abc import Iterator

from adserver.core.catalog import Campaign, State
from adserver.core.flights import ended, windows, zone
from adserver.publishing import moments

# Dayparts recur within a week, and windows reach a week ahead.
WEEK_SECONDS = 7 * moments.DAY_SECONDS


def span_words(campaign: Campaign, now: float) -> str:
    """`first impression Mon 2 Nov 00:00 (Paris), last impression Mon 30 Nov 23:59 (Paris)`.

    now: UTC seconds. What has begun already has no first one any more.
    """
    if campaign.state is State.DRAFT:
        return "a draft is never shown"
    if ended(campaign.flight, now):
        return "its flight is over: it is never shown"
    words = ", ".join(edges(campaign, now))
    return f"{words}, once it is no longer paused" if campaign.state is State.PAUSED else words


def edges(campaign: Campaign, now: float) -> Iterator[str]:
    tz = zone(campaign.flight.timezone)
    first, last = first_moment(campaign, now), last_moment(campaign)
    if first is None:
        yield "its hours never come within its flight: it is never shown"
        return
    if first > now:
        yield f"first impression {moments.spoken(first, tz, now)}"
    if last is None:
        yield "no last day"
    else:
        yield f"last impression {moments.spoken(last - moments.MINUTE_SECONDS, tz, now)}"


def first_moment(campaign: Campaign, now: float) -> float | None:
    """From `now` on; None where its hours leave nothing of its flight."""
    flight = campaign.flight
    begin = now if flight.since is None else max(now, flight.since)
    if not campaign.hours:
        return begin
    spans = windows(campaign.hours, zone(flight.timezone), begin)
    starts = (max(begin, start) for start, end in spans if end > begin)
    found = min(starts, default=None)
    over = found is not None and flight.until is not None and found >= flight.until
    return None if over else found


def last_moment(campaign: Campaign) -> float | None:
    """When it may be shown no more; None without an end."""
    until = campaign.flight.until
    if until is None or not campaign.hours:
        return until
    spans = windows(campaign.hours, zone(campaign.flight.timezone), until - WEEK_SECONDS)
    return max((min(until, end) for start, end in spans if start < until), default=until)

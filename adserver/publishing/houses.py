"""Slots that fall back on house campaigns, and the hours in which there is none for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from zoneinfo import ZoneInfo

from adserver.core.booking import covers
from adserver.core.catalog import Campaign, Device, OnEmpty, Slot, State, Tier
from adserver.core.fit import fitting, room_for
from adserver.core.flights import zone
from adserver.publishing.findings import Findings, Place
from adserver.publishing.moments import spoken
from adserver.publishing.surprises import devices_of, only_about_device
from adserver.publishing.weeks import WEEK_SECONDS, Span, flight_of, gaps, running, said

# A Monday without a change of the clocks, where nobody says what day it is.
SOME_MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
# A quarter: until flights end that are longer than that, files will have changed.
HORIZON_SECONDS = 92 * 86_400


@dataclass(frozen=True, slots=True)
class Bare:
    """Hours without a house campaign; since: from when on, None for now."""

    spans: tuple[Span, ...]
    since: float | None


def warn_of_empty_houses(
    slots: Sequence[tuple[Place, Slot]],
    campaigns: Iterable[Campaign],
    zone_name: str,
    now: float | None,
    findings: Findings,
) -> None:
    """zone_name: the site's, in which hours are said. now: None leaves flights out."""
    houses = [c for c in campaigns if c.tier is Tier.HOUSE and c.state is State.READY]
    for place, slot in slots:
        if slot.on_empty is not OnEmpty.HOUSE:
            continue
        booking = [c for c in houses if any(covers(pattern, slot.name) for pattern in c.slots)]
        for when in emptiness(slot, booking, zone(zone_name), now):
            message = f"slot `{slot.name}` has `on_empty: house`, and {when}"
            findings.warning(place, "no_house_campaign", message, hint(booking))


def hint(booking: Sequence[Campaign]) -> str:
    if not booking:
        return "add a campaign with `tier: house`, or write `on_empty: reserve`"
    unsure = any(c.targeting for c in booking)
    but = "; those with targeting do not count, as a page may not be what they want"
    return f"let a house campaign run then, or write `on_empty: reserve`{but if unsure else ''}"


def emptiness(
    slot: Slot, booking: Sequence[Campaign], tz: ZoneInfo, now: float | None
) -> Iterator[str]:
    """What is missing, in words; once for all devices where it is the same for all."""
    if not booking:
        yield "no house campaign books it"
        return
    bare = {device: first_bare(slot, device, booking, now) for device in rooms(slot)}
    found = set(bare.values())
    for device, one in bare.items():
        if one is None or (len(found) == 1 and device is not next(iter(bare))):
            continue
        on = f" on {device}" if len(found) > 1 else ""
        later = f"from {spoken(one.since, tz, now or 0)} on " if one.since is not None else ""
        yield f"{later}no house campaign runs there{on}: {said(one.spans, tz)}"


def rooms(slot: Slot) -> list[Device]:
    return [device for device in Device if room_for(slot, device)]


def first_bare(
    slot: Slot, device: Device, booking: Sequence[Campaign], now: float | None
) -> Bare | None:
    """The first time in the coming quarter from which on some hours of the week are bare."""
    sure = [c for c in booking if fitting(c, slot, device) and serves_all(c, device)]
    if now is None:
        return bare_within(sure, SOME_MONDAY, inf, None)
    # From a flight's end to the next beginning, those who run are always the same.
    last = now + HORIZON_SECONDS
    ends = {edge for c in sure for edge in flight_of(c) if now < edge < last}
    edges = [now, *sorted(ends), inf]
    for begin, end in pairwise(edges):
        until = min(end, last)
        there = [c for c in sure if flight_of(c)[0] <= begin and flight_of(c)[1] >= until]
        if found := bare_within(there, begin, end, None if begin == now else begin):
            return found
    return None


def bare_within(
    there: Sequence[Campaign], begin: float, end: float, since: float | None
) -> Bare | None:
    until = min(end, begin + WEEK_SECONDS)
    bare = gaps((span for c in there for span in running(c, begin, until)), begin, until)
    return Bare(tuple(bare), since) if bare else None


def serves_all(campaign: Campaign, device: Device) -> bool:
    """Whether every reader with such a device may have it: no targeting, or of devices only."""
    return only_about_device(campaign) and device in devices_of(campaign)

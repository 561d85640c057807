"""How the live campaigns and slots are doing: the state of each, in a word and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adserver.core.booking import booked_slots
from adserver.core.bought import UNITS, ByUnit, bought
from adserver.core.catalog import Campaign, Generation, OnEmpty, Slot, Tier
from adserver.core.days import day_around
from adserver.core.events import Row
from adserver.core.flights import next_change, standing, zone
from adserver.core.leases import Room
from adserver.core.outlook import Outlook
from adserver.core.pauses import Kind, Pause, Stopped, pauses_of, stopped_by
from adserver.core.reasons import Reason
from adserver.publishing import moments
from adserver.publishing.moments import DAY_SECONDS
from adserver.publishing.paused_status import PausedStatus
from adserver.publishing.slot_status import SlotStatus, slot_statuses

RUNNING = "running"
IMPRESSIONS, CLICKS = UNITS.values()
# What is to be said of these is that, however far they are.
UNJUDGED = (Reason.DRAFT, Reason.PAUSED, Reason.NOT_STARTED)
# Of rows, so that a day on which the clock is set back is whole.
ROWS_SECONDS = DAY_SECONDS + 3_600


@dataclass(frozen=True, slots=True)
class Known:
    """What a status is made of. by_unit: delivered ever; outlooks: of campaigns with a goal; rows:
    those of the last `ROWS_SECONDS`; rooms: of campaigns with limits; pauses: all that are known.
    """

    live: Generation
    by_unit: ByUnit
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    pauses: Sequence[Pause] = ()
    rooms: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`state` is what it does now; `verdict` says to a person how it is doing: of a campaign with
    a goal one of `core.pacing.Verdict`, else the state, with what comes next.

    delivered, expected, goal and today are in the goal's unit, as the limits are (None without
    one). today: since the campaign's midnight; of one with `max_per_day`, with what is reserved.
    ctr: clicks by impressions, None without any. days_left: until its flight ends, None if it does
    not. paused: by whom all of it is; paused_parts: targets of those of its creatives and slots
    that are, while it goes on elsewhere.
    """

    campaign: str
    state: str
    delivered: int
    expected: int | None
    goal: int | None
    unit: str
    verdict: str
    advertiser: str = ""
    tier: str = ""
    today: int = 0
    max_per_day: int | None = None
    max_total: int | None = None
    impressions: int = 0
    clicks: int = 0
    ctr: float | None = None
    days_left: float | None = None
    paused: PausedStatus | None = None
    paused_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """pauses: all that hold."""

    generation: int
    campaigns: tuple[CampaignStatus, ...] = ()
    slots: tuple[SlotStatus, ...] = ()
    pauses: tuple[PausedStatus, ...] = ()


def status(known: Known, now: float) -> Status:
    """now: UTC seconds."""
    live = known.live
    pauses = [one for one in known.pauses if one.holds(now)]
    telling = Telling(known, pauses, now)
    return Status(
        generation=live.number,
        campaigns=tuple(
            telling.campaign(one) for one in sorted(live.catalog.campaigns, key=lambda c: c.name)
        ),
        slots=slot_statuses(
            live, (row for row in known.rows if row.hour >= now - DAY_SECONDS), pauses
        ),
        pauses=tuple(PausedStatus.of(one, live.catalog.site.timezone) for one in pauses),
    )


class Telling:
    """pauses: that hold."""

    def __init__(self, known: Known, pauses: Sequence[Pause], now: float) -> None:
        self._known, self._pauses, self._now = known, pauses, now
        self._stopped: Stopped = stopped_by(known.live.catalog, pauses, now)
        self._by_hour = by_hour(known.live, known.rows)

    def campaign(self, campaign: Campaign) -> CampaignStatus:
        name, now, catalog = campaign.name, self._now, self._known.live.catalog
        why_not = standing(campaign, now, stopped=name in self._stopped.campaigns)
        order, outlook = bought(campaign), self._known.outlooks.get(name, Outlook(None, None))
        unit = order.unit if order else IMPRESSIONS
        counted = {one: self._known.by_unit[one].get(name, 0) for one in UNITS.values()}
        today = self._today(campaign, unit)
        if why_not:
            said = stopped(campaign, why_not, now)
        else:
            said = going(campaign, catalog.slots, counted[unit], today)
        judged = None if why_not in UNJUDGED else outlook.verdict
        ends = campaign.flight.until
        impressions, clicks = counted[IMPRESSIONS], counted[CLICKS]
        return CampaignStatus(
            campaign=name,
            state=why_not.value if why_not else RUNNING,
            delivered=counted[unit],
            expected=outlook.expected,
            goal=order.goal if order else None,
            unit=unit,
            verdict=judged.value if judged else said,
            advertiser=campaign.advertiser,
            tier=campaign.tier,
            today=today,
            max_per_day=campaign.max_per_day or None,
            max_total=campaign.max_total or None,
            impressions=impressions,
            clicks=clicks,
            ctr=round(clicks / impressions, 6) if impressions else None,
            days_left=None if ends is None else round(max(0.0, ends - now) / DAY_SECONDS, 3),
            paused=self._paused(campaign),
            paused_parts=self._paused_parts(campaign),
        )

    def _today(self, campaign: Campaign, unit: str) -> int:
        """The store's own number where it keeps one; hours are those of the site's clock."""
        room = self._known.rooms.get(campaign.name)
        if room is not None and campaign.max_per_day:
            return room.today
        midnight, _ = day_around(self._now, campaign.flight.timezone)
        hours = self._by_hour.get((campaign.name, unit), Counter())
        return sum(count for hour, count in hours.items() if hour >= midnight)

    def _paused(self, campaign: Campaign) -> PausedStatus | None:
        catalog = self._known.live.catalog
        held = pauses_of(campaign, catalog.slots, self._pauses)
        return PausedStatus.of(held[0], catalog.site.timezone) if held else None

    def _paused_parts(self, campaign: Campaign) -> tuple[str, ...]:
        if campaign.name in self._stopped.campaigns:
            return ()
        booked = {slot.name for slot in booked_slots(campaign, self._known.live.catalog.slots)}
        return tuple(
            str(one.target)
            for one in self._pauses
            if one.is_of_creative(campaign)
            or (one.target.kind is Kind.SLOT and one.target.name in booked)
        )


def by_hour(live: Generation, rows: Iterable[Row]) -> Mapping[tuple[str, str], Counter[int]]:
    """What counts of each campaign, by unit, in the hours of the rows (when they begin)."""
    campaigns = {
        number: name.split("/")[1]
        for name, number in live.numbers.items()
        if name.startswith("creative/")
    }
    found: dict[tuple[str, str], Counter[int]] = {}
    for row in rows:
        unit, campaign = UNITS.get(row.metric), campaigns.get(row.creative)
        if unit and campaign and not row.reason:
            found.setdefault((campaign, unit), Counter())[row.hour] += row.count
    return found


def stopped(campaign: Campaign, reason: Reason, now: float) -> str:
    tz = zone(campaign.flight.timezone)
    if reason is Reason.NOT_STARTED and campaign.flight.since is not None:
        return f"starts {moments.short_day(campaign.flight.since, tz, now)}"
    if reason is Reason.OFF_HOURS:
        opening = next_opening(campaign, now)
        return (
            f"off hours until {moments.soon(opening, tz, now)}"
            if opening is not None
            else "off hours to its end"
        )
    return reason.value


def next_opening(campaign: Campaign, now: float) -> float | None:
    """When a campaign that is off its hours may run again; None if its flight ends before."""
    moment = now
    # Ends: dayparts recur every week, and each step is later than the one before.
    while standing(campaign, moment) is Reason.OFF_HOURS:
        moment = next_change(campaign, moment)
    return moment if standing(campaign, moment) is None else None


def going(campaign: Campaign, slots: tuple[Slot, ...], delivered: int, today: int) -> str:
    booked = booked_slots(campaign, slots)
    if campaign.tier is Tier.HOUSE and not any(s.on_empty is OnEmpty.HOUSE for s in booked):
        return "none of its slots is `on_empty: house`"
    if 0 < campaign.max_total <= delivered:
        return "all of max_total delivered"
    if 0 < campaign.max_per_day <= today:
        return "full for today"
    return RUNNING if delivered else "no impression yet"

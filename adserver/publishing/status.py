"""How the live campaigns and slots are doing: the state of each, in a word and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adserver.core.bought import ByUnit, bought
from adserver.core.catalog import Campaign, Generation, OnEmpty, Slot, Tier, booked_slots
from adserver.core.events import Metric, Row
from adserver.core.flights import next_change, standing, zone
from adserver.core.outlook import Outlook
from adserver.core.reasons import Reason
from adserver.publishing import moments

RUNNING = "running"
UNIT = "impressions"
# What is to be said of these is that, however far they are.
UNJUDGED = (Reason.DRAFT, Reason.PAUSED, Reason.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`state` is what it does now; `verdict` says to a person how it is doing: of a campaign with
    a goal one of `core.pacing.Verdict`, else the state, with what comes next.

    delivered, expected and goal are in the goal's unit.
    """

    campaign: str
    state: str
    delivered: int
    expected: int | None
    goal: int | None
    unit: str
    verdict: str


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """fill: the share of requests that showed an ad, None without requests."""

    slot: str
    requests: int
    fill: float | None
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    generation: int
    campaigns: tuple[CampaignStatus, ...] = ()
    slots: tuple[SlotStatus, ...] = ()


def status(
    live: Generation,
    by_unit: ByUnit,
    outlooks: Mapping[str, Outlook],
    day: Iterable[Row],
    now: float,
) -> Status:
    """by_unit: delivered ever; outlooks: of campaigns with a goal; day: the rows of the last 24
    hours."""
    return Status(
        generation=live.number,
        campaigns=tuple(
            campaign_status(campaign, live.catalog.slots, by_unit, outlooks, now)
            for campaign in sorted(live.catalog.campaigns, key=lambda c: c.name)
        ),
        slots=slot_statuses(live, tuple(day)),
    )


def campaign_status(
    campaign: Campaign,
    slots: tuple[Slot, ...],
    by_unit: ByUnit,
    outlooks: Mapping[str, Outlook],
    now: float,
) -> CampaignStatus:
    why_not = standing(campaign, now)
    order, outlook = bought(campaign), outlooks.get(campaign.name, Outlook(None, None))
    unit = order.unit if order else UNIT
    delivered = by_unit[unit].get(campaign.name, 0)
    said = stopped(campaign, why_not, now) if why_not else going(campaign, slots, delivered)
    judged = None if why_not in UNJUDGED else outlook.verdict
    return CampaignStatus(
        campaign=campaign.name,
        state=why_not.value if why_not else RUNNING,
        delivered=delivered,
        expected=outlook.expected,
        goal=order.goal if order else None,
        unit=unit,
        verdict=judged.value if judged else said,
    )


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


def going(campaign: Campaign, slots: tuple[Slot, ...], delivered: int) -> str:
    booked = booked_slots(campaign, slots)
    if campaign.tier is Tier.HOUSE and not any(s.on_empty is OnEmpty.HOUSE for s in booked):
        return "none of its slots is `on_empty: house`"
    return RUNNING if delivered else "no impression yet"


def slot_statuses(live: Generation, rows: Sequence[Row]) -> tuple[SlotStatus, ...]:
    requests: Counter[int] = Counter()
    empty: dict[int, Counter[str]] = {}
    for row in rows:
        if row.metric is Metric.REQUEST:
            requests[row.slot] += row.count
        elif row.metric is Metric.NO_FILL:
            empty.setdefault(row.slot, Counter())[row.reason] += row.count
    return tuple(
        slot_status(slot.name, requests[number], empty.get(number, Counter()))
        for slot in live.catalog.slots
        for number in (live.numbers[f"slot/{slot.name}"],)
    )


def slot_status(name: str, requests: int, empty: Counter[str]) -> SlotStatus:
    # Requests and their outcome may be written a moment apart: never less than nothing.
    filled = max(requests - empty.total(), 0)
    return SlotStatus(
        slot=name,
        requests=requests,
        fill=round(filled / requests, 6) if requests else None,
        reasons=dict(empty.most_common()),
    )

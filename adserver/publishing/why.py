"""Why a slot shows what it shows: every candidate, its one reason, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adserver.core.booking import booked_slots
from adserver.core.catalog import Campaign, Catalog, Frequency, Generation, OnEmpty, Period, State
from adserver.core.context import Context
from adserver.core.decision import Candidate, drawn_for, explain
from adserver.core.fit import room_for
from adserver.core.flights import zone
from adserver.core.on_page import OnPage
from adserver.core.pauses import Kind, Pause, stopped_by
from adserver.core.places import Places
from adserver.core.reasons import REACH, Reason
from adserver.core.snapshot import compile_snapshot
from adserver.core.steps import finish
from adserver.core.targeting import LANGUAGE, URL, unmet, values_of
from adserver.publishing import moments
from adserver.publishing.delivery import NOTHING_DELIVERED, Delivery
from adserver.publishing.pausing import spoken as written
from adserver.publishing.pausing import told as told_pause
from adserver.publishing.rivals import among_rivals, used_up
from adserver.publishing.status import next_opening
from adserver.publishing.suggest import listed
from adserver.publishing.unknown import no_such

RIVALS = (Reason.WON, Reason.LOST_DRAW, Reason.PACED, Reason.OUTRANKED)

CLOSEST_FIRST = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Question:
    """at: UTC seconds. draw: a number in [0, 1), None to let the likeliest campaign win. pauses:
    all that are known."""

    slot: str
    context: Context
    at: float
    draw: float | None = None
    campaign: str = ""
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """absent: why the campaign that was asked about is no candidate at all, "" if it is one."""

    candidates: tuple[Candidate, ...]
    absent: str = ""


def why(
    generation: Generation, question: Question, delivered: Delivery = NOTHING_DELIVERED
) -> Answer:
    """delivered: how far campaigns are. NoSuchName for an unknown slot or campaign."""
    catalog = generation.catalog
    if question.slot not in {slot.name for slot in catalog.slots}:
        raise no_such("slot", question.slot, (slot.name for slot in catalog.slots))
    snapshot = compile_snapshot(generation)
    finish(snapshot.stopping(stopped_by(catalog, question.pauses, question.at)))
    finish(snapshot.pacing(delivered.rates))
    places = snapshot.places[question.slot]
    candidates = explain(
        snapshot,
        question.slot,
        question.context,
        question.at,
        question.draw,
        delivered.rooms,
    )
    page = OnPage(snapshot.campaigns, question.context.excluded, delivered.rooms)
    told = with_details(places, candidates, question, page, delivered)
    if not question.campaign:
        return Answer(told)
    chosen = tuple(c for c in told if c.campaign == question.campaign)
    return Answer(chosen, "" if chosen else absent(catalog, question))


def with_details(
    places: Places,
    candidates: tuple[Candidate, ...],
    question: Question,
    page: OnPage,
    delivered: Delivery,
) -> tuple[Candidate, ...]:
    """The candidates with their details, the one that came furthest first."""
    campaigns = {campaign.name: campaign for campaign in places.candidates}
    drawn = [one for one, _ in drawn_for(places, question.context, question.at, page)]

    def detail(candidate: Candidate) -> str:
        campaign = campaigns[candidate.campaign]
        if candidate.reason in RIVALS:
            return among_rivals(candidate, campaign, drawn, delivered)
        room = delivered.rooms.get(campaign.name)
        if room is not None and candidate.reason in (Reason.GOAL_MET, Reason.DAY_FULL):
            return used_up(room, candidate.reason)
        return on_its_own(campaign, places, candidate.reason, question)

    told = (replace(candidate, detail=detail(candidate)) for candidate in candidates)
    return tuple(sorted(told, key=lambda c: (-REACH[c.reason], c.campaign)))


def on_its_own(campaign: Campaign, places: Places, reason: Reason, question: Question) -> str:
    """The facts behind a hard no."""
    match reason:
        case Reason.PAUSED if campaign.state is State.READY:
            return stopped(campaign, places, question)
        case Reason.DRAFT | Reason.PAUSED:
            return f"its file says `state: {campaign.state}`"
        case Reason.WRONG_SIZE:
            return no_room(places, question)
        case Reason.TARGETING:
            return wanted(campaign, question.context)
        case Reason.EXCLUDED | Reason.COMPETITOR | Reason.FREQUENCY:
            return on_the_page(campaign, reason)
        case _:
            return in_time(campaign, reason, question.at)


def stopped(campaign: Campaign, places: Places, question: Question) -> str:
    """By whom it is paused, or all of it that would fit here."""
    tz = zone(campaign.flight.timezone)
    holding = [one for one in question.pauses if one.holds(question.at)]
    return "; ".join(
        f"`{written(one.target)}` is paused by {told_pause(one, tz, question.at)}"
        for one in sorted(holding, key=lambda one: CLOSEST_FIRST.index(one.target.kind))
        if one.concerns(campaign, places.slot.name)
    )


def on_the_page(campaign: Campaign, reason: Reason) -> str:
    if reason is Reason.COMPETITOR:
        return f"another advertiser of {listed(campaign.competes_in)} is on the page"
    if reason is Reason.FREQUENCY and campaign.frequency:
        return f"seen {often(campaign.frequency)}, says the page"
    return "the page excludes it"


def often(cap: Frequency) -> str:
    """Such as "3 times a day"."""
    times = f"{cap.impressions:,} times" if cap.impressions > 1 else "once"
    if cap.per is Period.FLIGHT:
        return f"{times} in its flight"
    return f"{times} {'an' if cap.per is Period.HOUR else 'a'} {cap.per}"


def in_time(campaign: Campaign, reason: Reason, at: float) -> str:
    flight, tz = campaign.flight, zone(campaign.flight.timezone)
    if reason is Reason.NOT_STARTED and flight.since is not None:
        return f"starts {moments.spoken(flight.since, tz, at)}"
    if reason is Reason.ENDED and flight.until is not None:
        return f"ended {moments.spoken(flight.until, tz, at)}"
    if reason is Reason.OFF_HOURS:
        opening = next_opening(campaign, at)
        if opening is None:
            return "no hours left before its flight ends"
        return f"opens {moments.spoken(opening, tz, at)}"
    return ""


def wanted(campaign: Campaign, context: Context) -> str:
    """The first clause that does not hold, and what the page or the reader has instead."""
    clause = unmet(campaign.targeting, context)
    if clause is None:
        return ""
    asked = " and ".join(
        f"{word} {listed(values)}"
        for word, values in (
            ("any of", clause.any),
            ("all of", clause.all),
            ("none of", clause.none),
        )
        if values
    )
    return f"wants {clause.fact} {asked}; here it is {has(clause.fact, context)}"


def has(fact: str, context: Context) -> str:
    if fact == URL:
        return context.url or "unknown"
    values = values_of(context).get(fact, ())
    # Of a language, the range that it is itself, and none of the wider ones.
    return listed(values[-1:] if fact == LANGUAGE else values) or "unknown"


def no_room(places: Places, question: Question) -> str:
    device = question.context.device
    room = room_for(places.slot, device)
    return f"no creative for {device} {room}" if room else f"the slot has no room on {device}"


def absent(catalog: Catalog, question: Question) -> str:
    """Why a campaign is not even a candidate; NoSuchName if it is not live."""
    campaigns = {campaign.name: campaign for campaign in catalog.campaigns}
    campaign = campaigns.get(question.campaign)
    if campaign is None:
        raise no_such("live campaign", question.campaign, campaigns)
    slots = [slot.name for slot in booked_slots(campaign, catalog.slots)]
    if question.slot not in slots:
        return f"{campaign.name} is not booked in {question.slot}; its slots: {', '.join(slots)}"
    return (
        f"{campaign.name} is a house campaign, and {question.slot} is not "
        f"`on_empty: {OnEmpty.HOUSE}`"
    )

"""The decision: one slot, one context, one draw; fill or no fill, always with a reason."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import NamedTuple

from adserver.core.catalog import Campaign, Tier
from adserver.core.context import Context
from adserver.core.fit import fitting
from adserver.core.flights import standing
from adserver.core.leases import NO_ROOMS, Room
from adserver.core.on_page import OnPage
from adserver.core.places import Places, Table, iter_crowds, iter_shelves
from adserver.core.reasons import Reason, furthest
from adserver.core.shelf import Placement, Shelf
from adserver.core.snapshot import Snapshot
from adserver.core.stretches import within
from adserver.core.targeting import unmet

# Slots of one context whose tables are remembered with it: a page has no more.
MAX_KNOWN = 8


class Decision(NamedTuple):
    """`placement` is None where the slot stays empty; `reason` is then why."""

    slot: str
    placement: Placement | None
    reason: Reason


Chosen = Placement | Reason
"""Who stands in a slot, or why nobody does: a decision, without a tuple made of it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One campaign that was considered: its one reason, and how likely it was to win."""

    campaign: str
    tier: Tier
    reason: Reason
    detail: str
    probability: float


def decide(  # noqa: PLR0913 - as `choose`
    snapshot: Snapshot,
    slot: str,
    context: Context,
    now: float,
    draw: float,
    page: OnPage | None = None,
    rooms: Mapping[str, Room] = NO_ROOMS,
    known: MutableMapping[str, Table] | None = None,
) -> Decision:
    """`choose`, and that it was a choice."""
    return decision_of(slot, choose(snapshot, slot, context, now, draw, page, rooms, known))


def decision_of(slot: str, chosen: Chosen) -> Decision:
    if isinstance(chosen, Placement):
        return Decision(slot, chosen, Reason.WON)
    return Decision(slot, None, chosen)


def choose(  # noqa: PLR0913 - what a decision is told; a dataclass would be made per request
    snapshot: Snapshot,
    slot: str,
    context: Context,
    now: float,
    draw: float,
    page: OnPage | None = None,
    rooms: Mapping[str, Room] = NO_ROOMS,
    known: MutableMapping[str, Table] | None = None,
) -> Chosen:
    """Choose by tier, of remnant by eCPM, then by weight.

    now: UTC seconds; draw: a number in [0, 1); page: what is on it already, None for what the
    context says of that; rooms: of campaigns with limits, by name, for a page that is not given;
    known: tables that were found for this very context before, by slot, for whoever remembers it.
    """
    table = known.get(slot) if known else None
    if table is None or not table.holds(now):
        table = find_table(snapshot, slot, context, now, known)
        if table is None:
            return Reason.UNKNOWN_SLOT
    if page is None and (context.excluded or context.capped):
        page = OnPage(snapshot.campaigns, context.excluded, rooms)
    crowd, number, found = table.best, 0, table.found
    while crowd is not None:
        # As `position_of` and `rest_of` have it, without their calls: this is most of a decision.
        shelf = crowd.first
        cumulated, point = shelf.cumulated, draw * shelf.whole
        if shelf.shares and cumulated[-1] <= point < shelf.whole:
            draw = within(cumulated[-1], shelf.whole, point)
        else:
            position = bisect_right(cumulated, point, 0, len(cumulated) - 1)
            placement = shelf.placed[position]
            if page is None:
                room = rooms.get(placement.campaign.name)
                if room is None or room.left > 0 or room.refuses(0) is None:
                    return placement
                page = OnPage(snapshot.campaigns, context.excluded, rooms)
            elif page.takes(placement, context):
                return placement
            rest = rest_of(shelf, position, draw)
            other, draw = crowd.instead(placement, page, context, rest)
            if other is not None:
                return other
        number += 1
        crowd = found[number] if number < len(found) else table.crowd(number)
    page = page or OnPage(snapshot.campaigns, context.excluded, rooms)
    return reason_of_none(table, context, page)


def find_table(
    snapshot: Snapshot,
    slot: str,
    context: Context,
    now: float,
    known: MutableMapping[str, Table] | None,
) -> Table | None:
    """The slot's table, now known; None for a slot that there is none of."""
    places = snapshot.places.get(slot)
    if places is None:
        return None
    table = places.table(context, now)
    if known is not None and (slot in known or len(known) < MAX_KNOWN):
        known[slot] = table
    return table


def pick(choice: Shelf, draw: float) -> tuple[Placement | None, float]:
    """Proportional choice: each placement owns a stretch as long as its weight.

    None where the draw fell behind all shares. With it, where in its stretch the draw fell: a
    number in [0, 1) as good as a draw of its own, for whoever has to choose again.
    """
    position = position_of(choice, draw)
    placement = None if position == len(choice.cumulated) else choice.placed[position]
    return placement, rest_of(choice, position, draw)


def position_of(choice: Shelf, draw: float) -> int:
    """On whose stretch a draw falls; behind the last, where it fell behind all shares."""
    point, cumulated = draw * choice.whole, choice.cumulated
    position = bisect_right(cumulated, point)
    if position == len(cumulated) and not (choice.shares and point < choice.whole):
        # A draw next to 1 can round up to the very end of the last stretch.
        position -= 1
    return position


def rest_of(choice: Shelf, position: int, draw: float) -> float:
    """Where in that stretch, or behind all shares, it fell."""
    cumulated = choice.cumulated
    begin = cumulated[position - 1] if position else 0.0
    end = choice.whole if position == len(cumulated) else cumulated[position]
    return within(begin, end, draw * choice.whole)


def taken(choice: Shelf, context: Context, page: OnPage) -> Shelf | None:
    """The placements of a shelf that the page takes; None if none."""
    left = [n for n, p in enumerate(choice.placements) if page.refuses(p, context) is None]
    return choice.only(left) if left else None


def reason_of_none(table: Table, context: Context, page: OnPage) -> Reason:
    """How far the candidates came of whom nobody won: refused, or past by with their shares."""
    reasons = {table.empty}
    for crowd in iter_crowds(table):
        left, refused = crowd.left(page, context)
        reasons |= refused
        if left:
            reasons.add(passed(crowd.first))
    return furthest(reasons)


def passed(choice: Shelf) -> Reason:
    """Why somebody did not win whom the draw passed by: a goal is to last until its flight ends."""
    return Reason.PACED if choice.paced else Reason.LOST_DRAW


def explain(  # noqa: PLR0913 - as `decide`
    snapshot: Snapshot,
    slot: str,
    context: Context,
    now: float,
    draw: float | None = None,
    rooms: Mapping[str, Room] = NO_ROOMS,
) -> tuple[Candidate, ...]:
    """Every candidate of a slot with exactly one reason; the winner's is `won`.

    A campaign with a goal that the draw passed by is `paced`, one of no more room `goal_met` or
    `day_full`; another that the draw could have fallen on is `lost_draw`.
    draw: a number in [0, 1); None lets the likeliest win. rooms: of campaigns with limits, by name.
    """
    places, page = snapshot.places[slot], OnPage(snapshot.campaigns, context.excluded, rooms)
    odds: dict[str, float] = {}
    lost: dict[str, Reason] = {}
    for choice, chances in drawn_for(places, context, now, page):
        odds.update(chances)
        lost.update(dict.fromkeys(chances, passed(choice)))
    if draw is None:
        winner = max(odds, key=odds.__getitem__, default=None)
        # Where all of them wait for their time, nobody is the likeliest.
        winner = winner if winner is not None and odds[winner] > 0.0 else None
    else:
        placement = decide(snapshot, slot, context, now, draw, None, rooms).placement
        winner = placement.campaign.name if placement else None
    return tuple(
        Candidate(
            campaign=campaign.name,
            tier=campaign.tier,
            reason=(
                Reason.WON
                if campaign.name == winner
                else lost.get(campaign.name)
                or hard_reason(campaign, places, context, now)
                or page.refuses_all_of(campaign, context)
                or Reason.OUTRANKED
            ),
            detail="",
            probability=odds.get(campaign.name, 0.0),
        )
        for campaign in places.candidates
    )


def drawn_for(
    places: Places, context: Context, now: float, page: OnPage
) -> Iterator[tuple[Shelf, Mapping[str, float]]]:
    """The shelves that a draw can fall on, without whom the page refuses, and how likely each of
    their campaigns is to win: best tier first, down to the one that leaves nothing to others."""
    mass = 1.0  # what is left for this shelf and those below it
    for choice in iter_shelves(places.table(context, now)):
        left = taken(choice, context, page)
        if left is None:
            continue
        yield left, {name: mass * w / left.whole for name, w in left.by_campaign.items()}
        if left.cumulated[-1] >= left.whole:
            return
        mass *= 1.0 - left.cumulated[-1] / left.whole


def hard_reason(campaign: Campaign, places: Places, context: Context, now: float) -> Reason | None:
    """Why a campaign may not serve this context whoever else there is; None if it may.

    Found out from the campaign alone, without what was compiled.
    """
    stopped = places.stopped
    reason = standing(campaign, now, stopped=stopped.stops(campaign.name, places.slot.name))
    if reason is not None:
        return reason
    creatives = {creative.id for creative in fitting(campaign, places.slot, context.device)}
    if not creatives:
        return Reason.WRONG_SIZE
    if creatives <= stopped.of(campaign.name):
        return Reason.PAUSED
    return Reason.TARGETING if unmet(campaign.targeting, context) else None

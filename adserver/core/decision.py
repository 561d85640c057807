"""The decision: one slot, one context, one draw; fill or no fill, always with a reason."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from adserver.core.catalog import Campaign, Tier
from adserver.core.context import Context
from adserver.core.fit import fitting
from adserver.core.flights import standing
from adserver.core.on_page import OnPage
from adserver.core.reasons import Reason, furthest
from adserver.core.snapshot import Placement, Places, Shelf, Snapshot, Table, shelf
from adserver.core.targeting import unmet


class Decision(NamedTuple):
    """`placement` is None where the slot stays empty; `reason` is then why."""

    slot: str
    placement: Placement | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """One campaign that was considered: its one reason, and how likely it was to win."""

    campaign: str
    tier: Tier
    reason: Reason
    detail: str
    probability: float


def decide(  # noqa: PLR0913 - what a decision is told; a dataclass would be made per request
    snapshot: Snapshot,
    slot: str,
    context: Context,
    now: float,
    draw: float,
    page: OnPage | None = None,
) -> Decision:
    """Choose by tier, then by weight.

    now: UTC seconds; draw: a number in [0, 1); page: what is on it already, None for what the
    context says of that.
    """
    places = snapshot.places.get(slot)
    if places is None:
        return Decision(slot, None, Reason.UNKNOWN_SLOT)
    table = places.table(context, now)
    first = table.first
    if first is None:
        return Decision(slot, None, table.empty)
    placement = pick(first, draw)
    if page is None:
        if not (context.excluded or context.capped):
            return Decision(slot, placement, Reason.WON)
        page = OnPage(snapshot.campaigns, context.excluded)
    if page.refuses(placement, context):
        return decide_again(slot, table, context, draw, page)
    return Decision(slot, placement, Reason.WON)


def pick(choice: Shelf, draw: float) -> Placement:
    """Proportional choice: each placement owns a stretch of [0, sum) as long as its weight."""
    return choice.placements[position_of(choice, draw)]


def position_of(choice: Shelf, draw: float) -> int:
    position = bisect_right(choice.cumulated, draw * choice.cumulated[-1])
    # A draw next to 1 can round up to the very end of the last stretch.
    return min(position, len(choice.placements) - 1)


def decide_again(slot: str, table: Table, context: Context, draw: float, page: OnPage) -> Decision:
    """Choose among those that the page takes, now that it did not take whom the draw fell on.

    Where in its stretch that one was hit is a draw of its own, as good as the first: whoever is
    left wins in proportion to its weight, and who would have won the first draw wins.
    """
    draw = rest_of_draw(table.shelf(0), draw)
    for choice in table.shelves:
        left = taken(choice, context, page)
        if left is not None:
            return Decision(slot, pick(left, draw), Reason.WON)
    return Decision(slot, None, reason_of_none(table, context, page))


def rest_of_draw(choice: Shelf | None, draw: float) -> float:
    """Where in the stretch that it fell on a draw lies, in [0, 1)."""
    if choice is None:
        return draw
    position = position_of(choice, draw)
    begin = choice.cumulated[position - 1] if position else 0.0
    inside = (draw * choice.cumulated[-1] - begin) / (choice.cumulated[position] - begin)
    return min(max(inside, 0.0), BELOW_ONE)


BELOW_ONE = 1.0 - 2**-53


def taken(choice: Shelf, context: Context, page: OnPage) -> Shelf | None:
    """The placements of a shelf that the page takes; None if none."""
    left = [p for p in choice.placements if page.refuses(p, context) is None]
    return shelf(choice.tier, left) if left else None


def reason_of_none(table: Table, context: Context, page: OnPage) -> Reason:
    refused = {
        page.refuses(placement, context) for one in table.shelves for placement in one.placements
    }
    return furthest({table.empty, *(reason for reason in refused if reason)})


def explain(
    snapshot: Snapshot, slot: str, context: Context, now: float, draw: float | None = None
) -> tuple[Candidate, ...]:
    """Every candidate of a slot with exactly one reason; the winner's is `won`.

    draw: a number in [0, 1); None lets the likeliest win.
    """
    places, page = snapshot.places[slot], OnPage(snapshot.campaigns, context.excluded)
    odds = chances(places, context, now, page)
    winner = max(odds, key=odds.__getitem__, default=None)
    if draw is not None:
        placement = decide(snapshot, slot, context, now, draw).placement
        winner = placement.campaign.name if placement else None
    return tuple(
        Candidate(
            campaign=campaign.name,
            tier=campaign.tier,
            reason=(
                Reason.WON
                if campaign.name == winner
                else Reason.LOST_DRAW
                if campaign.name in odds
                else hard_reason(campaign, places, context, now)
                or page.refuses_all_of(campaign, context)
                or Reason.OUTRANKED
            ),
            detail="",
            probability=odds.get(campaign.name, 0.0),
        )
        for campaign in places.candidates
    )


def chances(places: Places, context: Context, now: float, page: OnPage) -> dict[str, float]:
    """How likely each campaign is to win, of those that can."""
    for choice in places.table(context, now).shelves:
        left = taken(choice, context, page)
        if left is not None:
            odds: dict[str, float] = {}
            for placement in left.placements:
                name, share = placement.campaign.name, placement.weight / left.cumulated[-1]
                odds[name] = odds.get(name, 0.0) + share
            return odds
    return {}


def hard_reason(campaign: Campaign, places: Places, context: Context, now: float) -> Reason | None:
    """Why a campaign may not serve this context whoever else there is; None if it may.

    Found out from the campaign alone, without what was compiled.
    """
    reason = standing(campaign, now)
    if reason is not None:
        return reason
    if not fitting(campaign, places.slot, context.device):
        return Reason.WRONG_SIZE
    return Reason.TARGETING if unmet(campaign.targeting, context) else None

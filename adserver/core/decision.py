"""The decision: one slot, one context, one draw; fill or no fill, always with a reason."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from adserver.core.catalog import Campaign, Tier
from adserver.core.context import Context
from adserver.core.reasons import Reason, furthest
from adserver.core.snapshot import Placement, Shelf, Snapshot, Table, shelf

NOTHING_SHOWN: frozenset[tuple[str, str]] = frozenset()


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
    shown: AbstractSet[tuple[str, str]] = NOTHING_SHOWN,
) -> Decision:
    """Choose by tier, then by weight.

    now: UTC seconds; draw: a number in [0, 1); shown: (campaign, creative) already on the page.
    """
    places = snapshot.places.get(slot)
    if places is None:
        return Decision(slot, None, Reason.UNKNOWN_SLOT)
    table = places.table(context.device, now)
    if context.excluded or context.capped or shown:
        table = without(table, context, shown)
    if not table.shelves:
        return Decision(slot, None, table.empty)
    return Decision(slot, pick(table.shelves[0], draw), Reason.WON)


def pick(choice: Shelf, draw: float) -> Placement:
    """Proportional choice: each placement owns a stretch of [0, sum) as long as its weight."""
    position = bisect_right(choice.cumulated, draw * choice.cumulated[-1])
    # A draw next to 1 can round up to the very end of the last stretch.
    return choice.placements[min(position, len(choice.placements) - 1)]


def without(
    table: Table, context: Context, shown: AbstractSet[tuple[str, str]] = NOTHING_SHOWN
) -> Table:
    """The table less what the page excludes, has been seen often enough or shows already."""
    kept_out = dict(table.kept_out)
    places = Counter(name for name, _ in shown)
    shelves: list[Shelf] = []
    for one in table.shelves:
        left = []
        for placement in one.placements:
            name = placement.campaign.name
            if name in context.excluded:
                kept_out[name] = Reason.EXCLUDED
            elif seen_enough(placement.campaign, context, places[name]):
                kept_out[name] = Reason.FREQUENCY
            elif (name, placement.creative.id) in shown:
                kept_out.setdefault(name, Reason.DUPLICATE)
            else:
                left.append(placement)
        for placement in left:
            kept_out.pop(placement.campaign.name, None)
        if left:
            shelves.append(shelf(one.tier, left))
    return Table(tuple(shelves), kept_out, furthest(set(kept_out.values())), table.good_until)


def seen_enough(campaign: Campaign, context: Context, places: int) -> bool:
    """Whether this browser has met the campaign's frequency cap; places: won on this page so far.

    How many are left, the browser alone knows: more than the whole cap they are never.
    """
    cap = campaign.frequency
    return cap is not None and (campaign.name in context.capped or places >= cap.impressions)


def explain(
    snapshot: Snapshot, slot: str, context: Context, now: float, draw: float
) -> tuple[Candidate, ...]:
    """Every candidate of a slot with exactly one reason; the winner's is `won`."""
    places = snapshot.places[slot]
    table = without(places.table(context.device, now), context)
    winner = pick(table.shelves[0], draw).campaign.name if table.shelves else ""
    odds = probabilities(table)
    serving = {p.campaign.name for one in table.shelves for p in one.placements}
    return tuple(
        Candidate(
            campaign=campaign.name,
            tier=campaign.tier,
            reason=reason_of(campaign.name, winner, serving, odds, table),
            detail="",
            probability=odds.get(campaign.name, 0.0),
        )
        for campaign in places.candidates
    )


def probabilities(table: Table) -> dict[str, float]:
    if not table.shelves:
        return {}
    best = table.shelves[0]
    odds: dict[str, float] = {}
    for placement in best.placements:
        share = placement.weight / best.cumulated[-1]
        odds[placement.campaign.name] = odds.get(placement.campaign.name, 0.0) + share
    return odds


def reason_of(
    name: str, winner: str, serving: AbstractSet[str], odds: dict[str, float], table: Table
) -> Reason:
    if name == winner:
        return Reason.WON
    if name in odds:
        return Reason.LOST_DRAW
    if name in serving:
        return Reason.OUTRANKED
    return table.kept_out[name]

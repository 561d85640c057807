"""The decision: one slot, one context, one draw; fill or no fill, always with a reason."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from adserver.core.catalog import Tier
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
    if context.excluded or shown:
        table = without(table, context.excluded, shown)
    if not table.shelves:
        return Decision(slot, None, table.empty)
    return Decision(slot, pick(table.shelves[0], draw), Reason.WON)


def pick(choice: Shelf, draw: float) -> Placement:
    """Proportional choice: each placement owns a stretch of [0, sum) as long as its weight."""
    position = bisect_right(choice.cumulated, draw * choice.cumulated[-1])
    # A draw next to 1 can round up to the very end of the last stretch.
    return choice.placements[min(position, len(choice.placements) - 1)]


def without(table: Table, excluded: AbstractSet[str], shown: AbstractSet[tuple[str, str]]) -> Table:
    """The table less the campaigns that the page excludes and the creatives that it shows."""
    kept_out = dict(table.kept_out)
    shelves: list[Shelf] = []
    for one in table.shelves:
        left = []
        for placement in one.placements:
            name = placement.campaign.name
            if name in excluded:
                kept_out[name] = Reason.EXCLUDED
            elif (name, placement.creative.id) in shown:
                kept_out.setdefault(name, Reason.DUPLICATE)
            else:
                left.append(placement)
        for placement in left:
            kept_out.pop(placement.campaign.name, None)
        if left:
            shelves.append(shelf(one.tier, left))
    return Table(tuple(shelves), kept_out, furthest(set(kept_out.values())), table.good_until)


def explain(
    snapshot: Snapshot, slot: str, context: Context, now: float, draw: float
) -> tuple[Candidate, ...]:
    """Every candidate of a slot with exactly one reason; the winner's is `won`."""
    places = snapshot.places[slot]
    table = without(places.table(context.device, now), context.excluded, NOTHING_SHOWN)
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

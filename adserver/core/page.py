"""All slots of one page, decided together: in the order asked, no creative twice."""

from __future__ import annotations

from collections.abc import Sequence

from adserver.core.context import Context
from adserver.core.decision import Decision, decide
from adserver.core.snapshot import Snapshot

# One call of a page; more than any page holds, few enough to answer at once.
MAX_SLOTS_PER_CALL = 32


def decide_page(
    snapshot: Snapshot,
    asked: Sequence[tuple[str, Context]],
    now: float,
    draws: Sequence[float],
) -> list[Decision]:
    """One decision per asked slot, in order; `draws` has one number in [0, 1) for each."""
    shown: set[tuple[str, str]] = set()
    decisions = []
    for (slot, context), draw in zip(asked, draws, strict=True):
        decision = decide(snapshot, slot, context, now, draw, shown)
        if decision.placement is not None:
            shown.add((decision.placement.campaign.name, decision.placement.creative.id))
        decisions.append(decision)
    return decisions

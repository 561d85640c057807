"""Decisions among shares, goals at their rates, limits and prices, beside a plain loop over all."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from adserver.core.catalog import Goal, Tier
from adserver.core.context import Context
from adserver.core.decision import decide, explain
from adserver.core.goals import Limits, Unit
from adserver.core.leases import Room
from adserver.core.on_page import OnPage
from adserver.core.rates import Rates, is_paced
from adserver.core.reasons import Reason, furthest
from adserver.core.snapshot import compile_snapshot
from adserver.core.steps import finish
from tests.core.sold import plain_chances, worlds
from tests.core.test_decision import DRAWS
from tests.factories import NOW, campaign, catalog, generation

# Draws at equal distances: how often a campaign wins is its chance, to within the ends of its
# stretches, of which it has one of its own and one of each that is refused.
GRID = 400
ROUNDING = 1e-9


@settings(max_examples=100)
@given(worlds())
def test_everybody_wins_as_often_as_the_plain_loop_says(world) -> None:
    snapshot, rates, rooms, context = world
    expected = plain_chances(snapshot, rates, rooms, context)
    told = {
        c.campaign: c.probability for c in explain(snapshot, "post-top", context, NOW, None, rooms)
    }
    # What is left of a share behind others that fill it may be nothing, but for rounding.
    assert {n: p for n, p in told.items() if p > ROUNDING} == pytest.approx(
        {n: p for n, p in expected.items() if p > ROUNDING}
    )
    won: Counter[str] = Counter()
    for n in range(GRID):
        draw = (n + 0.5) / GRID
        placement = decide(snapshot, "post-top", context, NOW, draw, None, rooms).placement
        if placement is not None:
            won[placement.campaign.name] += 1
    for name in {*won, *expected}:
        assert won[name] / GRID == pytest.approx(expected.get(name, 0.0), abs=30 / GRID)


@settings(max_examples=300)
@given(worlds(), DRAWS)
def test_every_candidate_has_exactly_one_reason_and_the_winners_is_won(world, draw) -> None:
    snapshot, _, rooms, context = world
    decision = decide(snapshot, "post-top", context, NOW, draw, None, rooms)
    candidates = explain(snapshot, "post-top", context, NOW, draw, rooms)
    assert [c.campaign for c in candidates] == [
        c.name for c in snapshot.places["post-top"].candidates
    ]
    won = [c.campaign for c in candidates if c.reason is Reason.WON]
    assert won == ([decision.placement.campaign.name] if decision.placement else [])
    page = OnPage(snapshot.campaigns, context.excluded, rooms)
    for one in candidates:
        booked = snapshot.campaigns[one.campaign]
        if one.reason in {Reason.WON, Reason.PACED, Reason.LOST_DRAW}:
            assert page.refuses_all_of(booked, context) is None
        if one.reason in {Reason.GOAL_MET, Reason.DAY_FULL, Reason.STORE_UNAVAILABLE}:
            assert rooms[one.campaign].refuses(0) is one.reason
        assert (one.reason is not Reason.PACED) or is_paced(booked)
        assert (one.reason is not Reason.LOST_DRAW) or not is_paced(booked)
        assert one.probability == 0.0 or one.reason in {Reason.WON, Reason.PACED, Reason.LOST_DRAW}
    if not won:
        assert decision.reason is furthest({c.reason for c in candidates})
    likeliest = explain(snapshot, "post-top", context, NOW, None, rooms)
    best = max((c.probability for c in likeliest), default=0.0)
    assert [c.probability for c in likeliest if c.reason is Reason.WON] == [best] * (best > 0)


def explained(*booked, rates=None, ranks=None, rooms=None, draw=None):
    snapshot = compile_snapshot(generation(catalog(*booked)))
    finish(snapshot.pacing(Rates(rates or {}, ranks or {})))
    told = explain(snapshot, "post-top", Context(), NOW, draw, rooms or {})
    return {c.campaign: (c.reason, round(c.probability, 9)) for c in told}


def goal(name: str, **changes):
    return campaign(name, goal=Goal(impressions=100), **changes)


def test_a_campaign_with_a_goal_that_the_draw_passes_by_is_paced() -> None:
    booked = (goal("a"), goal("b"), campaign("c", tier=Tier.REMNANT))
    rates = {"a": 0.25, "b": 0.125}
    assert explained(*booked, rates=rates) == {
        "a": (Reason.PACED, 0.25),
        "b": (Reason.PACED, 0.125),
        "c": (Reason.WON, 0.625),
    }
    assert explained(*booked, rates=rates, draw=0.3)["b"] == (Reason.WON, 0.125)


def test_where_all_wait_nobody_wins() -> None:
    assert explained(goal("a"), rates={"a": 0.0}) == {"a": (Reason.PACED, 0.0)}


def test_one_who_is_cut_by_scarcer_ones_is_paced_and_the_others_are_outranked() -> None:
    booked = (goal("a"), goal("b"), campaign("c"))
    told = explained(*booked, ranks={"a": 1, "b": 0})
    assert told == {
        "a": (Reason.PACED, 0.0),
        "b": (Reason.WON, 1.0),
        "c": (Reason.OUTRANKED, 0.0),
    }


def test_a_campaign_without_room_says_which_limit_it_has_reached() -> None:
    full = Limits(Unit.IMPRESSIONS, 100, 20)
    rooms = {
        "a": Room(1, full, free=0, free_today=5),
        "b": Room(2, full, free=5, free_today=0),
        "c": Room(3, full, left=1, free=5, free_today=5),
    }
    rates = {"a": 0.0, "b": 0.25, "c": 0.75}
    assert explained(goal("a"), goal("b"), goal("c"), rates=rates, rooms=rooms) == {
        "a": (Reason.GOAL_MET, 0.0),
        "b": (Reason.DAY_FULL, 0.0),
        "c": (Reason.WON, 0.75),
    }

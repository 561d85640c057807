"""Campaigns with goals take part at their rates, the scarcest first, together at most always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core import roster
from adserver.core.catalog import Campaign, Clause, Frequency, Goal, OnEmpty, Period, Tier
from adserver.core.context import Context
from adserver.core.decision import Decision, decide, explain
from adserver.core.goals import limits_of
from adserver.core.leases import NO_ROOMS, Grant, Room
from adserver.core.pacing import chances, choose
from adserver.core.page import decide_page
from adserver.core.rates import UNPACED, Rates, is_paced, slots_with_goals, without_names
from adserver.core.reasons import Reason, furthest
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from tests.core.test_decision import CHI_SQUARE_999, DRAWS
from tests.core.test_plans import steps_of
from tests.factories import NOW, campaign, catalog, generation, slot, text_creative

SLOT = slot(on_empty=OnEmpty.HOUSE)
REST = campaign("rest", tier=Tier.HOUSE)


def sold(name: str, **changes: Any) -> Campaign:
    return campaign(name, **{"goal": Goal(impressions=1_000), **changes})


def paced(rates: Mapping[str, float], *booked: Campaign, order: Sequence[str] = ()) -> Snapshot:
    """order: who is scarcest; by default as the rates stand."""
    snapshot = compile_snapshot(generation(catalog(*booked, slots=(SLOT,))))
    ranks = {name: rank for rank, name in enumerate(order or rates)}
    finish(snapshot.pacing(Rates(dict(rates), ranks)))
    return snapshot


def with_goals(
    rates: Mapping[str, float], *others: Campaign, order: Sequence[str] = ()
) -> Snapshot:
    return paced(rates, *map(sold, rates), *others, order=order)


def asked(
    snapshot: Snapshot, draw: float, rooms: Mapping[str, Room] = NO_ROOMS, **context: Any
) -> Decision:
    return decide(snapshot, "post-top", Context(**context), NOW, draw, None, rooms)


def won(*told: Any, **more: Any) -> str:
    decision = asked(*told, **more)
    return decision.placement.campaign.name if decision.placement else decision.reason


def room_of(one: Campaign, left: int, free: int = 1_000) -> Room:
    limits = limits_of(one)
    assert limits
    made = Room(1, limits)
    made.granted(Grant(left, int(NOW) + 600, int(NOW) + 300, free, None, 0, 0))
    return made


def test_only_who_has_a_number_to_reach_is_paced() -> None:
    assert is_paced(sold("a"))
    assert is_paced(sold("a", goal=Goal(clicks=5)))
    others = [
        campaign("a"),
        campaign("a", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5)),
        campaign("a", tier=Tier.REMNANT, max_total=5, max_per_day=2),
    ]
    assert not any(map(is_paced, others))


def test_pacing_keeps_the_numbers_of_slots_and_sites_alone() -> None:
    made = generation(catalog(campaign(goal=Goal(impressions=1)), slots=(slot(), slot("other"))))
    kept = without_names(made)
    assert kept.catalog is made.catalog
    assert {name.partition("/")[0] for name in made.numbers} > {"site", "slot"}
    assert {name.partition("/")[0] for name in kept.numbers} == {"site", "slot"}
    assert finish(slots_with_goals(kept)) == finish(slots_with_goals(made))


def test_of_whom_nothing_is_known_yet_takes_all_it_may_have() -> None:
    assert (UNPACED.rate("a"), UNPACED.rank("a")) == (1.0, 0)
    snapshot = compile_snapshot(generation(catalog(sold("a"), campaign("b"))))
    assert {won(snapshot, draw) for draw in (0.0, 0.5, 0.999)} == {"a"}


def test_rates_lie_side_by_side_the_scarcest_first_and_what_they_leave_goes_on() -> None:
    snapshot = with_goals({"a": 0.25, "b": 0.5}, REST, order=("b", "a"))
    seen = [won(snapshot, draw) for draw in (0.0, 0.499, 0.5, 0.749, 0.75, 0.999)]
    assert seen == ["b", "b", "a", "a", "rest", "rest"]


def test_what_reaches_beyond_the_whole_is_cut() -> None:
    """Not scaled: who has no other supply has it all."""
    snapshot = with_goals({"a": 0.7, "b": 0.7, "c": 0.7}, REST)
    assert [won(snapshot, draw) for draw in (0.69, 0.71, 0.999)] == ["a", "b", "b"]
    odds = {c.campaign: c.probability for c in explain(snapshot, "post-top", Context(), NOW, 0.0)}
    assert odds == pytest.approx({"a": 0.7, "b": 0.3, "c": 0.0, "rest": 0.0})


def test_what_was_promised_comes_before_what_was_not() -> None:
    booked = (sold("a"), campaign("b", weight=1e9), campaign("c", tier=Tier.REMNANT))
    snapshot = paced({"a": 0.5}, *booked)
    assert [won(snapshot, draw) for draw in (0.49, 0.51)] == ["a", "b"]
    first = campaign("first", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    snapshot = paced({"a": 0.5}, first, *booked)
    assert [won(snapshot, draw) for draw in (0.49, 0.51, 0.76)] == ["first", "a", "b"]


def test_whom_the_draw_has_passed_by_is_paced() -> None:
    snapshot = with_goals({"a": 0.25})
    assert won(snapshot, 0.2) == "a"
    assert won(snapshot, 0.3) == Reason.PACED


def test_creatives_share_their_campaigns_rate_by_weight() -> None:
    texts = (text_creative("x", weight=3), text_creative("y"))
    snapshot = paced({"a": 0.4}, sold("a", creatives=texts), REST)
    shown = [
        decision.placement.creative.id
        for draw in (0.0, 0.299, 0.301, 0.399)
        if (decision := asked(snapshot, draw)).placement
    ]
    assert shown == ["x", "x", "y", "y"]
    assert won(snapshot, 0.401) == "rest"


RATES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(RATES, st.randoms(), DRAWS)
def test_a_decision_is_what_the_simulator_draws(
    rates: list[float], random: Any, draw: float
) -> None:
    order = list(range(len(rates)))
    random.shuffle(order)
    snapshot = with_goals(
        {f"c{n}": rate for n, rate in enumerate(rates)}, order=[f"c{n}" for n in order]
    )
    # Where the draw falls next to a border, sums that are made in two ways may differ.
    ends = accumulate(rates[n] for n in order)
    if all(abs(draw - end) > 1e-9 for end in ends):
        chosen = choose(order, rates, draw)
        assert won(snapshot, draw) == (Reason.PACED if chosen is None else f"c{chosen}")
    odds = {c.campaign: c.probability for c in explain(snapshot, "post-top", Context(), NOW, 0.5)}
    expected = zip(order, chances(order, rates), strict=True)
    assert odds == pytest.approx({f"c{n}": chance for n, chance in expected})


@pytest.mark.parametrize(
    "rates", [(0.1, 0.3, 0.2), (0.5, 0.4, 0.3, 0.2), (0.05, 0.05, 0.85, 0.05), (0.9, 0.02)]
)
def test_campaigns_win_with_their_rates_in_the_order_of_scarcity(rates: tuple[float, ...]) -> None:
    names = [f"c{n}" for n in range(len(rates))]
    order = names[::-1]
    by_name = dict(zip(names, rates, strict=True))
    snapshot = with_goals(by_name, REST, order=order)
    random, draws = Random(20261102), 20_000
    seen = Counter(won(snapshot, random.random()) for _ in range(draws))
    expected, left = {}, 1.0
    for name in order:
        expected[name] = min(left, by_name[name])
        left -= expected[name]
    expected["rest"] = left
    likely = {name: draws * chance for name, chance in expected.items() if chance > 1e-9}
    assert seen.keys() == likely.keys()
    distance = sum((seen[name] - many) ** 2 / many for name, many in likely.items())
    assert distance < CHI_SQUARE_999[len(likely) - 1]


def test_tables_that_are_kept_follow_new_rates() -> None:
    tech = sold("tech", targeting=(Clause("section", any=("tech",)),))
    snapshot = paced({"tech": 1.0, "a": 1.0}, tech, sold("a"), REST)
    there = {"facts": (("section", ("tech",)),)}
    assert (won(snapshot, 0.6, **there), won(snapshot, 0.6)) == ("tech", "a")
    finish(snapshot.pacing(Rates({"tech": 0.5, "a": 0.05}, {"tech": 0, "a": 1})))
    assert (won(snapshot, 0.6, **there), won(snapshot, 0.6)) == ("rest", "rest")
    finish(snapshot.pacing(Rates({"tech": 0.5, "a": 0.5}, {"tech": 1, "a": 0})))
    assert [won(snapshot, draw, **there) for draw in (0.4, 0.6)] == ["a", "tech"]
    assert [won(snapshot, draw) for draw in (0.4, 0.6)] == ["a", "rest"]


def test_many_campaigns_are_paced_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "PACED_A_STEP", 100)
    many = [sold(f"c{n:03}") for n in range(250)]
    snapshot = compile_snapshot(generation(catalog(*many)))
    rates = Rates({}, {})
    assert steps_of(snapshot.pacing(rates)) == 3 + 3 + len(snapshot.places)
    assert steps_of(snapshot.pacing(rates)) == 3 + len(snapshot.places), "in the same order"


def test_whom_the_page_refuses_leaves_the_place_to_the_next_by_rate() -> None:
    """Also to one whom the draw could not have fallen on, since others stood before it."""
    snapshot = with_goals({"a": 1.0, "b": 0.6, "c": 0.6}, REST)
    left = Counter(won(snapshot, (n + 0.5) / 1_000, excluded=frozenset("a")) for n in range(1_000))
    assert left == {"b": 600, "c": 400}


@st.composite
def catalogs(draw: st.DrawFn) -> tuple[list[Campaign], dict[str, float], list[str]]:
    """Campaigns of every tier, with rates and an order of those that have goals."""
    tiers = draw(st.lists(st.sampled_from([*Tier, Tier.STANDARD]), min_size=1, max_size=7))
    booked = []
    for number, tier in enumerate(tiers):
        share = Goal(share=0.3) if tier is Tier.SPONSORSHIP else None
        goal = draw(st.sampled_from([Goal(impressions=9), Goal(clicks=9), None]))
        one = campaign(
            f"c{number}",
            tier=tier,
            goal=goal if tier is Tier.STANDARD else share,
            advertiser=draw(st.sampled_from(["Port", "Quai"])),
            competes_in=draw(st.sampled_from([(), ("coffee",)])),
            frequency=draw(st.sampled_from([None, Frequency(1, Period.DAY)])),
            weight=draw(st.floats(0.1, 10)),
        )
        booked.append(one)
    names = [one.name for one in booked if is_paced(one)]
    rates = {name: draw(st.sampled_from([0.0, 0.6, 1.0, 1.0])) for name in names}
    return booked, rates, draw(st.permutations(names))


CALLS = st.fixed_dictionaries(
    {
        "excluded": st.sets(st.sampled_from(["c0", "c1", "c2"])).map(frozenset),
        "capped": st.sets(st.sampled_from(["c1", "c2", "c3"])).map(frozenset),
    }
)


def rooms_of(booked: Sequence[Campaign], full: set[str]) -> dict[str, Room]:
    return {
        one.name: room_of(one, 0 if one.name in full else 5, 0 if one.name in full else 100)
        for one in booked
        if limits_of(one)
    }


@given(catalogs(), CALLS, DRAWS, st.sets(st.sampled_from(["c0", "c1", "c2", "c4"])))
def test_nobody_displaces_a_campaign_with_a_goal_that_is_due(
    sales: tuple[list[Campaign], dict[str, float], list[str]],
    call: dict[str, Any],
    draw: float,
    full: set[str],
) -> None:
    """No house ad, no remnant, no campaign without a goal: only who was promised the place too."""
    booked, rates, order = sales
    snapshot, rooms = paced(rates, *booked, order=order), rooms_of(booked, full)
    candidates = explain(snapshot, "post-top", Context(**call), NOW, draw, rooms)
    kept_out = {Reason.EXCLUDED, Reason.FREQUENCY, Reason.COMPETITOR, Reason.GOAL_MET}
    due = [c for c in candidates if rates.get(c.campaign) == 1.0 and c.reason not in kept_out]
    decision = asked(snapshot, draw, rooms, **call)
    winner = decision.placement.campaign if decision.placement else None
    if due:
        assert winner is not None
        assert winner.tier is Tier.SPONSORSHIP or is_paced(winner)
    if winner is None:
        assert decision.reason is furthest({c.reason for c in candidates})
    else:
        assert rates.get(winner.name, 1.0) > 0
        assert winner.name not in full & rooms.keys()
        assert winner.name not in call["excluded"]


@given(catalogs(), CALLS, DRAWS, st.randoms())
def test_the_order_of_files_does_not_matter_to_campaigns_with_rates(
    sales: tuple[list[Campaign], dict[str, float], list[str]],
    call: dict[str, Any],
    draw: float,
    random: Any,
) -> None:
    booked, rates, order = sales
    before = asked(paced(rates, *booked, order=order), draw, **call)
    random.shuffle(booked)
    after = asked(paced(rates, *booked, order=order), draw, **call)
    assert (after.reason, after.placement and after.placement.campaign) == (
        before.reason,
        before.placement and before.placement.campaign,
    )


def test_who_has_no_room_is_not_served_and_its_place_goes_on() -> None:
    one = sold("a")
    snapshot = paced({"a": 1.0}, one)
    assert won(snapshot, 0.5, {"a": room_of(one, 1)}) == "a"
    assert won(snapshot, 0.5, {"a": room_of(one, 0, free=0)}) == Reason.GOAL_MET
    assert won(snapshot, 0.5, {"a": room_of(one, 0)}) == Reason.PACED
    waits = paced({"a": 0.0}, one)
    assert won(waits, 0.5, {"a": room_of(one, 0, free=0)}) == Reason.GOAL_MET, "not `paced`"
    snapshot = paced({"a": 1.0}, one, REST)
    assert won(snapshot, 0.5, {"a": room_of(one, 0, free=0)}) == "rest"


def test_a_page_takes_no_more_of_a_campaign_than_it_has_room() -> None:
    texts = tuple(text_creative(f"t{n}") for n in range(4))
    one = sold("a", creatives=texts)
    snapshot = paced({"a": 1.0}, one)
    call = [("post-top", Context())] * 4
    made = decide_page(snapshot, call, NOW, [0.0] * 4, {"a": room_of(one, 2)})
    assert [d.reason for d in made] == [Reason.WON] * 2 + [Reason.PACED] * 2
    clicks = replace(one, goal=Goal(clicks=2))
    snapshot = paced({"a": 1.0}, clicks)
    made = decide_page(snapshot, call, NOW, [0.0] * 4, {"a": room_of(clicks, 0)})
    assert [d.reason for d in made] == [Reason.WON] * 4, "only a click takes room"


@pytest.mark.parametrize(
    ("left", "reasons"),
    [
        (2, [Reason.WON] * 2),
        (1, [Reason.ROADBLOCK] * 2),
        (0, [Reason.PACED] * 2),
    ],
)
def test_a_roadblock_has_room_for_all_its_slots_or_gets_none(
    left: int, reasons: list[Reason]
) -> None:
    block = sold("a", roadblock=True, creatives=(text_creative("x"), text_creative("y")))
    live = generation(catalog(block, slots=(slot(), slot("post-bottom"))))
    call = [("post-top", Context()), ("post-bottom", Context())]
    rooms = {"a": room_of(block, left)}
    made = decide_page(compile_snapshot(live), call, NOW, [0.5, 0.5], rooms)
    assert [d.reason for d in made] == reasons

"""Whom a page refuses, found out as bits, and the second draw among those who are left."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.core.catalog import Goal, Tier
from adserver.core.context import Context
from adserver.core.crowd import Crowd
from adserver.core.on_page import OnPage
from adserver.core.places import iter_crowds
from adserver.core.rates import Rates
from adserver.core.reasons import Reason
from adserver.core.register import BITS_PER_POSITION, Register
from adserver.core.shelf import Placement, paced_shelf, shelf
from adserver.core.snapshot import compile_snapshot
from adserver.core.steps import finish
from adserver.core.stretches import Stretches
from tests.core.sold import worlds
from tests.factories import NOW, campaign, catalog, generation, slot, text_creative

# At equal distances: each stretch is met as often as it is long, but for its two ends.
DRAWS = [(n + 0.5) / 1_000 for n in range(1_000)]


def plainly(crowd: Crowd, page: OnPage, context: Context) -> tuple[set[str], set[Reason]]:
    """Who is left, and why the others are not: placement by placement."""
    left, refused = set(), {}
    for one in crowd.shelves():
        for placement in one.placements:
            name = placement.campaign.name
            reason = page.refuses(placement, context)
            if reason is None:
                left.add(name)
            else:
                refused[name] = page.refuses_all_of(placement.campaign, context) or reason
    return left, {reason for name, reason in refused.items() if name not in left}


@settings(max_examples=300)
@given(worlds(), st.data())
def test_bits_say_whom_the_page_refuses_as_the_plain_question_does(world, data) -> None:
    snapshot, _, rooms, context = world
    page = OnPage(snapshot.campaigns, context.excluded, rooms)
    crowds = list(iter_crowds(snapshot.places["post-top"].table(context, NOW)))
    every = [p for crowd in crowds for one in crowd.shelves() for p in one.placements]
    for placement in data.draw(
        st.lists(st.sampled_from(every), max_size=4) if every else st.just([])
    ):
        page.add(placement)
        if data.draw(st.booleans()):
            page.give_up(placement.campaign)
    for crowd in crowds:
        bits, reasons = crowd.left(page, context)
        names = {one.name: bits >> n & 1 for n, one in enumerate(crowd.campaigns)}
        left, why = plainly(crowd, page, context)
        assert {name for name, is_left in names.items() if is_left} == left
        assert reasons == why
        for one in crowd.campaigns:
            expected = None
            if left:
                best = next(s for s in crowd.shelves() if left & s.by_campaign.keys())
                expected = [
                    p
                    for p in best.placements
                    if p.campaign is one and page.refuses(p, context) is None
                ]
            assert crowd.choices(one, page, context) == expected


def stretches_of(kind: str, weights: list[float], creatives: list[int]) -> Stretches:
    booked = [
        campaign(
            f"c{n}",
            tier=Tier.SPONSORSHIP if kind == "shares" else Tier.STANDARD,
            creatives=tuple(text_creative(f"t{i}") for i in range(many)),
        )
        for n, many in enumerate(creatives)
    ]
    placed = [
        [
            Placement(c, creative, slot(), 10 * number + n, 1, weight / len(c.creatives))
            for n, creative in enumerate(c.creatives)
        ]
        for number, (c, weight) in enumerate(zip(booked, weights, strict=True))
    ]
    if kind == "rates":
        made = paced_shelf(zip((min(weight, 1.0) for weight in weights), placed, strict=True))
    else:
        every = [p for some in placed for p in some]
        made = shelf(booked[0].tier, every, [p.weight for p in every], shares=kind == "shares")
    return Stretches(made, {f"c{n}": n for n in range(len(booked))})


@settings(max_examples=200)
@given(
    st.sampled_from(["weights", "shares", "rates"]),
    st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(1, 3)), min_size=2, max_size=8),
    st.data(),
)
def test_who_is_left_wins_as_if_it_had_stood_there_with_no_others(kind, some, data) -> None:
    weights, creatives = [w for w, _ in some], [many for _, many in some]
    stretches = stretches_of(kind, weights, creatives)
    whole = stretches.shelf
    gone = data.draw(st.sets(st.sampled_from(range(len(some))), min_size=1, max_size=len(some) - 1))
    left = sum(1 << n for n in range(len(some)) if n not in gone)
    before = {name: w / whole.whole for name, w in whole.by_campaign.items()}
    freed = sum(before[f"c{n}"] for n in gone)
    won: Counter[str] = Counter()
    for draw in DRAWS:
        placement, _ = stretches.again(left, draw, ())
        if placement is not None:
            won[placement.campaign.name] += 1
    alone = whole.only(
        [n for n, p in enumerate(whole.placements) if left >> int(p.campaign.name[1:]) & 1]
    )
    for name, weight in alone.by_campaign.items():
        chance = before[name] + freed * won[name] / len(DRAWS)
        assert chance == pytest.approx(weight / alone.whole, abs=3 / len(DRAWS))
    assert not {f"c{n}" for n in gone} & won.keys()


@given(st.floats(0, 1), st.integers(0, 2))
def test_weights_of_very_different_size_and_draws_at_the_edge_find_somebody_who_is_left(
    draw: float, lightest: int
) -> None:
    weights = [1e9, 1e9, 1e9]
    weights[lightest] = 1e-9
    stretches = stretches_of("weights", weights, [1, 1, 1])
    placement, _ = stretches.again(1 << lightest, draw, ())
    assert placement is not None
    assert placement.campaign.name == f"c{lightest}"
    placement, _ = stretches.again(0b111 ^ 1 << lightest, draw, ())
    assert placement is not None
    assert placement.campaign.name != f"c{lightest}"


def test_a_draw_at_the_end_of_a_few_who_are_left_is_the_last_ones() -> None:
    stretches = stretches_of("weights", [1.0] * 5, [1] * 5)
    placement, _ = stretches.again(0b00101, 1.0, ())
    assert placement is not None
    assert placement.campaign.name == "c2"


def test_a_creative_that_is_shown_leaves_its_campaigns_place_to_the_others() -> None:
    stretches = stretches_of("weights", [1.0, 1.0], [1, 3])
    shown = {10, 12}
    found = {stretches.again(0b10, draw, shown)[0].creative.id for draw in DRAWS}
    assert found == {"t1"}


def test_a_shelf_that_is_looked_at_closely_is_heavier() -> None:
    booked = catalog(campaign("a"), campaign("b"), campaign("c"))
    places = compile_snapshot(generation(booked)).places["post-top"]
    table = places.table(Context(), NOW)
    before, crowd = table.size, table.best
    page = OnPage({})
    crowd.again(page, Context(excluded=frozenset({"a"})), 0.5)
    assert table.size == before + 3 + 2 * 3


@settings(max_examples=200)
@given(worlds(), st.floats(0, 1, exclude_max=True), st.data())
def test_few_are_asked_one_by_one_and_many_together_and_the_same_wins(world, draw, data) -> None:
    snapshot, _, rooms, context = world
    page = OnPage(snapshot.campaigns, context.excluded, rooms)
    crowds = list(iter_crowds(snapshot.places["post-top"].table(context, NOW)))
    every = [p for crowd in crowds for one in crowd.shelves() for p in one.placements]
    for placement in data.draw(
        st.lists(st.sampled_from(every), max_size=4) if every else st.just([])
    ):
        page.add(placement)
    for crowd in crowds:
        one_by_one, together = crowd._left_of_few(page, context), crowd._best(page, context)
        assert (*one_by_one[:2], *one_by_one[2]) == (*together[:2], *together[2])
        found = []
        for crowd._is_few in (True, False):
            found.append(crowd.again(page, context, draw))
        assert found[0] == found[1]


def test_whoever_has_a_whole_rate_has_no_more_where_another_is_refused() -> None:
    """What is refused of rates that are all there is the next tier's."""
    goal = Goal(impressions=1_000)
    booked = [campaign(f"c{n}", tier=Tier.STANDARD, goal=goal) for n in range(3)]
    snapshot = compile_snapshot(generation(catalog(*booked)))
    finish(snapshot.pacing(Rates({"c0": 0.3, "c1": 0.4, "c2": 0.2})))
    crowd = snapshot.places["post-top"].table(Context(), NOW).best
    assert crowd is not None
    page, without = OnPage(snapshot.campaigns), Context(excluded=frozenset({"c1"}))
    closely = Stretches(crowd.first, {f"c{n}": n for n in range(3)})
    for draw in DRAWS:
        assert crowd.again(page, without, draw) == (None, draw)
        assert closely.again(0b101, draw, ()) == (None, pytest.approx(draw))


@pytest.mark.parametrize("apart", [1, 10 * BITS_PER_POSITION])
def test_rivals_are_those_of_other_advertisers_however_few_they_are(apart: int) -> None:
    """Kept as bits where they are close, as positions where they are far apart."""
    of_trade = {0: "port", apart: "quai", 2 * apart: "quai"}
    booked = [
        campaign(f"c{n}", competes_in=("coffee",) * (n in of_trade), advertiser=of_trade.get(n, ""))
        for n in range(2 * apart + 1)
    ]
    register = Register()
    finish(register.taking(booked))
    by_name = {one.name: one for one in booked}

    def refused(*there: int) -> set[int]:
        bits = register.rivals(OnPage(by_name, [f"c{n}" for n in there]))
        return {n for n in of_trade if bits >> n & 1}

    assert refused() == set()
    assert refused(0) == {apart, 2 * apart}
    assert refused(apart) == refused(apart, 2 * apart) == {0}
    assert refused(0, apart) == set(of_trade)


def test_an_edge_that_rounding_leads_to_belongs_to_who_is_left() -> None:
    stretches = stretches_of("weights", [1.0, 1.0, 1.0], [1, 1, 1])
    for refused, left in ((1, 0b101), (0, 0b110)):
        placement = stretches._placed(left, (refused, 0.0), ())
        number = stretches.shelf.placements.index(placement)
        assert number == (refused - 1) % 3

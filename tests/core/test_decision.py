"""The decision: by tier, then by weight, always with a reason."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import (
    Clause,
    Flight,
    Frequency,
    Goal,
    OnEmpty,
    Period,
    Price,
    State,
    Tier,
)
from adserver.core.context import Context
from adserver.core.decision import decide, explain, pick
from adserver.core.on_page import OnPage
from adserver.core.reasons import Reason, furthest
from adserver.core.shelf import Placement
from adserver.core.snapshot import Snapshot, compile_snapshot
from tests.factories import (
    NOW,
    ZONE,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    slot,
    text_creative,
)

DRAWS = st.floats(0, 1, exclude_max=True)
# 99.9 % points of the chi-square distribution by degrees of freedom (NIST handbook, 1.3.6.7.4).
CHI_SQUARE_999 = {1: 10.828, 2: 13.816, 3: 16.266, 4: 18.467, 5: 20.515}


def compiled(*booked, **changes) -> Snapshot:
    return compile_snapshot(generation(catalog(*booked, **changes)))


def page_with(snapshot: Snapshot, shown) -> OnPage:
    """With these (campaign, creative) on it."""
    page = OnPage(snapshot.campaigns)
    for name, creative in shown:
        booked = snapshot.campaigns[name]
        which = [one.id for one in booked.creatives].index(creative)
        number = snapshot.numbers[name][1 + which]
        slot = snapshot.catalog.slots[0]
        page.add(Placement(booked, booked.creatives[which], slot, number, 1, 1.0))
    return page


def winner(snapshot: Snapshot, draw: float = 0.0, shown=frozenset(), **context) -> str:
    page = page_with(snapshot, shown) if shown else None
    decision = decide(snapshot, "post-top", Context(**context), NOW, draw, page)
    return decision.placement.campaign.name if decision.placement else decision.reason


def test_a_filled_slot_says_won_and_names_what_is_shown() -> None:
    decision = decide(compiled(campaign("a")), "post-top", Context(), NOW, 0.5)
    assert decision.reason is Reason.WON
    assert decision.placement is not None
    assert decision.placement.campaign.name == "a"


def test_a_slot_that_does_not_exist_is_unknown() -> None:
    decision = decide(compiled(), "post-tpo", Context(), NOW, 0.0)
    assert decision == ("post-tpo", None, Reason.UNKNOWN_SLOT)


def test_a_slot_without_a_campaign_that_may_serve_says_how_far_they_came() -> None:
    assert winner(compiled(campaign("a", state=State.PAUSED))) == Reason.PAUSED


@given(DRAWS)
def test_a_lower_tier_never_serves_while_a_higher_one_may(draw: float) -> None:
    heavy = campaign("remnant", tier=Tier.REMNANT, weight=1e9)
    assert winner(compiled(heavy, campaign("standard", weight=1e-9)), draw) == "standard"


def test_a_draw_at_either_end_is_a_placement() -> None:
    snapshot = compiled(campaign("a"), campaign("b"))
    assert winner(snapshot, 0.0) == "a"
    assert winner(snapshot, 0.5) == "b"
    assert winner(snapshot, 1.0 - 2**-53) == "b"
    # As a sum of weights may round up, even a draw of 1 has to end on a shelf.
    shelf = snapshot.places["post-top"].table(Context(), NOW).shelves[0]
    placement, _ = pick(shelf, 1.0)
    assert placement is not None
    assert placement.campaign.name == "b"


def test_a_second_draw_at_its_end_is_a_placement_too() -> None:
    snapshot = compiled(campaign("a"), campaign("b", weight=0.1), campaign("c", weight=0.7))
    crowd = snapshot.places["post-top"].table(Context(), NOW).best
    assert crowd is not None
    page = OnPage(snapshot.campaigns)
    without = Context(excluded=frozenset({"a"}))
    placement, _ = crowd.again(page, without, 1.0)
    assert placement is not None
    assert placement.campaign.name == "c"


@pytest.mark.parametrize(
    "weights",
    [(1.0, 1.0), (1.0, 2.0, 3.0), (0.1, 10.0, 5.0), (1.0, 1.0, 1.0, 1.0, 1.0, 95.0)],
)
def test_campaigns_win_in_proportion_to_their_weights(weights: tuple[float, ...]) -> None:
    draws = 20_000
    snapshot = compiled(*(campaign(f"c{n}", weight=w) for n, w in enumerate(weights)))
    random = Random(20261102)
    won = Counter(winner(snapshot, random.random()) for _ in range(draws))
    expected = [draws * weight / sum(weights) for weight in weights]
    seen = [won[f"c{n}"] for n in range(len(weights))]
    distance = sum((o - e) ** 2 / e for o, e in zip(seen, expected, strict=True))
    assert distance < CHI_SQUARE_999[len(weights) - 1]


def test_creatives_rotate_by_weight_without_giving_their_campaign_more() -> None:
    many = campaign("many", creatives=tuple(text_creative(f"t{n}") for n in range(9)))
    snapshot = compiled(many, campaign("one"))
    chances = {c.campaign: c.probability for c in explained(snapshot)}
    assert chances == pytest.approx({"many": 0.5, "one": 0.5})


def test_a_page_excludes_campaigns_by_name() -> None:
    snapshot = compiled(campaign("a"), campaign("b"))
    assert winner(snapshot, excluded=frozenset({"a"})) == "b"
    assert winner(snapshot, excluded=frozenset({"a", "b"})) == Reason.EXCLUDED


@pytest.mark.parametrize("excluded", [{"c0"}, {"c3"}, {"c1", "c2"}])
def test_who_is_left_wins_in_proportion_to_its_weight(excluded: set[str]) -> None:
    """The draw that fell on another is drawn again, from what is left of it."""
    weights = {"c0": 4.0, "c1": 1.0, "c2": 2.0, "c3": 3.0}
    snapshot = compiled(*(campaign(name, weight=weight) for name, weight in weights.items()))
    random, draws = Random(20261102), 20_000
    won = Counter(
        winner(snapshot, random.random(), excluded=frozenset(excluded)) for _ in range(draws)
    )
    left = {name: weight for name, weight in weights.items() if name not in excluded}
    assert won.keys() == left.keys()
    expected = {name: draws * weight / sum(left.values()) for name, weight in left.items()}
    distance = sum((won[name] - e) ** 2 / e for name, e in expected.items())
    assert distance < CHI_SQUARE_999[len(left) - 1]


def test_whoever_wins_the_draw_wins_whoever_else_is_excluded() -> None:
    snapshot = compiled(campaign("a"), campaign("b"), campaign("c"))
    for draw in (0.0, 0.4, 0.9):
        name = winner(snapshot, draw)
        others = {"a", "b", "c"} - {name}
        for other in others:
            assert winner(snapshot, draw, excluded=frozenset({other})) == name


def sponsor(name: str, share: float, **changes):
    return campaign(name, tier=Tier.SPONSORSHIP, goal=Goal(share=share), **changes)


SHARES = {"a": 0.05, "b": 0.25, "c": 0.6}


@pytest.mark.parametrize(
    ("shares", "excluded", "expected"),
    [
        (SHARES, (), {**SHARES, "rest": 0.1}),
        (SHARES, ("c",), {"a": 0.05, "b": 0.25, "rest": 0.7}),
        # Sold over the whole: less for each, until one of them is not there.
        ({"a": 0.6, "b": 0.9}, (), {"a": 0.4, "b": 0.6}),
        ({"a": 0.6, "b": 0.9}, ("b",), {"a": 0.6, "rest": 0.4}),
        ({"a": 0.6, "b": 0.9, "c": 0.5}, ("a",), {"b": 0.9 / 1.4, "c": 0.5 / 1.4}),
    ],
)
def test_a_sponsorship_has_its_share_of_the_traffic_that_it_may_have(
    shares: dict[str, float], excluded: tuple[str, ...], expected: dict[str, float]
) -> None:
    """Within four standard errors, and half a point, over 100,000 requests."""
    booked = [sponsor(name, share) for name, share in shares.items()]
    snapshot = compiled(*booked, campaign("rest", tier=Tier.REMNANT))
    random, draws = Random(20261126), 100_000
    context = Context(excluded=frozenset(excluded))
    won = Counter(
        decide(snapshot, "post-top", context, NOW, random.random()).placement.campaign.name
        for _ in range(draws)
    )
    assert won.keys() == expected.keys()
    for name, share in expected.items():
        error = abs(won[name] / draws - share)
        assert error < min(0.005, 4 * (share * (1 - share) / draws) ** 0.5)
    chances = {
        c.campaign: c.probability
        for c in explained(snapshot, excluded=context.excluded)
        if c.probability
    }
    assert chances == pytest.approx(expected)


@pytest.mark.parametrize("tier", [Tier.SPONSORSHIP, Tier.STANDARD])
def test_a_campaign_of_which_a_creative_is_refused_keeps_its_weight(tier: Tier) -> None:
    texts = tuple(text_creative(name) for name in "xyz")
    many = campaign("many", tier=tier, goal=Goal(share=0.5), weight=0.5, creatives=texts)
    snapshot = compiled(many, campaign("one", tier=tier, goal=Goal(share=0.3), weight=0.5))
    shown = {("many", "x"), ("many", "y")}
    random, draws = Random(20261126), 100_000
    won = Counter(winner(snapshot, random.random(), shown) for _ in range(draws))
    assert won["many"] / draws == pytest.approx(0.5, abs=0.005)


def test_what_shares_leave_is_nobodys_where_nobody_else_is() -> None:
    snapshot = compiled(sponsor("a", 0.3))
    assert winner(snapshot, 0.2) == "a"
    assert winner(snapshot, 0.3) == Reason.LOST_DRAW
    [only] = explained(snapshot, 0.9)
    assert (only.reason, only.probability) == (Reason.LOST_DRAW, 0.3)


def test_a_share_is_of_the_traffic_that_is_wanted() -> None:
    half = sponsor("half", 0.5, targeting=(Clause("section", any=("tech",)),))
    snapshot = compiled(half, campaign("rest"))
    assert winner(snapshot, 0.4, facts=(("section", ("tech",)),)) == "half"
    assert winner(snapshot, 0.4) == "rest"


def test_a_sponsorship_of_before_there_were_shares_has_all() -> None:
    snapshot = compiled(campaign("a", tier=Tier.SPONSORSHIP), campaign("b"))
    assert winner(snapshot, 0.999) == "a"


def test_only_those_who_want_the_page_take_part() -> None:
    wanted = campaign("wanted", targeting=(Clause("section", any=("tech",)),))
    snapshot = compiled(wanted, campaign("rest", tier=Tier.REMNANT))
    assert winner(snapshot, facts=(("section", ("tech",)),)) == "wanted"
    assert winner(snapshot, facts=(("section", ("culture",)),)) == "rest"
    assert winner(compiled(wanted)) == Reason.TARGETING


def test_what_a_page_excludes_leaves_the_place_to_the_next_tier() -> None:
    snapshot = compiled(campaign("first", tier=Tier.SPONSORSHIP), campaign("second"))
    assert winner(snapshot, excluded=frozenset({"first"})) == "second"


def test_a_creative_that_the_page_shows_is_not_shown_again() -> None:
    two = campaign("a", creatives=(text_creative("x"), text_creative("y")))
    shown = frozenset({("a", "x")})
    snapshot = compiled(two)
    page = page_with(snapshot, shown)
    decision = decide(snapshot, "post-top", Context(), NOW, 0.0, page)
    assert decision.placement is not None
    assert decision.placement.creative.id == "y"
    everything = shown | {("a", "y")}
    assert winner(compiled(two), shown=everything) == Reason.DUPLICATE


def test_a_campaign_whose_duplicate_stands_before_another_of_its_creatives_is_not_kept_out() -> (
    None
):
    two = campaign("a", creatives=(text_creative("x"), text_creative("y")))
    for shown in ({("a", "x")}, {("a", "y")}):
        assert winner(compiled(two), shown=frozenset(shown)) == "a"


def often(name: str, impressions: int = 3, **changes):
    return campaign(name, frequency=Frequency(impressions, Period.DAY), **changes)


def test_a_campaign_that_this_browser_has_seen_often_enough_leaves_its_place_to_others() -> None:
    snapshot = compiled(often("a", tier=Tier.SPONSORSHIP), campaign("b"))
    assert winner(snapshot) == "a"
    assert winner(snapshot, capped=frozenset({"a"})) == "b"
    assert winner(compiled(often("a")), capped=frozenset({"a"})) == Reason.FREQUENCY


def test_a_campaign_without_a_frequency_cap_cannot_be_capped() -> None:
    assert winner(compiled(campaign("a")), capped=frozenset({"a", "gone"})) == "a"


def test_a_page_that_excludes_and_caps_a_campaign_excludes_it() -> None:
    snapshot = compiled(often("a"))
    both = {"excluded": frozenset({"a"}), "capped": frozenset({"a"})}
    assert winner(snapshot, **both) == Reason.EXCLUDED


def test_a_capped_campaign_is_explained_beside_the_others() -> None:
    snapshot = compiled(often("a"), campaign("b"))
    candidates = explained(snapshot, capped=frozenset({"a", "b"}))
    assert [(c.reason, c.probability) for c in candidates] == [
        (Reason.FREQUENCY, 0.0),
        (Reason.WON, 1.0),
    ]


def test_what_is_kept_out_is_nobody_elses_reason() -> None:
    snapshot = compiled(campaign("a"), campaign("draft", state=State.DRAFT))
    assert winner(snapshot, shown=frozenset({("a", "carte")})) == Reason.DUPLICATE


def explained(snapshot: Snapshot, draw: float = 0.0, **context):
    return explain(snapshot, "post-top", Context(**context), NOW, draw)


def test_every_candidate_has_its_reason() -> None:
    snapshot = compiled(
        campaign("a"),
        campaign("b"),
        campaign("excluded"),
        campaign("late", flight=Flight(NOW + 1, None, ZONE)),
        campaign("remnant", tier=Tier.REMNANT),
        campaign("wide", creatives=(image_creative("x", image(970, 250)),)),
    )
    reasons = {c.campaign: c.reason for c in explained(snapshot, excluded=frozenset({"excluded"}))}
    assert reasons == {
        "a": Reason.WON,
        "b": Reason.LOST_DRAW,
        "excluded": Reason.EXCLUDED,
        "late": Reason.NOT_STARTED,
        "remnant": Reason.OUTRANKED,
        "wide": Reason.WRONG_SIZE,
    }


def test_where_nobody_may_serve_nobody_has_won() -> None:
    candidates = explained(compiled(campaign("a", state=State.DRAFT)))
    assert [(c.reason, c.probability) for c in candidates] == [(Reason.DRAFT, 0.0)]


BOOKED = st.lists(
    st.tuples(
        st.sampled_from(Tier),
        st.sampled_from(State),
        st.sampled_from([None, NOW - 1, NOW + 1]),
        st.floats(0.01, 100),
        st.integers(1, 3),
        st.sampled_from([(), (Clause("section", any=("tech",)),)]),
        st.sampled_from([None, Price(cpm=Decimal(2)), Price(cpc=Decimal(1))]),
    ),
    max_size=6,
)


NAMES = st.sets(st.sampled_from(["c0", "c1", "c2"]))
CAPS = st.sets(st.sampled_from(["c0", "c1", "c2", "c3"]))


@given(BOOKED, DRAWS, NAMES, NAMES, CAPS, st.booleans())
def test_every_candidate_has_exactly_one_reason_and_the_winners_is_won(
    booked, draw: float, excluded: set[str], capped: set[str], caps: set[str], tech: bool
) -> None:
    campaigns = tuple(
        campaign(
            f"c{n}",
            tier=tier,
            state=state,
            flight=Flight(since, None, ZONE),
            weight=weight,
            creatives=tuple(text_creative(f"t{i}") for i in range(creatives)),
            frequency=Frequency(1, Period.HOUR) if f"c{n}" in caps else None,
            targeting=targeting,
            price=price,
        )
        for n, (tier, state, since, weight, creatives, targeting, price) in enumerate(booked)
    )
    house = slot(on_empty=OnEmpty.HOUSE)
    snapshot = compile_snapshot(generation(catalog(slots=(house,), campaigns=campaigns)))
    facts = (("section", ("tech",)),) if tech else ()
    context = Context(excluded=frozenset(excluded), capped=frozenset(capped), facts=facts)
    decision = decide(snapshot, "post-top", context, NOW, draw)
    candidates = explain(snapshot, "post-top", context, NOW, draw)
    assert [c.campaign for c in candidates] == [c.name for c in campaigns]
    won = [c.campaign for c in candidates if c.reason is Reason.WON]
    assert won == ([decision.placement.campaign.name] if decision.placement else [])
    assert not {*won} & (excluded | (capped & caps))
    frequent = {c.campaign for c in candidates if c.reason is Reason.FREQUENCY}
    assert frequent <= (capped & caps) - excluded
    assert sum(c.probability for c in candidates) == pytest.approx(1.0 if won else 0.0)
    assert all(c.probability > 0 for c in candidates if c.reason in {Reason.WON, Reason.LOST_DRAW})
    if not won:
        assert decision.reason is furthest({c.reason for c in candidates})
    likeliest = explain(snapshot, "post-top", context, NOW)
    best = max((c.probability for c in candidates), default=0.0)
    assert [c.probability for c in likeliest if c.reason is Reason.WON] == [best] * bool(won)

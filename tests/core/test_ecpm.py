"""The remnant tier: the highest eCPM goes first, equal ones share by weight."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Clause, Frequency, OnEmpty, Period, Price, Tier
from adserver.core.context import Context
from adserver.core.decision import decide, explain, hard_reason
from adserver.core.ecpm import PRIOR_CLICK_RATE, by_ecpm, click_rate, ecpm
from adserver.core.on_page import OnPage
from adserver.core.reasons import Reason
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import ITEMS_PER_STEP, finish
from tests.factories import NOW, campaign, catalog, generation, slot

CPMS = st.decimals(0, 1_000, places=2).map(lambda amount: Price(cpm=amount))
CPCS = st.decimals(0, 100, places=6).map(lambda amount: Price(cpc=amount))
FLATS = st.decimals(0, 10_000, places=2).map(lambda amount: Price(flat=amount))


def cpm(amount: str) -> Price:
    return Price(cpm=Decimal(amount))


def cpc(amount: str) -> Price:
    return Price(cpc=Decimal(amount))


def remnant(name: str, price: Price | None = None, **changes: object) -> Campaign:
    return campaign(name, tier=Tier.REMNANT, price=price, **changes)


def compiled(*booked: Campaign) -> Snapshot:
    return compile_snapshot(generation(catalog(*booked)))


def winner(snapshot: Snapshot, draw: float = 0.0, **context: object) -> str:
    decision = decide(snapshot, "post-top", Context(**context), NOW, draw)
    return decision.placement.campaign.name if decision.placement else decision.reason


@pytest.mark.parametrize(
    ("price", "clicks", "impressions", "expected"),
    [
        (None, 5, 1_000, "0"),
        (Price(flat=Decimal(5_000)), 5, 1_000, "0"),
        (Price(), 0, 0, "0"),
        (cpm("8.50"), 0, 0, "8.50"),
        (cpm("8.50"), 90, 1_000, "8.50"),  # what is clicked makes no difference to a cpm
        (cpc("0.40"), 0, 0, "0.40"),
        (cpc("0.40"), 1, 1_000, "0.40"),
        (cpc("0.40"), 9, 9_000, "0.40"),
        (cpc("0.40"), 3, 1_000, "0.80"),
        (cpc("0.40"), 0, 1_000, "0.20"),
        (cpc("0.40"), 0, 999_000, "0.0004"),
        (cpc("1"), 0, 2_000, "0.333333"),
        (cpc("999999.999999"), 10**9, 10**9, "999999000.999999"),
    ],
)
def test_what_a_thousand_impressions_are_expected_to_earn(
    price: Price | None, clicks: int, impressions: int, expected: str
) -> None:
    assert ecpm(price, clicks, impressions) == Decimal(expected)


@given(st.integers(0, 10**6), st.integers(0, 10**9))
def test_a_click_rate_lies_between_what_is_believed_and_what_was_counted(
    clicks: int, impressions: int
) -> None:
    impressions = max(clicks, impressions)
    found, counted = click_rate(clicks, impressions), Fraction(clicks, max(impressions, 1))
    assert min(PRIOR_CLICK_RATE, counted) <= found <= max(PRIOR_CLICK_RATE, counted) or not counted
    assert 0 < found < 1


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_further_click_never_lowers_it_and_a_further_impression_never_raises_it(
    clicks: int, impressions: int
) -> None:
    assert click_rate(clicks, impressions) < click_rate(clicks + 1, impressions)
    assert click_rate(clicks, impressions) > click_rate(clicks, impressions + 1)


def test_the_highest_ecpm_goes_first_however_heavy_the_others_are() -> None:
    snapshot = compiled(
        remnant("a", cpm("2"), weight=1_000),
        remnant("b", cpm("2.01"), weight=0.001),
        remnant("c", weight=1_000),
    )
    assert {winner(snapshot, draw) for draw in (0.0, 0.5, 0.999)} == {"b"}


def test_a_cpc_goes_before_a_cpm_where_its_clicks_are_expected_to_earn_more() -> None:
    assert winner(compiled(remnant("a", cpm("0.50")), remnant("b", cpc("0.51")))) == "b"
    assert winner(compiled(remnant("a", cpm("0.50")), remnant("b", cpc("0.49")))) == "a"


def test_where_the_page_refuses_the_first_the_next_has_the_place() -> None:
    booked = (
        remnant("a", cpm("3"), frequency=Frequency(1, Period.DAY)),
        remnant("b", cpm("2")),
        remnant("c"),
        campaign("house", tier=Tier.HOUSE),
    )
    snapshot = compiled(*booked)
    assert winner(snapshot, capped=frozenset({"a"})) == "b"
    assert winner(snapshot, capped=frozenset({"a"}), excluded=frozenset({"b"})) == "c"
    assert winner(snapshot, excluded=frozenset({"a", "b", "c"})) == Reason.EXCLUDED


def test_what_earns_nothing_by_the_impression_comes_last_and_shares_by_weight() -> None:
    snapshot = compiled(
        remnant("flat", Price(flat=Decimal(9_000))),
        remnant("free", weight=3),
        remnant("nothing", cpm("0"), weight=4),
        remnant("priced", cpm("0.01")),
    )
    assert winner(snapshot, 0.9) == "priced"
    chances = odds(snapshot, excluded=frozenset({"priced"}))
    assert chances == pytest.approx({"flat": 1 / 8, "free": 3 / 8, "nothing": 4 / 8, "priced": 0})


def odds(snapshot: Snapshot, **context: object) -> dict[str, float]:
    candidates = explain(snapshot, "post-top", Context(**context), NOW)
    return {one.campaign: one.probability for one in candidates}


def test_equal_ones_share_by_weight_however_their_price_is_written() -> None:
    """Chi-square, at three degrees of freedom 16.266 is the 99.9 % point."""
    weights = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    prices = (cpm("8.5"), cpm("8.50"), cpc("8.5"), cpm("8.500000"))
    booked = [
        remnant(name, price, weight=weight)
        for (name, weight), price in zip(weights.items(), prices, strict=True)
    ]
    snapshot = compiled(*booked, remnant("less", cpm("8.499999")), remnant("none", weight=100))
    random, draws = Random(20261126), 20_000
    won = Counter(winner(snapshot, random.random()) for _ in range(draws))
    assert won.keys() == weights.keys()
    expected = {name: draws * weight / 10 for name, weight in weights.items()}
    assert sum((won[name] - e) ** 2 / e for name, e in expected.items()) < 16.266


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.HOUSE])
def test_prices_matter_to_the_remnant_tier_alone(tier: Tier) -> None:
    booked = [campaign(name, tier=tier, price=cpm(name)) for name in ("1", "9")]
    shown = slot(on_empty=OnEmpty.HOUSE)
    snapshot = compile_snapshot(generation(catalog(*booked, slots=(shown,))))
    assert odds(snapshot) == {"1": 0.5, "9": 0.5}


def test_many_prices_are_ordered_in_small_steps() -> None:
    many = [remnant(f"c{n:04}", cpm(str(n % 7))) for n in range(3 * ITEMS_PER_STEP)]
    steps = by_ecpm(many)
    counted = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            ordered, levels = done.value
            break
        counted += 1
    assert counted == 3
    assert list(ordered) == sorted(many, key=lambda c: (-ecpm(c.price), c.name))
    assert len(levels) == 7
    assert levels[-1] == len(many)


def test_nobody_is_ordered_at_once() -> None:
    assert finish(by_ecpm([])) == ((), ())


PRICES = st.none() | st.sampled_from([cpm("1"), cpm("2"), cpc("1"), Price(flat=Decimal(1))])
BOOKED = st.lists(
    st.tuples(
        st.sampled_from([Tier.SPONSORSHIP, Tier.STANDARD, *[Tier.REMNANT] * 6]),
        PRICES | CPMS | CPCS | FLATS,
        st.floats(0.1, 10),
        st.sampled_from([(), (Clause("section", any=("tech",)),)]),
    ),
    min_size=1,
    max_size=12,
)
NAMES = st.sets(st.integers(0, 11).map("c{}".format))


@settings(max_examples=300)
@given(BOOKED, NAMES, st.floats(0, 1, exclude_max=True), st.booleans())
def test_the_winner_is_one_of_those_that_a_plain_loop_finds(
    booked: list[tuple[Tier, Price | None, float, tuple[Clause, ...]]],
    excluded: set[str],
    draw: float,
    tech: bool,
) -> None:
    campaigns = [
        campaign(f"c{n}", tier=tier, price=price, weight=weight, targeting=targeting)
        for n, (tier, price, weight, targeting) in enumerate(booked)
    ]
    snapshot = compiled(*campaigns)
    facts = (("section", ("tech",)),) if tech else ()
    context = Context(excluded=frozenset(excluded), facts=facts)
    places, page = snapshot.places["post-top"], OnPage(snapshot.campaigns)
    free = [
        one
        for one in campaigns
        if hard_reason(one, places, context, NOW) is None
        and page.refuses_all_of(one, context) is None
    ]
    first = min(map(rank, free), default=None)
    equal = {one.name: one.weight for one in free if rank(one) == first}
    decision = decide(snapshot, "post-top", context, NOW, draw)
    if decision.placement is None:
        assert not equal
    else:
        assert decision.placement.campaign.name in equal
    told = explain(snapshot, "post-top", context, NOW, draw)
    if first is None or first[0] != 0:
        shares = {name: weight / sum(equal.values()) for name, weight in equal.items()}
        assert {c.campaign: c.probability for c in told if c.probability} == pytest.approx(shares)
    outranked = {one.name for one in free} - equal.keys()
    assert {c.campaign for c in told if c.reason is Reason.OUTRANKED} == outranked


def rank(one: Campaign) -> tuple[int, Decimal]:
    """By tier, and in the remnant tier by eCPM."""
    return (list(Tier).index(one.tier), -ecpm(one.price) if one.tier is Tier.REMNANT else Decimal())

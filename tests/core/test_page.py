"""All slots of one page, decided together."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import (
    TIERS,
    Campaign,
    Clause,
    Device,
    Frequency,
    OnEmpty,
    Period,
    Price,
    Size,
    Tier,
)
from adserver.core.context import Context
from adserver.core.ecpm import ecpm
from adserver.core.page import decide_page
from adserver.core.reasons import Reason
from adserver.core.snapshot import compile_snapshot
from tests.factories import (
    NOW,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    slot,
    text_creative,
)

SLOTS = ("top", "middle", "bottom")


def page(*booked, draws=(0.0, 0.0, 0.0), slots=SLOTS, contexts=None):
    snapshot = compile_snapshot(generation(catalog(*booked, slots=tuple(map(slot, SLOTS)))))
    asked = [(name, (contexts or {}).get(name, Context())) for name in slots]
    return decide_page(snapshot, asked, NOW, draws)


def shown(decisions) -> list[tuple[str, str] | Reason]:
    return [
        (d.placement.campaign.name, d.placement.creative.id) if d.placement else d.reason
        for d in decisions
    ]


def test_decisions_come_in_the_order_asked() -> None:
    asked = ("bottom", "nowhere", "top")
    assert [d.slot for d in page(campaign("a"), slots=asked)] == list(asked)


def test_no_creative_stands_on_a_page_twice() -> None:
    two = campaign("a", creatives=(text_creative("x"), text_creative("y")))
    assert shown(page(two)) == [("a", "x"), ("a", "y"), Reason.DUPLICATE]


def test_a_slot_asked_twice_is_decided_twice() -> None:
    decisions = page(campaign("a"), campaign("b"), slots=("top", "top"), draws=(0.0, 0.0))
    assert shown(decisions) == [("a", "carte"), ("b", "carte")]


FOUR = tuple(text_creative(f"t{n}") for n in range(4))


def test_a_page_has_no_more_of_a_campaign_than_its_whole_frequency_cap() -> None:
    twice = campaign("a", creatives=FOUR, frequency=Frequency(2, Period.DAY))
    assert shown(page(twice)) == [("a", "t0"), ("a", "t1"), Reason.FREQUENCY]
    assert [one[0] for one in shown(page(campaign("a", creatives=FOUR)))] == ["a"] * 3


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=6, max_size=6), st.integers(1, 4))
def test_whatever_is_drawn_a_frequency_cap_holds_on_a_page(draws, impressions: int) -> None:
    cap = Frequency(impressions, Period.FLIGHT)
    booked = (campaign("a", creatives=FOUR, frequency=cap), campaign("b", creatives=FOUR))
    decisions = page(*booked, draws=draws, slots=SLOTS * 2)
    won = [d.placement.campaign.name for d in decisions if d.placement]
    assert won.count("a") <= impressions
    assert len(won) == 6 or won.count("b") == len(FOUR)


def test_each_slot_is_decided_in_its_own_context() -> None:
    contexts = {"top": Context(excluded=frozenset({"a"}))}
    assert shown(page(campaign("a"), contexts=contexts))[:2] == [Reason.EXCLUDED, ("a", "carte")]


def test_one_draw_is_needed_for_each_slot() -> None:
    with pytest.raises(ValueError, match="zip"):
        page(campaign("a"), draws=(0.0,))


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(SLOTS), st.floats(0, 1, exclude_max=True)), max_size=8),
)
def test_whatever_the_draws_a_page_repeats_nothing_and_leaves_no_place_empty_needlessly(
    creatives: list[int], asked: list[tuple[str, float]]
) -> None:
    booked = [
        campaign(f"c{n}", creatives=tuple(text_creative(f"t{i}") for i in range(many)))
        for n, many in enumerate(creatives)
    ]
    decisions = page(*booked, slots=[name for name, _ in asked], draws=[d for _, d in asked])
    filled = [one for one in shown(decisions) if not isinstance(one, Reason)]
    assert len(set(filled)) == len(filled) == min(sum(creatives), len(asked))


def competing(name: str, advertiser: str, *trades: str, **changes):
    return campaign(name, advertiser=advertiser, competes_in=trades, creatives=FOUR, **changes)


def test_a_page_shows_one_advertiser_of_a_trade() -> None:
    rivals = (competing("a", "Port", "coffee"), competing("b", "Quai", "Coffee", "tea"))
    assert [one[0] for one in shown(page(*rivals, draws=(0.0, 0.9, 0.9)))] == ["a", "a", "a"]
    assert [one[0] for one in shown(page(*rivals, draws=(0.9, 0.0, 0.0)))] == ["b", "b", "b"]


def test_two_campaigns_of_one_advertiser_do_not_compete() -> None:
    own = (competing("a", "Port", "coffee"), competing("b", "PORT", "coffee"))
    assert [one[0] for one in shown(page(*own, draws=(0.0, 0.9, 0.0)))] == ["a", "b", "a"]


def test_an_advertiser_whom_the_page_holds_already_keeps_its_rivals_out() -> None:
    rivals = (competing("a", "Port", "coffee"), competing("b", "Quai", "coffee"))
    there = Context(excluded=frozenset({"a"}))
    alone = page(*rivals, slots=("top",), draws=(0.0,), contexts={"top": there})
    assert shown(alone) == [Reason.COMPETITOR]
    elsewhere = page(*rivals, contexts={"bottom": there})
    assert shown(elsewhere)[0] == ("a", "t0"), "b competes with a, which one slot says is there"


@given(
    st.lists(
        st.tuples(st.sampled_from("pqr"), st.sets(st.sampled_from(["coffee", "tea"]))),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=6, max_size=6),
)
def test_whatever_is_drawn_no_two_advertisers_of_a_trade_meet(booked, draws) -> None:
    campaigns = [competing(f"c{n}", who, *sorted(trades)) for n, (who, trades) in enumerate(booked)]
    decisions = page(*campaigns, draws=draws, slots=SLOTS * 2)
    there = [d.placement.campaign for d in decisions if d.placement]
    for trade in ("coffee", "tea"):
        assert len({one.advertiser for one in there if trade in one.competes_in}) <= 1


def roadblock(name: str = "all", creatives: int = 3, **changes):
    texts = tuple(text_creative(f"t{n}") for n in range(creatives))
    return campaign(name, roadblock=True, creatives=texts, **changes)


def test_a_roadblock_has_all_its_slots_of_a_call() -> None:
    decisions = page(roadblock(), campaign("b"), draws=(0.0, 0.9, 0.9))
    assert [one[0] for one in shown(decisions)] == ["all"] * 3
    assert len({d.placement.creative.id for d in decisions if d.placement}) == 3
    some = page(roadblock(slots=("top", "bottom")), campaign("b"), draws=(0.0, 0.0, 0.9))
    assert [one[0] for one in shown(some)] == ["all", "b", "all"]


def test_or_none_of_them() -> None:
    """It was not drawn for its first; or another stands in one of them; or it has too few."""
    lost = page(roadblock(), campaign("b", creatives=FOUR), draws=(0.9, 0.0, 0.0))
    assert [one[0] for one in shown(lost)] == ["b"] * 3
    sponsor = campaign("b", tier=Tier.SPONSORSHIP, slots=("bottom",))
    assert shown(page(roadblock(), sponsor)) == [Reason.ROADBLOCK] * 2 + [("b", "carte")]
    assert shown(page(roadblock(creatives=2))) == [Reason.ROADBLOCK] * 3
    often = roadblock(frequency=Frequency(2, Period.DAY))
    assert shown(page(often)) == [Reason.ROADBLOCK] * 3


def test_a_slot_that_does_not_want_it_breaks_a_roadblock() -> None:
    wants = (Clause("section", any=("tech",)),)
    tech, other = (Context(facts=(("section", (name,)),)) for name in ("tech", "culture"))
    contexts = {"top": tech, "middle": other, "bottom": tech}
    picky = roadblock(targeting=wants)
    decisions = page(picky, campaign("b", creatives=FOUR), contexts=contexts)
    assert [one[0] for one in shown(decisions)] == ["b"] * 3
    contexts["middle"] = tech
    assert [one[0] for one in shown(page(picky, campaign("b"), contexts=contexts))] == ["all"] * 3


def test_a_roadblock_that_a_slot_does_not_want_is_broken_though_nobody_else_is_there() -> None:
    picky = roadblock(targeting=(Clause("section", any=("tech",)),))
    tech = Context(facts=(("section", ("tech",)),))
    alone = page(picky, contexts={"top": tech, "bottom": tech})
    assert shown(alone) == [Reason.ROADBLOCK, Reason.TARGETING, Reason.ROADBLOCK]


def test_a_roadblock_asked_for_one_of_its_slots_is_an_ad_like_others() -> None:
    assert shown(page(roadblock(creatives=1), slots=("middle",), draws=(0.5,))) == [("all", "t0")]


def test_slots_that_a_roadblock_cannot_book_do_not_break_it() -> None:
    house = roadblock(tier=Tier.HOUSE, creatives=1)
    slots = (slot("top", on_empty=OnEmpty.HOUSE), slot("middle"))
    snapshot = compile_snapshot(generation(catalog(house, slots=slots)))
    asked = [(name, Context()) for name in ("nowhere", "middle", "top")]
    decisions = decide_page(snapshot, asked, NOW, (0.0, 0.0, 0.0))
    assert shown(decisions) == [Reason.UNKNOWN_SLOT, Reason.NO_CAMPAIGN, ("all", "t0")]


def test_creatives_are_given_out_so_that_there_is_one_for_each_slot() -> None:
    """The wide one fits one slot only, and the one that fits all was drawn for it."""
    wide = image_creative("wide", image(970, 250))
    block = campaign("all", roadblock=True, slots=("wide", "top"), creatives=(FOUR[0], wide))
    large = slot("wide", sizes={Device.DESKTOP: Size(970, 250)})
    snapshot = compile_snapshot(generation(catalog(block, slots=(large, slot("top")))))
    for draws in ((0.0, 0.0), (0.9, 0.9)):
        asked = [("wide", Context()), ("top", Context())]
        assert shown(decide_page(snapshot, asked, NOW, draws)) == [("all", "wide"), ("all", "t0")]


BOOKED = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(list(Tier)[:3]),
        st.sets(st.sampled_from(SLOTS), min_size=1),
        st.integers(1, 3),
        st.sampled_from([None, Price(cpm=Decimal(1)), Price(cpm=Decimal(2))]),
    ),
    min_size=1,
    max_size=6,
)


@given(
    BOOKED,
    st.lists(st.tuples(st.sampled_from(SLOTS), st.floats(0, 1, exclude_max=True)), max_size=6),
)
def test_whatever_is_drawn_roadblocks_have_all_or_none_and_displace_nobody(booked, asked) -> None:
    campaigns = [
        campaign(
            f"c{n}",
            roadblock=block,
            tier=tier,
            slots=tuple(sorted(slots)),
            creatives=tuple(text_creative(f"t{i}") for i in range(many)),
            price=price,
        )
        for n, (block, tier, slots, many, price) in enumerate(booked)
    ]
    names = [name for name, _ in asked]
    decisions = page(*campaigns, slots=names, draws=[draw for _, draw in asked])
    won = [d.placement for d in decisions]
    pairs = [(p.campaign.name, p.creative.id) for p in won if p]
    assert len(set(pairs)) == len(pairs)
    for one in campaigns:
        own = [
            p is not None and p.campaign is one
            for p, name in zip(won, names, strict=True)
            if name in one.slots
        ]
        assert not one.roadblock or all(own) or not any(own)
    for first, name in zip(won, names, strict=True):
        free = [
            one
            for one in campaigns
            if not one.roadblock
            and name in one.slots
            and any((one.name, c.id) not in pairs for c in one.creatives)
        ]
        better = [one for one in free if first is None or rank(one) < rank(first.campaign)]
        assert not better, "somebody who comes first, and is free to stand here, does not"


def rank(one: Campaign) -> tuple[int, Decimal]:
    """By tier, and in the remnant tier by eCPM."""
    return (TIERS.index(one.tier), -ecpm(one.price) if one.tier is Tier.REMNANT else Decimal())


def test_a_roadblock_displaces_nobody_of_a_higher_price() -> None:
    dear = campaign("dear", tier=Tier.REMNANT, price=Price(cpm=Decimal(3)), slots=("bottom",))
    block = roadblock(tier=Tier.REMNANT, price=Price(cpm=Decimal(2)))
    assert shown(page(block, dear)) == [Reason.ROADBLOCK] * 2 + [("dear", "carte")]
    cheap = campaign("cheap", tier=Tier.REMNANT, price=Price(cpm=Decimal(1)))
    assert [one[0] for one in shown(page(block, cheap))] == ["all"] * 3

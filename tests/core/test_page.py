"""All slots of one page, decided together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Frequency, Period
from adserver.core.context import Context
from adserver.core.page import decide_page
from adserver.core.reasons import Reason
from adserver.core.snapshot import compile_snapshot
from tests.factories import NOW, campaign, catalog, generation, slot, text_creative

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

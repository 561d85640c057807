"""A generation compiled for deciding: who stands on which shelf, and until when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core import places as module
from adserver.core.catalog import Clause, Device, Flight, Goal, OnEmpty, State, Tier
from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.places import Table
from adserver.core.rates import Rates
from adserver.core.reasons import Reason
from adserver.core.snapshot import Snapshot, compile_snapshot, compiling
from adserver.core.steps import ITEMS_PER_STEP, finish
from tests.core.flown import MOMENTS, campaigns
from tests.factories import (
    NOW,
    ZONE,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    site,
    slot,
    text_creative,
)


def compiled(*booked, **changes) -> Snapshot:
    return compile_snapshot(generation(catalog(*booked, **changes)))


def table(snapshot: Snapshot, device: Device = Device.DESKTOP, now: float = NOW) -> Table:
    return snapshot.places["post-top"].table(Context(device=device), now)


def on_shelves(of: Table) -> dict[Tier, list[tuple[str, str, float]]]:
    return {
        shelf.tier: [(p.campaign.name, p.creative.id, p.weight) for p in shelf.placements]
        for shelf in of.shelves
    }


def test_the_best_tier_stands_first() -> None:
    house = slot(on_empty=OnEmpty.HOUSE)
    snapshot = compiled(*(campaign(t.value, tier=t) for t in reversed(Tier)), slots=(house,))
    assert [shelf.tier for shelf in table(snapshot).shelves] == list(Tier)


def test_a_campaign_shares_its_weight_among_the_creatives_that_fit() -> None:
    booked = campaign(
        weight=3.0,
        creatives=(
            text_creative("heavy", weight=2.0),
            text_creative("light"),
            image_creative("huge", image(970, 250)),
        ),
    )
    shelf = table(compiled(booked)).shelves[0]
    assert [(p.creative.id, p.weight) for p in shelf.placements] == [("heavy", 2.0), ("light", 1.0)]
    assert shelf.cumulated == (2.0, 3.0)


def test_each_placement_has_the_permanent_numbers_of_its_names() -> None:
    made = generation(catalog(campaign(creatives=(text_creative("a"), text_creative("b")))))
    placements = table(compile_snapshot(made)).shelves[0].placements
    assert [p.creative_number for p in placements] == [
        made.numbers["creative/brulerie/a"],
        made.numbers["creative/brulerie/b"],
    ]
    assert {p.slot_number for p in placements} == {made.numbers["slot/post-top"]}


def test_how_far_the_candidates_of_an_empty_table_came_is_known() -> None:
    snapshot = compiled(
        campaign("draft", state=State.DRAFT),
        campaign("ended", flight=Flight(None, NOW, ZONE)),
        campaign("too-large", creatives=(image_creative("x", image(970, 250)),)),
    )
    found = table(snapshot)
    assert found.first is None
    assert found.shelves == ()
    assert found.empty is Reason.WRONG_SIZE


def test_a_slot_that_nobody_booked_is_empty_for_good() -> None:
    snapshot = compiled(campaign(slots=("other",)))
    assert table(snapshot).empty is Reason.NO_CAMPAIGN
    assert snapshot.places["post-top"].good_until == float("inf")


def test_house_campaigns_serve_only_where_an_empty_slot_shows_them() -> None:
    house = campaign("house", tier=Tier.HOUSE)
    reserved, shown = slot("reserved"), slot("shown", on_empty=OnEmpty.HOUSE)
    snapshot = compiled(house, slots=(reserved, shown))
    assert snapshot.places["reserved"].candidates == ()
    assert snapshot.places["shown"].candidates == (house,)


def test_a_device_has_a_table_of_its_own() -> None:
    snapshot = compiled(campaign(creatives=(image_creative("wide", image(728, 90)),)))
    assert table(snapshot, Device.DESKTOP).shelves
    assert not table(snapshot, Device.MOBILE).shelves


def test_a_table_is_built_once_until_something_changes() -> None:
    snapshot = compiled(campaign(flight=Flight(NOW + 60, None, ZONE)))
    before = table(snapshot)
    assert snapshot.places["post-top"].good_until == NOW + 60
    assert table(snapshot, now=NOW + 59.9) is before
    assert not before.shelves
    after = table(snapshot, now=NOW + 60)
    assert after.shelves
    assert after is not before


def test_contexts_that_differ_in_nothing_that_counts_share_a_table() -> None:
    snapshot = compiled(campaign(targeting=(Clause("section", any=("tech",)),)))
    places = snapshot.places["post-top"]

    def found(*sections: str, url: str = "") -> Table:
        return places.table(Context(url=url, facts=(("section", sections),)), NOW)

    assert found("tech") is found("tech", url="https://blog.example/a") is found("tech", "x")
    assert found("culture") is found("business")
    assert found("tech") is not found("culture")


def test_what_is_remembered_of_contexts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTEXTS", 10)
    monkeypatch.setattr(module, "MAX_TABLES", 5)
    targeting = (Clause("tags", any=tuple(str(n) for n in range(100))),)
    places = compiled(campaign(targeting=targeting)).places["post-top"]
    for n in range(100):
        assert places.table(Context(facts=(("tags", (str(n),)),)), NOW).first
        assert len(places._by_context) <= 10
        assert len(places._by_signature) <= 5


def test_long_contexts_are_not_remembered() -> None:
    places = compiled(campaign()).places["post-top"]
    for length, known in ((module.MAX_LENGTH, 1), (module.MAX_LENGTH + 1, 1)):
        places.table(Context(facts=(("tags", ("x" * (length - 1), "y")),)), NOW)
        assert len(places._by_context) == known


def test_a_clock_that_is_set_back_while_it_is_compiled_is_believed() -> None:
    soon = generation(catalog(campaign(flight=Flight(NOW, None, ZONE))))
    places = finish(compiling(soon, NOW + 60)).places["post-top"]
    assert places.table(Context(), NOW - 60).empty is Reason.NOT_STARTED
    assert places.table(Context(), NOW).first


def test_contexts_of_one_table_are_bounded_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTEXTS", 10)
    places = compiled(campaign()).places["post-top"]
    for n in range(100):
        places.table(Context(facts=(("tags", (str(n),)),)), NOW)
        assert 0 < len(places._by_context) <= 10
    assert len(places._by_signature) == 1


def test_a_large_generation_is_compiled_in_small_steps() -> None:
    """No more than so many campaigns, or values, in one of them."""
    many = [
        campaign(
            f"c{n:03}",
            competes_in=(f"trade{n}",),
            targeting=(Clause("tags", (f"any{n}",), (f"all{n}", "x"), (f"none{n}",)),),
        )
        for n in range(2 * ITEMS_PER_STEP)
    ]
    steps = compiling(generation(catalog(*many)), NOW)
    counted = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            snapshot = done.value
            break
        counted += 1
    # Of campaigns: numbers, candidates, wants, what keeps them off a page, two devices, who may
    # run; of values: three kinds; trades.
    assert counted == 2 * 11
    for n in (0, 77, 2 * ITEMS_PER_STEP - 1):
        facts = (("tags", (f"all{n}", f"any{n}", "x")),)
        first = snapshot.places["post-top"].table(Context(facts=facts), NOW).first
        assert [p.campaign.name for p in first.placements] == [f"c{n:03}"]


def test_heavy_tables_are_forgotten_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PLACEMENTS", 100)
    booked = [campaign(f"c{n}") for n in range(10)]
    tags = tuple(str(n) for n in range(200))
    # Of each tag, others: those whose bit is in its number.
    for bit in range(8):
        wants = Clause("tags", any=tuple(tag for tag in tags if int(tag) >> bit & 1))
        booked.append(campaign(f"z{bit}", targeting=(wants,)))
    places = compiled(*booked).places["post-top"]
    most = 0
    for tag in tags:
        places.table(Context(facts=(("tags", (tag,)),)), NOW)
        most = max(most, len(places._by_signature))
    assert most <= module.TABLES_BETWEEN_WEIGHINGS


def test_tables_of_pages_that_the_same_may_serve_have_one_crowd() -> None:
    """And that is renewed once, whichever of them is asked first."""
    goal = Goal(impressions=1_000)
    every = campaign("every", tier=Tier.STANDARD, goal=goal)
    some = campaign("some", tier=Tier.REMNANT, targeting=(Clause("tags", any=("1",)),))
    snapshot = compiled(every, some)
    places = snapshot.places["post-top"]
    one, other = (places.table(Context(facts=(("tags", (tag,)),)), NOW) for tag in "12")
    assert one is not other
    assert one.best is other.best
    assert one.crowd(1) is not None
    assert other.crowd(1) is None
    finish(snapshot.pacing(Rates({"every": 0.25})))
    for table in (one, other):
        assert table.holds(NOW)
        assert list(table.first.rates) == [0.25]


def test_a_table_holds_while_its_campaigns_run_and_until_it_is_forgotten() -> None:
    snapshot = compiled(campaign(flight=Flight(NOW, NOW + 60, ZONE)))
    found = table(snapshot)
    assert found.holds(NOW)
    assert found.holds(NOW + 59)
    assert not found.holds(NOW + 60)
    assert not found.holds(NOW - 1)
    snapshot.places["post-top"]._forget()
    assert not found.holds(NOW)


def test_a_clock_that_is_set_back_is_believed() -> None:
    snapshot = compiled(campaign(flight=Flight(NOW + 60, NOW + 120, ZONE)))
    assert table(snapshot, now=NOW + 60).first
    assert table(snapshot, now=NOW + 120).first is None
    assert table(snapshot, now=NOW + 60).first
    assert table(snapshot, now=NOW).empty is Reason.NOT_STARTED


def test_lower_tiers_are_looked_at_when_those_before_them_have_nobody() -> None:
    first, second = campaign("a", tier=Tier.SPONSORSHIP), campaign("b", tier=Tier.REMNANT)
    found = table(compiled(first, second))
    assert found.size == 1 + 2
    assert [shelf.tier for shelf in found.shelves] == [Tier.SPONSORSHIP, Tier.REMNANT]
    assert found.size == 2 * (1 + 2)
    assert found.crowd(2) is None


def test_numbers_lead_back_to_names() -> None:
    made = generation(catalog(campaign("a"), site=site(sites={"blog": "https://blog.example"})))
    snapshot = compile_snapshot(made)
    found, creative = snapshot.creative(made.numbers["creative/a/carte"])
    assert (found.name, creative.id) == ("a", "carte")
    assert snapshot.creative(max(made.numbers.values()) + 1) is None
    assert snapshot.site_numbers == {"blog": made.numbers["site/blog"]}


@given(st.permutations("abcde"), st.floats(0, 1, exclude_max=True))
def test_the_order_of_campaigns_in_the_catalog_does_not_matter(
    order: list[str], draw: float
) -> None:
    def winner(names: list[str]) -> str:
        booked = [campaign(n, weight=1.0 + ord(n) % 3) for n in names]
        decision = decide(compiled(*booked), "post-top", Context(), NOW, draw)
        assert decision.placement is not None
        return decision.placement.campaign.name

    assert winner(order) == winner(sorted(order))


@given(st.lists(campaigns(), min_size=1, max_size=4), MOMENTS, st.floats(0, 1, exclude_max=True))
def test_a_table_is_good_exactly_until_the_next_change(booked, now: float, share: float) -> None:
    named = [
        campaign(f"c{n}", state=b.state, flight=b.flight, hours=b.hours)
        for n, b in enumerate(booked)
    ]
    kept = compiled(*named)
    table(kept, now=now)
    good_until = kept.places["post-top"].good_until
    later = now + (min(good_until, now + 86_400 * 9) - now) * share
    assert on_shelves(table(kept, now=later)) == on_shelves(table(compiled(*named), now=later))
    if good_until < float("inf"):
        fresh = table(compiled(*named), now=good_until)
        assert on_shelves(table(kept, now=good_until)) == on_shelves(fresh)
        assert kept.places["post-top"].good_until > good_until

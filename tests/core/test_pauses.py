"""Pauses: what they stop, and that stopping it slot by slot is what the plain rules say."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Device, Frequency, Goal, OnEmpty, Period, State, Tier
from adserver.core.context import Context
from adserver.core.decision import Decision, decide, explain
from adserver.core.group import NAMES_A_STEP
from adserver.core.page import decide_page
from adserver.core.pauses import (
    CAMPAIGNS_A_STEP,
    NOTHING_STOPPED,
    WITH_SLOTS_A_STEP,
    Kind,
    Pause,
    Stopped,
    Target,
    paused,
    pauses_of,
    stopped_by,
    stopping,
)
from adserver.core.reasons import Reason, furthest
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from adserver.core.timetable import CHANGES_A_STEP
from tests.core.flown import MOMENTS, campaigns
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


def pause(target: str, until: float | None = None, since: float = NOW - 60) -> Pause:
    return Pause(Target.read(target), since, until, "ana@desk", "complaint")


def snapshot_of(*booked: Campaign, **changes) -> Snapshot:
    return compile_snapshot(generation(catalog(*booked, **changes)))


def stop(snapshot: Snapshot, *targets: str, now: float = NOW) -> Snapshot:
    stopped = stopped_by(snapshot.catalog, [pause(one) for one in targets], now)
    finish(snapshot.stopping(stopped))
    return snapshot


def shown(
    snapshot: Snapshot, draw: float = 0.0, name: str = "post-top", device: Device = Device.DESKTOP
) -> str:
    decision = decide(snapshot, name, Context(device=device), NOW, draw)
    placed = decision.placement
    return f"{placed.campaign.name}/{placed.creative.id}" if placed else decision.reason


@pytest.mark.parametrize(
    "text", ["brulerie", "brulerie/carte", "advertiser:Brûlerie du Port", "slot:post-top", "*"]
)
def test_a_target_is_written_as_it_is_read(text: str) -> None:
    assert str(Target.read(text)) == text


def test_an_advertisers_name_may_hold_anything() -> None:
    named = Target(Kind.ADVERTISER, "slot: a/b: *")
    assert Target.read(str(named)) == named


BOOKED = (
    campaign("a", slots=("post-top",), creatives=(text_creative("x"), text_creative("y"))),
    campaign("b", advertiser="CAFÉ du Nord", slots=("post-*",)),
)
SLOTS = (slot("post-top"), slot("post-bottom"))


@pytest.mark.parametrize(
    ("targets", "stopped"),
    [
        ((), NOTHING_STOPPED),
        (("a",), Stopped(frozenset("a"))),
        (("a/x",), Stopped(creatives={"a": frozenset("x")})),
        (("a/x", "a/y"), Stopped(frozenset("a"), {"a": frozenset("xy")})),
        (("advertiser:Cafe\u0301 DU nord",), Stopped(frozenset("b"))),
        (("slot:post-top",), Stopped(frozenset("a"), slots=frozenset({"post-top"}))),
        (
            ("slot:post-top", "slot:post-bottom"),
            Stopped(frozenset("ab"), slots=frozenset({"post-top", "post-bottom"})),
        ),
        (("*",), Stopped(frozenset("ab"), everything=True)),
        (("gone", "advertiser:gone", "slot:gone", "a/gone"), None),
    ],
)
def test_what_pauses_stop(targets: tuple[str, ...], stopped: Stopped | None) -> None:
    written = catalog(*BOOKED, slots=SLOTS)
    found = stopped_by(written, [pause(target) for target in targets], NOW)
    if stopped is None:
        assert not found.campaigns
        assert paused(generation(written), found).catalog == written
    else:
        assert found == stopped


def test_a_pause_ends_by_itself() -> None:
    written = catalog(*BOOKED, slots=SLOTS)
    pauses = [pause("a", NOW + 10), pause("b", NOW + 5), pause("slot:post-top")]
    assert stopped_by(written, pauses, NOW).until == NOW + 5
    later = stopped_by(written, pauses, NOW + 5)
    assert (later.campaigns, later.until) == (frozenset("a"), NOW + 10)
    assert stopped_by(written, pauses[:2], NOW + 10) == NOTHING_STOPPED
    assert stopped_by(written, pauses[2:], NOW).until == inf


def test_what_is_paused_is_not_chosen_and_says_so() -> None:
    both = snapshot_of(campaign("a"), campaign("b"))
    assert shown(stop(both, "a")) == shown(both, 0.9) == "b/carte"
    assert shown(stop(both, "b")) == shown(both, 0.9) == "a/carte"
    assert shown(stop(both, "*")) == Reason.PAUSED
    assert shown(stop(both), 0.9) == "b/carte"


def test_a_campaign_goes_on_with_its_other_creatives_and_its_weight() -> None:
    many = campaign("many", creatives=tuple(text_creative(name) for name in "xyz"))
    both = stop(snapshot_of(many, campaign("one")), "many/x", "many/z")
    assert [shown(both, draw) for draw in (0.0, 0.49, 0.5)] == ["many/y", "many/y", "one/carte"]
    chances = {
        c.campaign: c.probability for c in explain(both, "post-top", Context(), NOW, draw=0.0)
    }
    assert chances == {"many": 0.5, "one": 0.5}
    assert shown(stop(both, "many/x"), 0.0) == "many/y"
    assert shown(stop(both), 0.0) == "many/x"


def test_a_campaign_of_which_all_that_fits_is_paused_is_paused_on_that_device() -> None:
    two = campaign(
        "a",
        creatives=(image_creative("wide", image(728, 90)), image_creative("low", image(320, 50))),
    )
    stopped = stop(snapshot_of(two), "a/low")
    assert shown(stopped, device=Device.DESKTOP) == "a/wide"
    assert shown(stopped, device=Device.MOBILE) == Reason.PAUSED
    [only] = explain(stopped, "post-top", Context(device=Device.MOBILE), NOW)
    assert only.reason is Reason.PAUSED


def test_a_slot_that_is_paused_is_empty_and_others_are_not() -> None:
    stopped = stop(snapshot_of(campaign(slots=("post-*",)), slots=SLOTS), "slot:post-top")
    assert shown(stopped, name="post-top") == Reason.PAUSED
    assert shown(stopped, name="post-bottom") == "brulerie/carte"
    assert shown(stop(stopped), name="post-top") == "brulerie/carte"


def test_a_roadblock_with_a_paused_slot_stands_nowhere() -> None:
    """All of its slots or none."""
    block = campaign(
        "block",
        tier=Tier.SPONSORSHIP,
        goal=Goal(share=1.0),
        roadblock=True,
        slots=("post-*",),
        creatives=(text_creative("x"), text_creative("y")),
    )
    stopped = stop(
        snapshot_of(block, campaign("b", slots=("post-*",)), slots=SLOTS), "slot:post-top"
    )
    made = decide_page(stopped, [(one.name, Context()) for one in SLOTS], NOW, [0.0, 0.0])
    assert [d.placement and d.placement.campaign.name for d in made] == [None, "b"]


def test_before_its_flight_and_after_it_a_pause_says_nothing_new() -> None:
    early = campaign("early", state=State.DRAFT)
    assert shown(stop(snapshot_of(early), "*")) == Reason.DRAFT


def test_an_ad_that_was_served_is_still_known() -> None:
    made = generation(catalog(campaign("a")))
    stopped = stop(compile_snapshot(made), "a", "a/carte")
    assert stopped.of_creative[made.numbers["creative/a/carte"]].name == "a"


def test_whoever_reckons_with_campaigns_finds_them_paused_as_by_their_files() -> None:
    made = generation(
        catalog(*BOOKED, campaign("draft", state=State.DRAFT, advertiser="x"), slots=SLOTS)
    )
    stopped = stopped_by(made.catalog, [pause("b"), pause("a/x"), pause("slot:post-bottom")], NOW)
    served = paused(made, stopped).catalog
    assert [(one.name, one.state) for one in served.campaigns] == [
        ("a", State.READY),
        ("b", State.PAUSED),
        ("draft", State.DRAFT),
    ]
    assert [creative.id for creative in served.campaigns[0].creatives] == ["y"]
    assert [one.name for one in served.slots] == ["post-top"]
    everything = paused(made, stopped_by(made.catalog, [pause("*")], NOW)).catalog
    assert {one.state for one in everything.campaigns} == {State.PAUSED, State.DRAFT}
    assert paused(made, NOTHING_STOPPED) is made


def test_the_pauses_that_hold_a_campaign_are_named() -> None:
    def named(one: Campaign, *targets: str) -> list[str]:
        found = pauses_of(one, SLOTS, [pause(target) for target in targets])
        return [str(held.target) for held in found]

    a, b = BOOKED
    assert named(a, "a", "b", "advertiser:Brûlerie du Port", "*", "a/x", "slot:post-top") == [
        *("a", "advertiser:Brûlerie du Port", "*"),
        "slot:post-top",
    ]
    assert named(a, "a/x") == []
    assert named(a, "a/y", "a/x") == ["a/x", "a/y"]
    assert named(b, "slot:post-top") == []
    assert named(b, "slot:post-top", "slot:post-bottom") == ["slot:post-bottom", "slot:post-top"]


def test_a_pause_concerns_a_campaign_in_a_slot() -> None:
    a, b = BOOKED
    for target in ("a", "a/x", "slot:post-top", "*", "advertiser:Brûlerie du Port"):
        assert pause(target).concerns(a, "post-top")
    for target in ("b", "b/x", "slot:other", "advertiser:x"):
        assert not pause(target).concerns(a, "post-top")
    assert not pause("a/x").concerns(b, "post-top")


def test_many_are_stopped_in_small_steps() -> None:
    count = 2 * NAMES_A_STEP
    many = snapshot_of(*(campaign(f"c{n:04}") for n in range(count)))
    everybody = "advertiser:Brûlerie du Port"
    found = stopping(many.catalog, [pause(everybody)], NOW)
    assert sum(1 for _ in found) == count / CAMPAIGNS_A_STEP
    found = stopping(many.catalog, [pause(everybody), pause("slot:other")], NOW)
    assert sum(1 for _ in found) == count / WITH_SLOTS_A_STEP
    assert shown(many) == "c0000/carte"
    stopped = stopped_by(many.catalog, [pause(everybody)], NOW)
    steps = 2 + count / CHANGES_A_STEP
    assert sum(1 for _ in many.stopping(stopped)) == steps
    assert shown(many) == Reason.PAUSED


@pytest.mark.parametrize("target", ["*", "slot:post-top"])
def test_everything_is_stopped_at_once(target: str) -> None:
    many = snapshot_of(*(campaign(f"c{n:04}") for n in range(2 * NAMES_A_STEP)))
    stopped = stopped_by(many.catalog, [pause(target)], NOW)
    assert sum(1 for _ in many.stopping(stopped)) == 0
    assert shown(many) == Reason.PAUSED
    assert shown(stop(many)) == "c0000/carte"


# Whatever is paused, by which of its names, and when that ends.
NAMES = ("c0", "c1", "c2")
TARGETS = st.sampled_from(
    [
        *NAMES,
        *(f"{name}/{creative}" for name in NAMES for creative in ("t0", "t1")),
        *("advertiser:one", "advertiser:two", "slot:post-top", "slot:post-bottom", "*", "gone"),
    ]
)
PAUSES = st.lists(
    st.builds(pause, TARGETS, st.one_of(st.none(), MOMENTS)),
    max_size=4,
    unique_by=lambda one: one.target,
)
CREATIVES = {
    "t0": text_creative("t0"),
    "t1": image_creative("t1", image(728, 90)),
}


@st.composite
def written(draw: st.DrawFn) -> list[Campaign]:
    return [
        replace(
            draw(st.one_of(st.just(campaign()), campaigns())),
            name=name,
            advertiser=draw(st.sampled_from(["one", "two"])),
            tier=draw(st.sampled_from(Tier)),
            weight=draw(st.floats(0.01, 100)),
            slots=draw(st.sampled_from([("post-*",), ("post-top",), ("post-bottom",)])),
            creatives=tuple(
                CREATIVES[one] for one in draw(st.sampled_from([("t0",), ("t1",), ("t0", "t1")]))
            ),
            frequency=draw(st.sampled_from([None, Frequency(1, Period.HOUR)])),
            roadblock=draw(st.sampled_from([False, False, True])),
        )
        for name in NAMES
    ]


def told(decision: Decision) -> tuple[str, str, str, float]:
    placed = decision.placement
    if placed is None:
        return decision.slot, "", "", 0.0
    return decision.slot, placed.campaign.name, placed.creative.id, placed.weight


DRAWS = st.floats(0, 1, exclude_max=True)


@given(
    written(),
    st.lists(st.tuples(PAUSES, MOMENTS), min_size=1, max_size=3),
    st.tuples(DRAWS, DRAWS),
    st.sampled_from(Device),
    st.sets(st.sampled_from(NAMES)),
)
def test_a_snapshot_with_pauses_decides_as_one_of_what_is_left_and_by_the_plain_rules(
    booked: list[Campaign], turns, draws, device: Device, excluded: set[str]
) -> None:
    """Turn after turn, at any times: what was paused before is of no consequence."""
    slots = tuple(replace(one, on_empty=OnEmpty.HOUSE) for one in SLOTS)
    made = generation(catalog(slots=slots, campaigns=tuple(booked)))
    kept = compile_snapshot(made)
    context = Context(device=device, excluded=frozenset(excluded))
    for pauses, now in turns:
        stopped = stopped_by(made.catalog, pauses, now)
        finish(kept.stopping(stopped))
        left = compile_snapshot(paused(made, stopped))
        for number, one in enumerate(slots):
            decision = decide(kept, one.name, context, now, draws[number])
            if one.name not in stopped.slots:
                fresh = decide(left, one.name, context, now, draws[number])
                assert told(decision) == told(fresh)
            candidates = explain(kept, one.name, context, now, draws[number])
            won = {c.campaign for c in candidates if c.reason is Reason.WON}
            assert won == ({decision.placement.campaign.name} if decision.placement else set())
            held = {c for c in won if stopped.stops(c, one.name)}
            assert not held
            if not won:
                assert decision.reason is furthest({c.reason for c in candidates})
        if not stopped.slots:
            asked = [(one.name, context) for one in slots]
            page = decide_page(kept, asked, now, draws)
            assert [told(one) for one in page] == [
                told(one) for one in decide_page(left, asked, now, draws)
            ]
        later = stopped_by(made.catalog, pauses, stopped.until) if stopped.until < inf else None
        assert later is None or later != stopped or later.until > stopped.until

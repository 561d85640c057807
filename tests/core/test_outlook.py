"""What is expected of every campaign with a goal by now, in the shape of its own traffic."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from adserver.core.catalog import Campaign, Clause, Flight, Goal, Hours, Pace, State
from adserver.core.context import Context
from adserver.core.forecast import DAY_SECONDS, HOUR_SECONDS, History, learn
from adserver.core.outlook import Outlook, Outlooks
from adserver.core.pacing import Verdict
from adserver.core.reach import SAMPLES_A_STEP
from adserver.core.samples import Sample
from adserver.core.steps import ITEMS_PER_STEP, finish
from adserver.core.traffic import Traffic
from tests.factories import campaign, catalog, generation, site, slot

BEGIN = 1_793_577_600.0  # Monday 2 November 2026, 00:00 UTC
DAY = float(DAY_SECONDS)
FLIGHT = Flight(BEGIN, BEGIN + 10 * DAY, "UTC")


def learnt(days: int = 28, by_day: int = 100, by_night: int = 0) -> History:
    """Until BEGIN; requests an hour from noon to midnight, and from midnight to noon."""
    history = History()
    for hour in range(days * 24):
        begin = BEGIN - (days * 24 - hour) * HOUR_SECONDS
        history = learn(history, begin, by_day if hour % 24 >= 12 else by_night, "UTC")
    return history


KNOWN = Traffic(BEGIN, {1: learnt(), 2: learnt()}, BEGIN, {})


def goal(impressions: int = 6_000, **changes: Any) -> Campaign:
    return campaign(**{"goal": Goal(impressions=impressions), "flight": FLIGHT, **changes})


def outlooks(
    *campaigns: Campaign,
    days: float = 5.0,
    traffic: Traffic = KNOWN,
    samples: Mapping[int, list[Sample]] | None = None,
    delivered: int = 0,
) -> dict[str, Outlook]:
    live = generation(
        catalog(*campaigns, site=site(timezone="UTC"), slots=(slot(), slot("post-bottom")))
    )
    now = BEGIN + days * DAY
    made = finish(Outlooks.compiling(live, traffic, samples or {}, now))
    counted = {one.name: delivered for one in campaigns}
    return made.at({"impressions": counted, "clicks": counted}, now)


def only(one: Campaign, **asked: Any) -> Outlook:
    (found,) = outlooks(one, **asked).values()
    return found


def test_it_follows_the_traffic_and_not_the_clock() -> None:
    assert only(goal(), days=5.0, delivered=3_000) == (3_000, Verdict.ON_COURSE)
    assert only(goal(), days=5.5, delivered=3_000).expected == pytest.approx(3_000, rel=0.02)
    assert only(goal(), days=5.75, delivered=3_000).expected == pytest.approx(3_300, rel=0.02)


def test_a_verdict_says_where_it_is() -> None:
    verdicts = [
        (3_000, Verdict.ON_COURSE),
        (2_400, Verdict.BEHIND),
        (3_700, Verdict.AHEAD),
        (6_000, Verdict.DELIVERED),
    ]
    for delivered, verdict in verdicts:
        assert only(goal(), delivered=delivered) == (3_000, verdict)
    assert only(goal(), days=10, delivered=5_999) == (6_000, Verdict.SHORT)
    assert only(goal(), days=-1) == (0, Verdict.NOT_STARTED)


def test_what_is_left_may_be_out_of_reach_where_traffic_is_known() -> None:
    much = goal(30_000, slots=("post-top",))
    assert only(much, delivered=15_000).verdict is Verdict.OUT_OF_REACH
    week = Traffic(BEGIN, {1: learnt(3), 2: learnt(3)}, BEGIN, {})
    assert only(much, delivered=15_000, traffic=week).verdict is Verdict.ON_COURSE
    assert only(much, delivered=5_000, traffic=week).verdict is Verdict.BEHIND


def test_samples_say_which_of_the_traffic_it_may_have() -> None:
    tech = goal(10_000, targeting=(Clause("section", any=("tech",)),), slots=("post-top",))
    seen = [Sample(Context(facts=(("section", (s,)),)), 1.0) for s in ("tech", "x", "x", "x")]
    assert only(tech, delivered=5_000).verdict is Verdict.ON_COURSE
    assert only(tech, delivered=5_000, samples={1: seen}).verdict is Verdict.OUT_OF_REACH


def test_hours_have_their_own_course() -> None:
    afternoons = goal(hours=(Hours(tuple(range(7)), 12 * 60, 18 * 60),))
    assert only(afternoons, days=5.75).expected == pytest.approx(3_600, rel=0.02)


def test_the_buffer_is_no_promise() -> None:
    more = goal(buffer=Decimal("0.1"))
    assert only(more, delivered=3_300) == (3_300, Verdict.ON_COURSE)
    assert only(more, days=9.9, delivered=5_900).expected == 6_000
    assert only(more, delivered=6_000).verdict is Verdict.DELIVERED
    assert only(more, days=10, delivered=6_000).verdict is Verdict.DELIVERED


def test_clicks_come_in_the_same_shape() -> None:
    clicks = goal(goal=Goal(clicks=100))
    assert only(clicks, delivered=48) == (50, Verdict.ON_COURSE)


def test_a_slot_that_nobody_knows_has_a_course_by_the_clock() -> None:
    nothing = Traffic()
    assert only(goal(), days=5.0, traffic=nothing, delivered=3_000) == (3_000, Verdict.ON_COURSE)


def test_of_a_flight_without_beginning_only_the_end_is_told() -> None:
    open_ = goal(flight=Flight(None, BEGIN + 10 * DAY, "UTC"))
    assert only(open_, delivered=100) == (None, None)
    assert only(open_, delivered=6_000) == (None, Verdict.DELIVERED)
    assert only(open_, days=10, delivered=100) == (None, Verdict.SHORT)


def test_as_soon_as_possible_everything_is_expected() -> None:
    soon = goal(pacing=Pace.ASAP, flight=Flight(BEGIN, None, "UTC"), slots=("post-top",))
    after_two_days = only(soon, days=2, delivered=2_400)
    assert after_two_days.expected == pytest.approx(2_400, abs=2)
    assert after_two_days.verdict is Verdict.ON_COURSE
    assert only(soon, days=6, delivered=5_000).expected == 6_000
    clicks = goal(pacing=Pace.ASAP, goal=Goal(clicks=100))
    assert only(clicks, delivered=5) == (None, None)


def test_only_what_is_bought_by_number_is_judged() -> None:
    none = [
        goal(name="draft", state=State.DRAFT),
        campaign("share", goal=Goal(share=0.5)),
        campaign("weight"),
    ]
    assert outlooks(*none) == {}
    assert set(outlooks(goal(name="a"), goal(name="b", state=State.PAUSED))) == {"a", "b"}


def test_a_campaign_that_no_slot_takes_is_out_of_reach() -> None:
    assert only(goal(slots=("gone",)), days=5).verdict is Verdict.OUT_OF_REACH


def test_many_campaigns_and_samples_are_gone_through_in_small_steps() -> None:
    many = [goal(name=f"c{n:03}") for n in range(150)]
    live = generation(catalog(*many, site=site(timezone="UTC")))
    samples = {1: [Sample(Context(), 1.0) for _ in range(200)]}
    steps = 0
    making = Outlooks.compiling(live, KNOWN, samples, BEGIN + 5 * DAY)
    while True:
        try:
            next(making)
        except StopIteration as done:
            found = done.value.at({"impressions": {}, "clicks": {}}, BEGIN + 5 * DAY)
            break
        steps += 1
    assert len(found) == 150
    assert steps >= 200 // SAMPLES_A_STEP + 150 // ITEMS_PER_STEP

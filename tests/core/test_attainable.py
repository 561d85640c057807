"""How much of each goal can still be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from adserver.core.attainable import Attainable, attainable
from adserver.core.catalog import Campaign, Clause, Flight, Goal, Pace, State, Tier
from adserver.core.context import Context
from adserver.core.samples import Sample
from adserver.core.steps import ITEMS_PER_STEP, finish
from adserver.core.traffic import Traffic
from tests.core.test_outlook import BEGIN, DAY, FLIGHT, KNOWN, goal, learnt
from tests.factories import campaign, catalog, generation, site, slot

# Twelve hours a day have 100 requests each, in each of two slots.
A_DAY = 2 * 1_200


def found(
    *campaigns: Campaign,
    days: float = 0.0,
    traffic: Traffic = KNOWN,
    samples: Mapping[int, list[Sample]] | None = None,
    delivered: int = 0,
) -> dict[str, Attainable]:
    written = catalog(*campaigns, site=site(timezone="UTC"), slots=(slot(), slot("post-bottom")))
    counted = {one.name: delivered for one in campaigns}
    by_unit = {"impressions": counted, "clicks": counted}
    now = BEGIN + days * DAY
    return finish(attainable(generation(written), traffic, samples or {}, by_unit, now))


def of(one: Campaign, **asked: object) -> Attainable:
    return found(one, **asked)[one.name]


def test_all_that_comes_until_the_flight_ends_can_be_delivered() -> None:
    whole = of(goal(100_000))
    assert whole == Attainable(100_000, whole.expected, "impressions")
    assert whole.expected == pytest.approx(10 * A_DAY, rel=0.01)
    assert not whole.enough
    later = of(goal(100_000), days=5, delivered=7_000)
    assert later.expected == pytest.approx(5 * A_DAY + 7_000, rel=0.01)


def test_never_more_than_the_goal() -> None:
    assert of(goal(6_000)) == Attainable(6_000, 6_000, "impressions")
    assert of(goal(6_000)).enough


def test_a_flight_that_is_to_come_has_all_of_its_days() -> None:
    to_come = replace(FLIGHT, since=BEGIN + 8 * DAY)
    assert of(goal(100_000, flight=to_come)).expected == pytest.approx(2 * A_DAY, rel=0.01)
    open_ended = goal(100_000, flight=Flight(None, BEGIN + DAY, "UTC"))
    assert of(open_ended).expected == pytest.approx(A_DAY, rel=0.01)


def test_a_daily_limit_leaves_no_more_than_itself_of_each_day() -> None:
    assert of(goal(100_000, max_per_day=100)).expected == 1_000
    assert of(goal(100_000, max_per_day=100), days=9.5).expected == 100


def test_clicks_are_counted_in_clicks() -> None:
    clicks = of(goal(goal=Goal(clicks=100_000), pacing=Pace.ASAP))
    assert clicks.unit == "clicks"
    assert clicks.expected == pytest.approx(10 * A_DAY, rel=0.01)


def test_targeting_leaves_its_share_and_sponsorships_take_theirs() -> None:
    tech = Sample(Context(facts=(("section", ("tech",)),)), 1.0)
    samples = {number: [tech, Sample(Context(), 3.0)] for number in (1, 2)}
    wanted = goal(100_000, targeting=(Clause("section", any=("tech",)),))
    quarter = of(wanted, samples=samples).expected
    assert quarter == pytest.approx(10 * A_DAY / 4, rel=0.01)
    sponsor = campaign("sponsor", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    assert found(wanted, sponsor, samples=samples)[wanted.name].expected == pytest.approx(
        quarter / 2, rel=0.01
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"goal": None},
        {"state": State.DRAFT},
        {"state": State.PAUSED},
        {"flight": Flight(None, BEGIN, "UTC")},
    ],
)
def test_who_has_no_goal_or_is_not_shown_is_not_judged(changes: dict[str, object]) -> None:
    assert found(goal(**changes)) == {}


def test_of_slots_that_are_hardly_known_nothing_is_said() -> None:
    assert found(goal(), traffic=Traffic(BEGIN, {1: learnt(), 2: learnt(3)}, BEGIN, {})) == {}
    assert found(goal(slots=("nowhere",))) == {}


def test_of_few_days_only_what_is_far_off_is_said() -> None:
    few = Traffic(BEGIN, {1: learnt(), 2: learnt(3)}, BEGIN, {})
    far = found(goal(1_000_000), traffic=few)[goal().name]
    assert (far.days, far.short, far.far, far.enough) == (3, True, True, False)
    hours = Attainable(1_000, 50, "impressions", 0)
    assert not hours.far
    assert hours._replace(days=1).far
    assert hours._replace(goal=5_001).far


def test_many_are_told_in_steps() -> None:
    many = [goal(name=f"c{n}") for n in range(2 * ITEMS_PER_STEP)]
    assert len(found(*many)) == len(many)

"""What can still be sold: what comes, less what is sold, and how sure that is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.available import Available, Counted, Question, available
from adserver.core.bought import Bought, bought, delivered_by_unit
from adserver.core.catalog import (
    Campaign,
    Clause,
    Device,
    Flight,
    Goal,
    Hours,
    Pace,
    Size,
    State,
    Tier,
)
from adserver.core.context import Context
from adserver.core.deviation import Deviation, deviation_of
from adserver.core.events import Metric
from adserver.core.forecast import DAY_SECONDS, Clock, Forecast
from adserver.core.market import Market
from adserver.core.samples import Sample
from tests.factories import campaign, catalog, image_creative, slot

BEGIN = 1_793_577_600.0  # Monday 2 November 2026, 00:00 UTC
DAY = float(DAY_SECONDS)
EVEN = Forecast((100.0,) * 168, Clock((0.0,), (0.0,)))  # 2,400 a day
WEEK = Question("post-top", BEGIN, BEGIN + 7 * DAY)
SLOTS = (slot(), slot("post-bottom"))
HALVES = [
    Sample(Context(facts=(("section", (section,)),)), weight)
    for section, weight in (("tech", 100.0), ("culture", 300.0))
    for _ in range(50)
]
TECH = (Clause("section", any=("tech",)),)
SURE = Counted({}, 1.0, Deviation(0.0, 0.0), 1e9)


def flight(first: float, last: float) -> Flight:
    """Days from BEGIN."""
    return Flight(BEGIN + first * DAY, BEGIN + last * DAY, "UTC")


def goal(name: str = "goal", impressions: int = 8_400, **changes: Any) -> Campaign:
    plain = campaign(
        name, goal=Goal(impressions=impressions), flight=flight(0, 14), slots=("post-top",)
    )
    return replace(plain, **changes)


def sponsor(name: str = "sponsor", share: float = 0.5, **changes: Any) -> Campaign:
    return campaign(name, tier=Tier.SPONSORSHIP, goal=Goal(share=share), **changes)


def ask(
    *campaigns: Campaign,
    question: Question = WEEK,
    counted: Counted = SURE,
    now: float = BEGIN,
    samples: Sequence[Sample] = HALVES,
    slots: Any = SLOTS,
) -> Available:
    sold = replace(catalog(*campaigns, slots=slots), campaigns=campaigns)
    left = {
        one.name: float(order.most)
        for one in campaigns
        if (order := bought(one)) and order.metric is Metric.IMPRESSION
    }
    by_slot = {one.name: samples for one in slots}
    market = Market(sold, {one.name: EVEN for one in slots}, by_slot, now)
    return available(market, question, replace(counted, left=left | dict(counted.left)), now)


def takes(*campaigns: Campaign, **asked: Any) -> dict[str, float]:
    return {one.campaign.name: one.takes for one in ask(*campaigns, **asked).competitors}


def test_of_a_slot_that_nobody_has_bought_all_that_comes_can_be_sold() -> None:
    found = ask()
    assert (found.requests, found.share, found.available) == (pytest.approx(16_800), 1, 16_800)
    assert found.low == found.high == found.available
    assert found.competitors == ()


def test_what_is_wanted_is_a_share_of_it_and_what_is_shown_of_that() -> None:
    wish = replace(WEEK, targeting=TECH)
    found = ask(question=wish, counted=replace(SURE, shown=0.9))
    assert found.share == pytest.approx(0.25)
    assert found.supply == found.available == pytest.approx(16_800 * 0.25 * 0.9)


def test_only_what_is_to_come_can_be_sold() -> None:
    assert ask(now=BEGIN + 6 * DAY).available == pytest.approx(2_400)


def test_a_sponsorship_has_its_share_of_what_it_may_have() -> None:
    assert takes(sponsor()) == {"sponsor": pytest.approx(8_400)}
    assert takes(sponsor(targeting=TECH)) == {"sponsor": pytest.approx(2_100)}
    assert ask(sponsor()).available == pytest.approx(8_400)
    assert takes(sponsor(flight=flight(6, 20))) == {"sponsor": pytest.approx(1_200)}
    both = ask(sponsor("a", 0.8), sponsor("b", 0.8))
    assert both.available == 0
    assert [one.takes for one in both.competitors] == [pytest.approx(8_400)] * 2


def test_a_goal_takes_what_is_left_of_it_where_its_supply_is() -> None:
    assert takes(goal()) == {"goal": pytest.approx(4_200)}, "half of its days lie in the week"
    assert takes(goal(slots=("*",))) == {"goal": pytest.approx(2_100)}, "and half of its slots"
    assert takes(goal(targeting=TECH), question=replace(WEEK, targeting=TECH)) == {
        "goal": pytest.approx(4_200)
    }
    wide = takes(goal(), question=replace(WEEK, targeting=TECH))
    assert wide == {"goal": pytest.approx(1_050)}, "a quarter of its pages"
    after = takes(goal(), counted=replace(SURE, left={"goal": 840.0}))
    assert after == {"goal": pytest.approx(420)}, "the rest is delivered"


def test_sponsorships_come_first_and_goals_share_what_they_leave() -> None:
    found = ask(sponsor(share=0.5), goal(impressions=8_400))
    assert {one.campaign.name: one.takes for one in found.competitors} == {
        "sponsor": pytest.approx(8_400),
        "goal": pytest.approx(4_200),
    }
    assert found.available == pytest.approx(4_200)


def test_a_goal_of_which_some_is_not_shown_takes_more_requests() -> None:
    found = ask(goal(), counted=replace(SURE, shown=0.5))
    assert found.competitors[0].takes == pytest.approx(4_200)
    assert found.available == pytest.approx(8_400 - 4_200)


def test_nobody_takes_more_than_there_is() -> None:
    found = ask(goal(impressions=1_000_000))
    assert (found.available, found.low, found.high) == (0, 0, 0)
    assert found.competitors[0].takes == pytest.approx(16_800)


def test_asap_takes_what_comes_first() -> None:
    soon = goal(pacing=Pace.ASAP, impressions=9_600, flight=flight(0, 28))
    first = replace(WEEK, until=BEGIN + 3 * DAY)
    assert takes(soon, question=first) == {"goal": pytest.approx(7_200)}
    then = Question("post-top", BEGIN + 3 * DAY, BEGIN + 10 * DAY)
    assert takes(soon, question=then) == {"goal": pytest.approx(2_400)}
    later = Question("post-top", BEGIN + 4 * DAY, BEGIN + 11 * DAY)
    assert takes(soon, question=later) == {"goal": 0.0}


def test_an_open_flight_is_as_long_as_a_year() -> None:
    open_ended = goal(pacing=Pace.EVEN, flight=Flight(None, None, "UTC"), impressions=8_784)
    assert takes(open_ended)["goal"] == pytest.approx(8_784 * 7 / 373)


def test_clicks_whose_price_in_impressions_nobody_knows_want_all_of_theirs() -> None:
    clicks = goal(goal=Goal(clicks=10))
    assert takes(clicks, counted=replace(SURE, left={"goal": None})) == {
        "goal": pytest.approx(16_800)
    }


def test_a_standard_campaign_without_goal_has_what_is_left() -> None:
    found = ask(campaign("weights"))
    assert takes(campaign("weights")) == {"weights": 0.0}
    assert found.available == pytest.approx(16_800)


@pytest.mark.parametrize(
    "other",
    [
        goal(state=State.DRAFT),
        goal(flight=flight(-7, 0)),
        goal(flight=flight(7, 14)),
        goal(targeting=(Clause("section", any=("culture",)),)),
        goal(slots=("post-bottom",)),
        goal(hours=(Hours((0,), 0, 0),)),
        campaign("rest", tier=Tier.REMNANT),
        campaign("own", tier=Tier.HOUSE),
    ],
)
def test_who_can_have_none_of_it_does_not_compete(other: Campaign) -> None:
    assert takes(other, question=replace(WEEK, targeting=TECH)) == {}


def test_who_is_paused_still_has_bought() -> None:
    assert takes(goal(state=State.PAUSED)) == {"goal": pytest.approx(4_200)}


def test_hours_are_part_of_the_day() -> None:
    mornings = goal(hours=(Hours(tuple(range(7)), 0, 720),), impressions=1_000_000)
    assert takes(mornings) == {"goal": pytest.approx(8_400)}
    half = sponsor(hours=(Hours(tuple(range(7)), 0, 720),))
    assert takes(half) == {"sponsor": pytest.approx(4_200)}


def test_a_campaign_without_creative_for_a_device_leaves_it() -> None:
    wide = slot(sizes={Device.DESKTOP: Size(970, 250), Device.MOBILE: Size(320, 100)})
    banner = goal(creatives=(image_creative(),), impressions=10_000_000)
    readers = [Sample(Context(device=device), 1.0) for device in Device]
    found = ask(banner, slots=(wide,), samples=readers)
    assert found.available == pytest.approx(8_400)


def test_a_small_sample_and_restless_weeks_make_the_range_wide() -> None:
    wish = replace(WEEK, targeting=TECH)
    by_sample = ask(question=wish, counted=replace(SURE, samples=100))
    assert by_sample.high - by_sample.available == pytest.approx(
        by_sample.available - by_sample.low
    )
    assert 0.15 < (by_sample.high / by_sample.available - 1) < 0.25
    by_weeks = ask(sponsor(), counted=replace(SURE, deviation=Deviation(0.1, 0.0)))
    assert by_weeks.high / by_weeks.available - 1 == pytest.approx(0.1282, rel=0.01)


@given(
    st.lists(st.integers(1, 30_000), max_size=4),
    st.integers(0, 20_000),
    st.floats(0.1, 1),
    st.floats(0, 0.4),
)
def test_more_sold_is_never_more_left(
    goals: list[int], more: int, shown: float, deviation: float
) -> None:
    counted = replace(SURE, shown=shown, deviation=Deviation(deviation, 0.0))
    sold = [goal(f"g{n}", size) for n, size in enumerate(goals)]
    before = ask(*sold, counted=counted)
    after = ask(*sold, goal("more", more + 1), counted=counted)
    assert after.available <= before.available + 1e-6
    assert 0 <= after.low <= after.available + 1e-6 <= after.high + 2e-6
    taken = sum(one.takes for one in after.competitors)
    assert after.available == pytest.approx(max(0.0, after.supply - taken))


def test_eight_ranges_in_ten_hold() -> None:
    """In worlds whose weeks and days differ, and whose samples are drawn at random."""
    draw, held, worlds = random.Random(7), 0, 400
    wish = replace(WEEK, until=BEGIN + 28 * DAY, targeting=TECH)
    for _ in range(worlds):

        def week(draw: random.Random = draw) -> list[float]:
            level = draw.gauss(1.0, 0.12)
            return [2_400 * max(0.0, level + draw.gauss(0.0, 0.2)) for _ in range(7)]

        past = [day for _ in range(6) for day in week()]
        mean = sum(past) / len(past)
        deviation = deviation_of([(day, mean) for day in past])
        share = draw.uniform(0.05, 0.5)
        seen = [
            Sample(Context(facts=(("section", ("tech" if draw.random() < share else "x",)),)), 1.0)
            for _ in range(300)
        ]
        forecast = Forecast((mean / 24,) * 168, Clock((0.0,), (0.0,)))
        market = Market(
            replace(catalog(slots=SLOTS), campaigns=()),
            {"post-top": forecast, "post-bottom": forecast},
            {"post-top": seen},
            BEGIN,
        )
        found = available(market, wish, Counted({}, 1.0, deviation, 300), BEGIN)
        truth = share * sum(day for _ in range(4) for day in week())
        held += found.low <= truth <= found.high
    assert 0.76 <= held / worlds <= 0.97


def test_what_is_bought_is_a_number_with_its_buffer() -> None:
    assert bought(campaign()) is None
    assert bought(sponsor()) is None
    assert bought(goal(buffer=Decimal("0.035"))) == Bought(Metric.IMPRESSION, 8_400, 8_694)
    clicks = bought(goal(goal=Goal(clicks=99), buffer=Decimal("0.03")))
    assert clicks == Bought(Metric.CLICK, 99, 101)
    assert clicks.unit == "clicks"


def test_delivered_is_that_of_all_creatives_that_a_campaign_ever_had() -> None:
    numbers = {"creative/a/old": 1, "creative/a/new": 2, "creative/b/x": 3, "slot/a": 1}
    counted = {(Metric.IMPRESSION, 1): 5, (Metric.IMPRESSION, 2): 6, (Metric.CLICK, 3): 7}
    assert delivered_by_unit(numbers, counted) == {
        "impressions": {"a": 11, "b": 0},
        "clicks": {"a": 0, "b": 7},
    }

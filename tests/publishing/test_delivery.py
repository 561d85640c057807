"""How far campaigns are, found out once: the room of those with limits, the rate of goals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adserver.core.catalog import Campaign, Flight, Goal, Pace, Price, Tier
from adserver.core.context import Context
from adserver.core.decision import Candidate
from adserver.core.ports.commands import Reserved
from adserver.core.reasons import Reason
from adserver.publishing.delivery import Delivery, delivery
from adserver.publishing.why import Question, why
from tests.factories import NOW, ZONE, campaign, catalog, generation
from tests.memory import MemoryLeases, MemorySamples, MemoryTraffic, store

DAY = 86_400
HERE = Question("post-top", Context(), NOW)
MIDNIGHT = int(NOW) - 10 * 3_600
TODAY = (MIDNIGHT, MIDNIGHT + DAY)
MONTH = Flight(NOW - 14 * DAY, NOW + 14 * DAY, ZONE)


def far(
    *booked: Campaign,
    impressions: dict[str, int] | None = None,
    clicks: dict[str, int] | None = None,
    at: float = NOW,
    **kept: Reserved,
) -> Delivery:
    live = generation(catalog(*booked))
    traffic = MemoryTraffic()
    traffic.learn(lambda hour: 120, days=28)
    by_unit = {"impressions": impressions or {}, "clicks": clicks or {}}
    numbers = {live.numbers[f"campaign/{name}"]: one for name, one in kept.items()}
    return delivery(live, by_unit, MemoryLeases(numbers), traffic, MemorySamples(), at=at, now=NOW)


def told(*booked: Campaign, question: Question = HERE, **known: object) -> dict[str, Candidate]:
    delivered = far(*booked, at=question.at, **known)
    answer = why(generation(catalog(*booked)), question, delivered)
    return {candidate.campaign: candidate for candidate in answer.candidates}


def goal(name: str = "a", impressions: int = 40_320, **changes: object) -> Campaign:
    return campaign(name, **{"goal": Goal(impressions=impressions), "flight": MONTH, **changes})


@pytest.mark.parametrize(
    ("booked", "known", "reason", "detail"),
    [
        (goal(), {"impressions": {"a": 40_320}}, Reason.GOAL_MET, "40,320 of 40,320 delivered"),
        (
            goal(),
            {"impressions": {"a": 40_310}, "a": Reserved(10)},
            Reason.GOAL_MET,
            "40,310 of 40,320 delivered, 10 on their way",
        ),
        (
            goal(goal=Goal(clicks=7)),
            {"clicks": {"a": 7}},
            Reason.GOAL_MET,
            "7 of 7 clicks delivered",
        ),
        (
            goal(max_per_day=6_000),
            {"impressions": {"a": 9_000}, "a": Reserved(12, 6_000, TODAY)},
            Reason.DAY_FULL,
            "6,000 of 6,000 today",
        ),
        (
            campaign("a", tier=Tier.REMNANT, max_total=30),
            {"impressions": {"a": 30}},
            Reason.GOAL_MET,
            "30 of 30 delivered",
        ),
    ],
)
def test_a_limit_that_is_reached_says_which_and_how(booked, known, reason, detail) -> None:
    one = told(booked, **known)["a"]
    assert (one.reason, one.detail, one.probability) == (reason, detail, 0.0)


def test_a_day_that_is_over_does_not_count() -> None:
    full = {"a": Reserved(0, 6_000, TODAY)}
    tomorrow = replace(HERE, at=NOW + DAY)
    assert told(goal(max_per_day=6_000), **full)["a"].reason is Reason.DAY_FULL
    one = told(goal(max_per_day=6_000), question=tomorrow, **full)["a"]
    assert one.reason is Reason.WON
    assert ", 0 of 6,000 today, " in one.detail


def test_nobody_who_has_no_limit_has_a_room() -> None:
    assert far(campaign("a")) == Delivery()


def test_what_is_free_is_what_neither_limit_has_used_up() -> None:
    room = far(goal(max_per_day=50), impressions={"a": 40_000}, a=Reserved(20, 45, TODAY)).rooms[
        "a"
    ]
    assert (room.free, room.free_today, room.left) == (300, 5, 5)
    assert (room.delivered, room.reserved, room.today, room.shown) == (40_000, 20, 45, 40_000)


def test_a_goal_says_its_rate_and_what_it_is_reckoned_from() -> None:
    candidates = told(
        goal(), campaign("z", tier=Tier.REMNANT), impressions={"a": 20_000}, a=Reserved(160)
    )
    one = candidates["a"]
    rate = one.probability
    assert one.reason is Reason.WON
    assert 0.5 < rate < 1.0
    assert one.detail == (
        f"rate {round(rate * 100, 2):g}%: 20,000 of 40,320 delivered, 160 on their way, "
        "20,160 due by now; 20,160 left of 40,320 requests to come"
    )
    left = candidates["z"]
    assert left.reason is Reason.LOST_DRAW
    percent = f"{round((1 - rate) * 100, 2):g}%"
    assert left.detail == f"nobody else in its tier, in the {percent} that goals leave"


def test_whoever_wins_nothing_but_by_its_rate_is_paced() -> None:
    one = told(goal(impressions=400), campaign("z", tier=Tier.REMNANT))["a"]
    assert one.reason is Reason.PACED
    assert one.detail.startswith("rate ")


def test_what_sponsorships_and_goals_leave_is_told_together() -> None:
    half = campaign("s", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    candidates = told(half, goal(impressions=10_000), campaign("z"), impressions={"a": 6_000})
    assert candidates["s"].detail == "a share of 50%"
    assert candidates["a"].detail.startswith("rate ")
    assert candidates["z"].detail.endswith("% that sponsorships and goals leave")


def test_scarcer_ones_cut_what_reaches_beyond_the_whole() -> None:
    scarce = goal("a", impressions=10**6, flight=replace(MONTH, until=NOW + DAY))
    candidates = told(scarce, goal("b", impressions=10**6), campaign("c"))
    assert candidates["a"].detail.startswith("rate 100%: ")
    assert candidates["b"].detail.startswith("rate 100%, 0% after scarcer ones: ")
    assert (candidates["c"].reason, candidates["c"].detail) == (
        Reason.OUTRANKED,
        "goals come before what has none",
    )


def test_clicks_are_reckoned_in_clicks() -> None:
    one = told(goal(goal=Goal(clicks=100)), clicks={"a": 40}, impressions={"a": 39_000})["a"]
    assert ": 40 of 100 clicks delivered, 50 due by now; 60 left of 41 clicks to come" in one.detail


def test_nothing_is_due_of_a_flight_without_a_beginning() -> None:
    one = told(goal(flight=Flight(None, NOW + DAY, ZONE)), impressions={"a": 39_000})["a"]
    assert ": 39,000 of 40,320 delivered; 1,320 left of 2,880 requests to come" in one.detail


def test_as_soon_as_possible_is_a_rate_of_one() -> None:
    one = told(goal(pacing=Pace.ASAP, impressions=400))["a"]
    assert one.detail == (
        "rate 100%: 0 of 400 delivered, 400 due by now; 400 left of 40,320 requests to come"
    )


def test_another_time_is_reckoned_with_what_is_counted_now() -> None:
    later = replace(HERE, at=NOW + 7 * DAY)
    one = told(goal(), question=later, impressions={"a": 20_160})["a"]
    assert "20,160 of 40,320 delivered, 30,240 due by now; 20,160 left of 20,160" in one.detail


def test_without_delivery_a_goal_is_told_by_its_share() -> None:
    (one,) = why(generation(catalog(goal(price=Price(flat=None)))), HERE).candidates
    assert (one.reason, one.detail) == (Reason.WON, "rate 100%")


def test_another_time_knows_nothing_of_the_last_hours() -> None:
    live = store(catalog(goal()))
    live.traffic.learn(lambda hour: 120, days=28)
    usual = live.traffic.traffic((), NOW).as_usual(NOW + DAY)
    assert usual.counted_from == NOW + DAY
    assert usual.history(1).recent == usual.history(1).promised == 0.0
    assert usual.history(1).requests == live.traffic.histories[1].requests

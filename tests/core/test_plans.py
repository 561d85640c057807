"""The rates of all campaigns with goals: by what is known of traffic, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core import columns
from adserver.core.catalog import Campaign, Clause, Flight, Goal, Hours, Pace, State, Tier
from adserver.core.columns import Standing, rate_of
from adserver.core.context import Context
from adserver.core.forecast import DAY_SECONDS, HOUR_SECONDS
from adserver.core.outlook import HORIZON_SECONDS
from adserver.core.pacing import AHEAD, presents
from adserver.core.plans import Plans, takes_part
from adserver.core.rates import Rates
from adserver.core.samples import Sample
from adserver.core.steps import ITEMS_PER_STEP, Steps, finish
from adserver.core.traffic import Traffic
from tests.core.test_outlook import BEGIN, DAY, FLIGHT, KNOWN, learnt
from tests.factories import campaign, catalog, generation, site, slot

# Of a slot: a hundred requests an hour from noon to midnight.
A_DAY = 1_200


def sold(impressions: int = 6_000, **changes: Any) -> Campaign:
    """Ten days of one slot, half of its traffic."""
    plain = {"goal": Goal(impressions=impressions), "flight": FLIGHT, "slots": ("post-top",)}
    return campaign(**{**plain, **changes})


def planned(
    *campaigns: Campaign,
    days: float = 0.0,
    traffic: Traffic = KNOWN,
    samples: Mapping[int, Sequence[Sample]] | None = None,
    standings: Mapping[str, Standing] | None = None,
) -> Plans:
    slots = (slot(), slot("post-bottom"))
    live = generation(catalog(*campaigns, site=site(timezone="UTC"), slots=slots))
    now = BEGIN + days * DAY
    return finish(Plans.compiling(live, traffic, samples or {}, standings or {}, now))


def rates(*campaigns: Campaign, days: float = 0.0, **told: Any) -> Rates:
    standings = told.get("standings") or {}
    return finish(planned(*campaigns, days=days, **told).rates(standings, BEGIN + days * DAY))


def rate(one: Campaign, standing: Standing | None = None, **told: Any) -> float:
    standings = {one.name: standing} if standing else {}
    return rates(one, standings=standings, **told).rate(one.name)


def test_a_campaign_takes_its_part_of_what_it_may_have() -> None:
    assert rate(sold()) == pytest.approx(AHEAD * 6_000 / (10 * A_DAY), rel=0.01)
    both = sold(slots=("*",))
    assert rate(both) == pytest.approx(AHEAD * 6_000 / (20 * A_DAY), rel=0.01)


def test_behind_it_takes_more_ahead_less_and_nothing_beyond_its_goal() -> None:
    behind, on_course, ahead = (
        rate(sold(), Standing(delivered), days=5) for delivered in (2_900, 3_090, 3_300)
    )
    assert behind > 1.5 * on_course > 2 * ahead > 0
    assert rate(sold(), Standing(2_900, reserved=190), days=5) == pytest.approx(on_course)
    assert rate(sold(), Standing(6_000), days=5) == 0
    assert rate(sold(), Standing(5_990, reserved=10), days=5) == 0


def test_samples_and_sponsorships_leave_it_less_to_choose_from() -> None:
    tech = sold(1_500, targeting=(Clause("section", any=("tech",)),))
    half = campaign("half", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    seen = [Sample(Context(facts=(("section", (s,)),)), 1.0) for s in ("tech", "x", "x", "x")]
    alone = rate(tech)
    assert rate(tech, samples={1: seen}) == pytest.approx(4 * alone)
    assert rates(tech, half).rate(tech.name) == pytest.approx(2 * alone)


def test_only_who_has_a_number_to_reach_in_time_takes_part() -> None:
    others = [
        campaign("share", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5)),
        campaign("weight"),
        campaign("limited", tier=Tier.REMNANT, max_total=100, max_per_day=10),
        sold(name="draft", state=State.DRAFT),
        sold(name="ended", flight=Flight(BEGIN - DAY, BEGIN, "UTC")),
    ]
    found = rates(*others, sold(name="sold"), sold(0, name="nothing"))
    assert set(found.rates) == {"sold"}
    assert found.rate("weight") == 1.0, "nobody says that it may wait"
    assert [one.name for one in others if takes_part(one, BEGIN)] == []


def test_who_is_paused_or_has_not_begun_has_its_rate_ready() -> None:
    later = sold(flight=Flight(BEGIN + DAY / 24, BEGIN + 10 * DAY, "UTC"))
    assert rate(later) == 0
    assert finish(planned(later).rates({}, BEGIN + DAY / 24)).rate(later.name) > 0
    assert rate(sold(state=State.PAUSED)) == rate(sold())


def test_a_flight_without_a_beginning_is_spread_over_what_is_left_of_it() -> None:
    open_ = sold(flight=Flight(None, BEGIN + 10 * DAY, "UTC"))
    before = Standing(4_000)
    assert rate(open_, before, days=5) == pytest.approx(AHEAD * 2_000 / (5 * A_DAY), rel=0.01)
    assert rate(open_, Standing(6_000), days=5) == 0, "nothing is left of it"
    plans = planned(open_, days=5, standings={open_.name: before})
    at_noon = [
        finish(plans.rates({open_.name: Standing(delivered)}, BEGIN + 5.5 * DAY)).rate(open_.name)
        for delivered in (4_000, 4_030, 6_000)
    ]
    assert at_noon[0] > at_noon[1] > at_noon[2] == 0


def test_a_flight_without_an_end_is_spread_over_a_year() -> None:
    year = HORIZON_SECONDS / DAY_SECONDS
    endless = sold(36_600, flight=Flight(BEGIN, None, "UTC"))
    assert rate(endless) == pytest.approx(AHEAD * 36_600 / (year * A_DAY), rel=0.01)
    # From now on: it has no end that would come nearer.
    assert rate(endless, Standing(3_660), days=36.6) == pytest.approx(
        AHEAD * (36_600 - 3_660) / (year * A_DAY), rel=0.2
    )


def test_clicks_are_forecast_from_the_campaigns_own() -> None:
    clicks = sold(goal=Goal(clicks=6), slots=("*",))
    assert rate(clicks) == pytest.approx(AHEAD * 6 / (20 * A_DAY * 0.001), rel=0.01)
    # By now one in a hundred: (1 + 99) / (1,000 + 9,000).
    often = Standing(99, shown=9_000)
    more = sold(goal=Goal(clicks=159), slots=("*",))
    assert rate(more, often) == pytest.approx(
        (159 - 99) / (20 * A_DAY * 0.01 / AHEAD) * 0.223, rel=0.01
    )


def test_as_soon_as_possible_is_all_of_it() -> None:
    assert rate(sold(pacing=Pace.ASAP)) == 1.0
    assert rate(sold(pacing=Pace.ASAP), Standing(6_000)) == 0.0


def test_a_daily_limit_has_a_course_of_its_own_until_midnight() -> None:
    capped = sold(12_000, max_per_day=120)
    assert rate(capped) == pytest.approx(AHEAD * 120 / A_DAY, rel=0.01)
    assert rate(capped, Standing(120, today=120)) == 0
    assert planned(sold()).good_until == float("inf")
    paris = sold(name="paris", max_per_day=9, flight=replace(FLIGHT, timezone="Europe/Paris"))
    assert planned(capped, days=0.5).good_until == BEGIN + DAY
    assert planned(paris, capped, days=0.5).good_until == BEGIN + 23 * HOUR_SECONDS


def test_hours_have_a_supply_of_their_own() -> None:
    evenings = sold(1_500, hours=(Hours(tuple(range(7)), 21 * 60, 24 * 60),))
    assert rate(evenings) == pytest.approx(AHEAD * 1_500 / (10 * 300), rel=0.01)


def test_ranks_are_the_order_of_scarcity() -> None:
    whole, few = sold(name="a", slots=("*",)), sold(name="c", flight=replace(FLIGHT))
    fewest = sold(1, name="b", flight=Flight(BEGIN, BEGIN + DAY, "UTC"))
    found = rates(whole, few, fewest)
    assert sorted(found.ranks, key=found.rank) == ["b", "c", "a"]
    assert found.rank("nobody") == 0


def test_a_spike_lowers_rates_and_a_slump_raises_them() -> None:
    short = sold(600, flight=Flight(BEGIN, BEGIN + DAY, "UTC"))
    plans, now, seen = planned(short), BEGIN + 0.6 * DAY, []
    for requests in (720, 240, 72):
        plans.follow(replace(KNOWN, since={1: requests}), now)
        seen.append(finish(plans.rates({short.name: Standing(140)}, now)).rate(short.name))
    assert seen[0] < 0.75 * seen[1] < 0.75 * seen[2]


def test_without_any_traffic_goals_are_spread_by_the_clock() -> None:
    assert 0 < rate(sold(), traffic=Traffic()) <= 1
    assert rate(sold(slots=("gone",))) == 1.0, "it takes whatever there is"


NUMBERS = st.integers(0, 20_000)
STANDINGS = st.builds(Standing, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@st.composite
def sales(draw: st.DrawFn) -> list[Campaign]:
    """Campaigns with goals of every kind, as they may stand in one catalog."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        since = draw(st.sampled_from([None, BEGIN - 3 * DAY, BEGIN, BEGIN + 2 * DAY]))
        until = draw(st.sampled_from([None, BEGIN + 3 * DAY, BEGIN + 30 * DAY]))
        many = draw(st.integers(1, 20_000))
        goal = draw(st.sampled_from([Goal(impressions=many), Goal(clicks=many)]))
        one = sold(
            name=f"c{number}",
            goal=goal,
            flight=Flight(since, until, draw(st.sampled_from(["UTC", "Asia/Kolkata"]))),
            slots=draw(st.sampled_from([("*",), ("post-top",), ("post-bottom",), ("gone",)])),
            pacing=draw(st.sampled_from(Pace)),
            max_per_day=draw(st.sampled_from([0, 0, 50])),
        )
        found.append(one)
    return found


@given(sales(), st.lists(STANDINGS, min_size=5, max_size=5), st.floats(-1, 9), st.randoms())
def test_whatever_was_sold_rates_are_probabilities_and_the_order_of_files_does_not_matter(
    campaigns: list[Campaign], standings: list[Standing], days: float, random: Any
) -> None:
    told = {f"c{n}": standing for n, standing in enumerate(standings)}
    found = rates(*campaigns, days=days, standings=told)
    assert set(found.rates) == {
        one.name for one in campaigns if takes_part(one, BEGIN + days * DAY)
    }
    assert all(0 <= one <= 1 for one in found.rates.values())
    assert sorted(found.ranks.values()) == list(range(len(found.rates)))
    shuffled = campaigns[:]
    random.shuffle(shuffled)
    assert rates(*shuffled, days=days, standings=told) == found


@given(sales(), st.lists(STANDINGS, min_size=5, max_size=5), st.floats(-1, 40))
def test_rates_of_many_are_those_of_each_plan(
    campaigns: list[Campaign], standings: list[Standing], days: float
) -> None:
    told = {f"c{n}": standing for n, standing in enumerate(standings)}
    plans, now = planned(*campaigns, standings=told), BEGIN + days * DAY
    plans.follow(replace(KNOWN, since={1: 300}), now)
    columns, at = plans._columns, presents(plans._forecasts, now)
    each = {
        name: rate_of(columns.plan(number), told[name], at, now)
        for number, name in enumerate(columns.names)
    }
    assert finish(plans.rates(told, now)).rates == each


def steps_of(steps: Steps[Any]) -> int:
    many = 0
    while True:
        try:
            next(steps)
        except StopIteration:
            return many
        many += 1


def test_many_campaigns_are_gone_through_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "RATED_A_STEP", 100)
    many = [sold(name=f"c{n:03}") for n in range(250)]
    live = generation(catalog(*many, site=site(timezone="UTC")))
    compiling = Plans.compiling(live, Traffic(BEGIN, {1: learnt()}, BEGIN, {}), {}, {}, BEGIN)
    assert steps_of(compiling) >= 250 // ITEMS_PER_STEP
    assert steps_of(planned(*many).rates({}, BEGIN)) == 3

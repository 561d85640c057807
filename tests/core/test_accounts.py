"""What is told to people of a goal: the numbers that its rate is reckoned from."""

from __future__ import annotations

import pytest

from adserver.core.catalog import Flight, Goal
from adserver.core.columns import Standing
from adserver.core.forecast import DAY_SECONDS, HOURS_A_WEEK, History
from adserver.core.goals import Unit
from adserver.core.plans import Account, Plans
from adserver.core.steps import finish
from adserver.core.traffic import Traffic
from tests.factories import NOW, campaign, catalog, generation

WEEKS_KNOWN = 8.0
HOURLY = 120.0
FLAT = History((HOURLY * WEEKS_KNOWN,) * HOURS_A_WEEK, (WEEKS_KNOWN,) * HOURS_A_WEEK, through=NOW)
TRAFFIC = Traffic(NOW, {1: FLAT}, NOW)
TEN_DAYS = Flight(NOW - 5 * DAY_SECONDS, NOW + 5 * DAY_SECONDS, "UTC")
REQUESTS = 2_880 * 10


def plans(*booked, traffic=TRAFFIC, **standings) -> Plans:
    live = generation(catalog(*booked))
    return finish(Plans.compiling(live, traffic, {}, standings, NOW))


def goal(name="a", impressions=10_000, **changes):
    return campaign(name, **{"goal": Goal(impressions=impressions), "flight": TEN_DAYS, **changes})


def rates(of: Plans, now=NOW, **standings) -> dict[str, float]:
    return dict(finish(of.rates(standings, now)).rates)


def test_an_account_has_the_numbers_behind_a_rate() -> None:
    made = plans(goal(max_per_day=2_000))
    standing = Standing(4_000, 50, 900, 4_000)
    told = made.accounts({"a": standing}, NOW)["a"]
    assert told == Account(
        rate=rates(made, a=standing)["a"],
        unit=Unit.IMPRESSIONS,
        goal=10_000,
        delivered=4_000,
        reserved=50,
        due=5_000,
        left=5_950,
        supply=pytest.approx(REQUESTS / 2, rel=0.02),
        today=900,
        a_day=2_000,
    )


def test_an_open_flight_is_spread_over_what_is_left_and_nothing_is_due() -> None:
    open_ = goal(flight=Flight(None, NOW + DAY_SECONDS, "UTC"))
    made = plans(open_, a=Standing(9_000))
    told = made.accounts({"a": Standing(9_000)}, NOW)["a"]
    assert (told.goal, told.due, told.left, told.today) == (10_000, None, 1_000, None)
    assert told.rate == pytest.approx(1_000 / 2_880, rel=0.1)


def test_nobody_who_was_not_heard_of_has_delivered_anything() -> None:
    assert plans(goal()).accounts({}, NOW)["a"].delivered == 0


def test_clicks_are_forecast_from_the_campaigns_own() -> None:
    clicked = Standing(100, shown=9_000)
    made = plans(goal(goal=Goal(clicks=500)), a=clicked)
    told = made.accounts({"a": clicked}, NOW)["a"]
    assert told.unit is Unit.CLICKS
    assert told.supply == pytest.approx(REQUESTS / 2 * 101 / 10_000, rel=0.05)

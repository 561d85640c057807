"""How wide a forecast is: as wide as weeks and days have differed, and as the sample is small."""

from __future__ import annotations

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.deviation import (
    ALPHA,
    DEVIATIONS,
    WEEKLY_UNKNOWN,
    Deviation,
    deviation_of,
    share_error,
)


def days(weekly: float, daily: float, weeks: int, draw: random.Random) -> list[tuple[float, float]]:
    found = []
    for _ in range(weeks):
        level = draw.gauss(1.0, weekly)
        found += [(1_000 * max(0.0, level + draw.gauss(0.0, daily)), 1_000.0) for _ in range(7)]
    return found


def test_weeks_and_days_are_told_apart() -> None:
    found = deviation_of(days(0.10, 0.30, 2_000, random.Random(1)))
    assert found.daily == pytest.approx(0.30, rel=0.03)
    # The mean of seven days still has some of their noise.
    assert found.weekly == pytest.approx(sqrt(0.10**2 + 0.30**2 / 7), rel=0.05)


def test_a_single_week_says_nothing_of_weeks() -> None:
    assert deviation_of([(1_000.0, 1_000.0)] * 7) == Deviation(WEEKLY_UNKNOWN, 0.0)
    two = deviation_of([(900.0, 1_000.0)] * 7 + [(1_100.0, 1_000.0)] * 7)
    assert two.weekly == pytest.approx(sqrt((WEEKLY_UNKNOWN**2 + 2 * 0.1**2) / 2))


def test_days_that_are_no_whole_week_are_the_oldest() -> None:
    steady = [(1_000.0, 1_000.0)] * 14
    assert deviation_of([(5.0, 1_000.0)] * 6 + steady) == deviation_of(steady)


@pytest.mark.parametrize("nothing", [[], [(5.0, 9.0)] * 6, [(0.0, 9.0)] * 7])
def test_too_little_to_judge_is_the_unknown(nothing: list[tuple[float, float]]) -> None:
    assert deviation_of(nothing) == Deviation()


def test_a_day_that_the_curve_does_not_know_is_as_expected() -> None:
    assert deviation_of([(5.0, 0.0)] * 7) == Deviation(WEEKLY_UNKNOWN, 0.0)


def test_days_even_out_and_weeks_ahead_do_not() -> None:
    both = Deviation(weekly=0.1, daily=0.3)
    assert both.error(1, 0.5) == pytest.approx(sqrt(0.1**2 + 0.3**2))
    assert both.error(30, 1) == pytest.approx(sqrt(0.1**2 + 0.3**2 / 30))
    assert both.error(30, 11) == pytest.approx(sqrt(0.01 * (1 + 10 * ALPHA**2) + 0.09 / 30))
    assert both.error(0.1, 1) == both.error(1, 1)


@given(st.floats(0, 1), st.floats(1, 1e5))
def test_the_error_of_a_share_is_wilsons(share: float, samples: float) -> None:
    z = DEVIATIONS
    centre, spread = (
        share + z**2 / (2 * samples),
        z * sqrt(share * (1 - share) / samples + z**2 / (4 * samples**2)),
    )
    whole = 1 + z**2 / samples
    high, low = (centre + spread) / whole, (centre - spread) / whole
    assert share_error(share, samples) == pytest.approx((high - low) / (2 * z))


def test_what_was_not_seen_among_few_is_not_known_to_be_nothing() -> None:
    assert share_error(0.0, 30) > 0.01
    assert share_error(0.0, 3_000) < 0.001
    assert share_error(0.3, 0) == 0.5

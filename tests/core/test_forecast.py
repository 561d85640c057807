"""A slot's traffic: learnt by the hour of the week, asked for between any two instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Hours
from adserver.core.forecast import (
    HALF_LIFE_WEEKS,
    HOUR_SECONDS,
    HOURS_A_WEEK,
    LEVEL_SECONDS,
    MAX_LEVEL,
    MIN_LEVEL,
    UNKNOWN_REQUESTS_PER_HOUR,
    WEEK_SECONDS,
    Clock,
    Forecast,
    History,
    clock,
    curve,
    hour_of_week,
    learn,
    level_of,
)
from adserver.core.hour import hour_at
from tests.core.flown import ZONES, utc

PARIS, UTC_ONLY = "Europe/Paris", "UTC"
MONDAY = utc("2026-11-02")
NO_CHANGE = Clock((0.0,), (0.0,))
SLOPE = [float(hour) for hour in range(HOURS_A_WEEK)]
CURVES = st.lists(st.floats(0, 1e6), min_size=HOURS_A_WEEK, max_size=HOURS_A_WEEK)
INSTANTS = st.integers(int(utc("2026-01-01")), int(utc("2027-12-31"))).map(float)


def after(
    weeks: float, requests: Callable[[int], float], history: History | None = None
) -> History:
    """A history of so many weeks from Monday on; requests: of an hour of the week."""
    history = history or History()
    begin = max(history.through, MONDAY)
    for hour in range(round(weeks * HOURS_A_WEEK)):
        at = begin + hour * HOUR_SECONDS
        history = learn(history, at, requests(hour_of_week(at, UTC_ONLY)), UTC_ONLY)
    return history


def day_and_night(hour: int) -> float:
    return (300.0 if 8 <= hour % 24 < 22 else 20.0) * (0.5 if hour >= 120 else 1.0)


def test_nothing_known_is_flat() -> None:
    assert curve(History()) == pytest.approx([UNKNOWN_REQUESTS_PER_HOUR] * HOURS_A_WEEK)
    assert level_of(History()) == 1.0


def test_one_hour_is_the_level_of_all_others() -> None:
    known = curve(learn(History(), MONDAY, 500, UTC_ONLY))
    assert min(known) == pytest.approx(500, rel=0.01)
    assert max(known) == pytest.approx(500, rel=0.01)


def test_weeks_of_counting_are_known_by_the_hour() -> None:
    known = curve(after(8, day_and_night))
    for hour in range(HOURS_A_WEEK):
        assert known[hour] == pytest.approx(day_and_night(hour), rel=0.1, abs=5), hour


def test_two_days_know_day_from_night_for_the_whole_week() -> None:
    known = curve(after(2 / 7, day_and_night))
    assert known[3 * 24 + 12] > 2 * known[3 * 24 + 3]


def test_an_old_week_counts_half_after_the_half_life() -> None:
    once = after(1, lambda _: 100.0)
    later = after(HALF_LIFE_WEEKS, lambda _: 0.0, once)
    assert sum(later.requests) == pytest.approx(sum(once.requests) / 2)


def test_a_change_is_followed() -> None:
    moved = after(9, lambda _: 400.0, after(8, lambda _: 100.0))
    assert curve(moved)[10] == pytest.approx(370, abs=25)


def test_an_hour_that_has_been_learnt_changes_nothing() -> None:
    history = after(0.1, day_and_night)
    assert learn(history, history.through - HOUR_SECONDS, 9_999, UTC_ONLY) == history


def test_hours_that_are_missing_are_unknown_not_empty() -> None:
    history = after(4, lambda _: 100.0)
    resumed = learn(history, history.through + 2 * WEEK_SECONDS, 100, UTC_ONLY)
    assert curve(resumed) == pytest.approx([100.0] * HOURS_A_WEEK, rel=0.01)


def test_a_slot_that_nobody_asks_for_has_no_supply() -> None:
    forecast = Forecast(curve(after(10, lambda _: 0.0)), NO_CHANGE)
    assert forecast.supply(MONDAY, MONDAY + WEEK_SECONDS) < 10


def test_a_history_is_plain_numbers_and_back() -> None:
    history = after(0.5, day_and_night)
    assert History.of(history.numbers()) == history
    with pytest.raises(ValueError, match="a history has 339 numbers, not 3"):
        History.of([1.0, 2.0, 3.0])


@given(st.lists(st.integers(0, 10**7), max_size=60))
def test_what_is_learnt_is_never_negative_or_unbounded(counts: Sequence[int]) -> None:
    history = History()
    for hour, count in enumerate(counts):
        history = learn(history, MONDAY + hour * HOUR_SECONDS, count, PARIS)
    highest = max([*counts, UNKNOWN_REQUESTS_PER_HOUR])
    # A product of two ratios may promise more than was ever seen, of hours that were not.
    assert all(0 <= one <= highest * HOURS_A_WEEK for one in curve(history))
    assert MIN_LEVEL <= level_of(history) <= MAX_LEVEL


def test_a_spike_and_a_slump_are_seen_within_the_hour() -> None:
    history = after(4, lambda _: 1_000.0)
    assert level_of(history) == pytest.approx(1.0, abs=0.01)
    assert level_of(after(2 / 168, lambda _: 3_000.0, history)) > 1.5
    assert level_of(after(2 / 168, lambda _: 100.0, history)) < 0.8
    assert level_of(history, since_then=1_000, promised=250) > 1.1


def test_a_few_readers_more_are_no_spike() -> None:
    history = after(4, lambda _: 2.0)
    assert level_of(after(1 / 168, lambda _: 6.0, history)) < 1.15


def test_a_level_is_believed_for_a_while_and_not_for_ever() -> None:
    usual, spike = Forecast([100.0] * HOURS_A_WEEK, NO_CHANGE), 2.0
    busy = usual.at_level(spike)
    soon, later = MONDAY + LEVEL_SECONDS, MONDAY + WEEK_SECONDS
    assert busy.supply(MONDAY, soon) == pytest.approx(2 * usual.supply(MONDAY, soon))
    assert busy.supply(soon, later) + busy.supply(MONDAY, soon) > busy.supply(MONDAY, later)
    extra = busy.supply(MONDAY, later) - usual.supply(MONDAY, later)
    assert extra == pytest.approx(100 * LEVEL_SECONDS / HOUR_SECONDS)
    assert usual.level == 1.0
    assert busy.usual(MONDAY, later) == usual.usual(MONDAY, later)


def test_a_stretch_takes_parts_of_hours() -> None:
    forecast = Forecast(SLOPE, NO_CHANGE)
    assert forecast.usual(MONDAY + 1_800, MONDAY + 5_400) == pytest.approx(0.5)
    assert forecast.usual(MONDAY + 7_200, MONDAY + 7_200) == 0.0
    assert forecast.usual(MONDAY + 7_200, MONDAY) == 0.0
    assert forecast.usual(MONDAY, MONDAY + 3 * WEEK_SECONDS) == pytest.approx(3 * sum(SLOPE))


def test_a_week_has_168_hours() -> None:
    with pytest.raises(ValueError, match="a week has 168 hours, not 24"):
        Forecast([1.0] * 24, NO_CHANGE)


@pytest.mark.parametrize(
    ("day", "following", "hours"),
    [
        ("2026-03-28 23:00", "2026-03-29 22:00", [h for h in range(24) if h != 2]),
        ("2026-10-24 22:00", "2026-10-25 23:00", [*range(24), 2]),
        ("2026-11-01 23:00", "2026-11-02 23:00", None),
    ],
)
def test_a_day_has_the_hours_that_its_clock_shows(
    day: str, following: str, hours: list[int] | None
) -> None:
    forecast = Forecast(SLOPE, clock(PARIS, utc("2026-01-01"), utc("2027-01-01")))
    expected = sum(range(24)) if hours is None else sum(6 * 24 + hour for hour in hours)
    assert forecast.usual(utc(day), utc(following)) == pytest.approx(expected)


@given(ZONES, INSTANTS, st.integers(1, 20 * 24), CURVES)
def test_hour_by_hour_is_the_whole(zone: str, begin: float, many: int, hours: list[float]) -> None:
    """The running sum agrees with the plain loop over the hours of the wall clock."""
    forecast = Forecast(hours, clock(zone, utc("2025-12-01"), utc("2028-03-01")))
    start = hour_at(begin, zone).begin
    # Lord Howe's clock moves by half an hour: hours there are looked at by the half.
    halves = [start + half * 1_800 for half in range(2 * many)]
    loop = sum(hours[wall_hour(at, zone)] / 2 for at in halves)
    assert forecast.usual(start, start + many * HOUR_SECONDS) == pytest.approx(loop, abs=1)


def wall_hour(at: float, zone: str) -> int:
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
    return local.weekday() * 24 + local.hour


@given(ZONES, INSTANTS, INSTANTS, INSTANTS, CURVES)
def test_stretches_add_up(
    zone: str, one: float, two: float, three: float, hours: list[float]
) -> None:
    forecast = Forecast(hours, clock(zone, utc("2025-12-01"), utc("2028-03-01")))
    first, middle, last = sorted((one, two, three))
    parts = forecast.usual(first, middle) + forecast.usual(middle, last)
    assert parts == pytest.approx(forecast.usual(first, last), rel=1e-6, abs=1)


def test_beyond_what_a_clock_was_made_for_its_outer_offsets_hold() -> None:
    short = clock(PARIS, utc("2026-11-02"), utc("2026-11-03"))
    forecast = Forecast(SLOPE, short)
    for begin in ("2026-07-05", "2027-07-05"):
        at = utc(begin)
        assert forecast.usual(at, at + WEEK_SECONDS) == pytest.approx(sum(SLOPE))


def test_dayparts_have_the_traffic_of_their_hours() -> None:
    forecast = Forecast([60.0] * HOURS_A_WEEK, NO_CHANGE, 1.5)
    mornings = Hours((0, 1), 8 * 60, 9 * 60 + 30)
    open_ = forecast.during([mornings, mornings, Hours((6,), 23 * 60, 24 * 60)])
    assert open_.level == 1.5
    assert open_.hours[8:10] == (60.0, 30.0)
    assert open_.hours[24 + 9] == 30.0
    assert open_.hours[167] == 60.0
    assert sum(open_.hours) == 2 * 90 + 60

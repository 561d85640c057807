"""Which hours are learnt, what counts as silence, and what a slot's first hour is worth."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.forecast import DAY_SECONDS, HOUR_SECONDS, History, learn, pass_over
from adserver.core.hour import hour_at
from adserver.core.steps import finish
from adserver.core.traffic import (
    MAX_BEHIND_SECONDS,
    NIGHT_HOURS,
    SETTLED_SECONDS,
    UNLEARNT_HOURS,
    CountedHour,
    Scope,
    Traffic,
    days_counted,
    hours_found,
    hours_served,
    learning,
    minutes_of,
    ripe,
    unlearnt_from,
)
from tests.core.flown import ZONES
from tests.factories import NOW, ZONE, generation

BEGIN = hour_at(NOW, ZONE).begin
SCOPE = Scope((1, 2), (1,), ZONE)


def hours(*requests: int, known: bool = True) -> list[CountedHour]:
    """Of slot 1, one after the other."""
    return [
        CountedHour(BEGIN + n * HOUR_SECONDS, {1: one} if one else {}, known)
        for n, one in enumerate(requests)
    ]


def learnt(history: History | None, *some: CountedHour) -> History | None:
    return finish(learning({1: history} if history else {}, some, SCOPE)).get(1)


def test_a_generation_says_whose_requests_are_asked_for() -> None:
    assert Scope.of(generation()) == Scope((1,), (1,), ZONE)


def test_an_hour_is_ripe_when_its_counts_have_arrived() -> None:
    end = BEGIN + HOUR_SECONDS
    assert ripe(BEGIN, end + SETTLED_SECONDS - 1, ZONE) == []
    assert ripe(BEGIN, end + SETTLED_SECONDS, ZONE) == [BEGIN]
    assert ripe(end, end + SETTLED_SECONDS, ZONE) == []


def test_what_was_missed_is_caught_up_on_for_four_weeks_at_most() -> None:
    found = ripe(0, BEGIN + SETTLED_SECONDS, ZONE)
    assert len(found) == MAX_BEHIND_SECONDS // HOUR_SECONDS
    assert found[-1] == BEGIN - HOUR_SECONDS
    assert ripe(BEGIN - 400 * DAY_SECONDS, BEGIN + SETTLED_SECONDS, ZONE) == found


@pytest.mark.parametrize(("day", "length"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_that_changes_the_clock_has_its_own_hours(day: str, length: int) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    found = ripe(begin, begin + length * HOUR_SECONDS + SETTLED_SECONDS, ZONE)
    assert len(found) == length


@given(ZONES, st.integers(0, 48), st.floats(0, 3_600))
def test_hours_are_learnt_each_once_whenever_one_looks(
    timezone: str, later: int, into: float
) -> None:
    now = NOW + later * HOUR_SECONDS + into
    first = ripe(NOW - DAY_SECONDS, NOW, timezone)
    through = first[-1] + HOUR_SECONDS
    both = first + ripe(through, now, timezone)
    assert both == ripe(NOW - DAY_SECONDS, now, timezone)
    assert len(set(both)) == len(both)


def test_an_hour_cut_by_another_zone_is_not_learnt_twice() -> None:
    """Hours of Kolkata begin at half past those of Paris."""
    later = ripe(BEGIN, BEGIN + 4 * HOUR_SECONDS, "Asia/Kolkata")
    assert later[0] == BEGIN + HOUR_SECONDS / 2


def test_requests_are_told_from_where_hours_are_learnt_but_not_for_longer_than_hours() -> None:
    assert unlearnt_from(BEGIN, BEGIN + 60, ZONE) == BEGIN
    assert unlearnt_from(0, BEGIN + 60, ZONE) == BEGIN - (UNLEARNT_HOURS - 1) * HOUR_SECONDS


def test_the_first_hour_of_a_slot_is_none_of_it() -> None:
    assert learnt(None, *hours(0, 0)) is None
    assert learnt(None, *hours(0, 30)) == History(through=BEGIN + 2 * HOUR_SECONDS)
    begun = learn(History(through=BEGIN + HOUR_SECONDS), BEGIN + HOUR_SECONDS, 0, ZONE)
    assert learnt(None, *hours(30, 0)) == begun


def test_an_hour_without_requests_is_a_nought_and_one_without_server_is_unknown() -> None:
    before = learn(History(), BEGIN - HOUR_SECONDS, 50, ZONE)
    assert learnt(before, *hours(0)) == learn(before, BEGIN, 0, ZONE)
    passed = learnt(before, *hours(0, known=False))
    assert passed == pass_over(before, BEGIN + HOUR_SECONDS)
    assert passed is not None
    assert passed.through == BEGIN + HOUR_SECONDS
    assert sum(passed.requests) == pytest.approx(50, rel=0.01)


def test_a_slot_that_is_not_in_the_catalog_is_left_alone() -> None:
    assert set(finish(learning({9: History()}, hours(3), SCOPE))) == {1}


def test_passing_over_hours_forgets_as_learning_does() -> None:
    one = learn(History(), BEGIN, 80, ZONE)
    at = one.through + 7 * DAY_SECONDS
    assert pass_over(one, at - 1) != one
    assert pass_over(one, one.through) is one
    with_zero = learn(one, at - HOUR_SECONDS, 0, ZONE)
    assert pass_over(one, at).requests == pytest.approx(with_zero.requests)
    assert pass_over(History(), at) == History(through=at)


def test_an_hour_is_known_if_ads_were_served_in_nearly_all_of_it() -> None:
    first = BEGIN // 60
    for served, known in ((60, True), (54, True), (53, False), (0, False)):
        [hour] = hours_served([(BEGIN, {1: 5})], range(first, first + served))
        assert hour == CountedHour(BEGIN, {1: 5}, known)


def test_of_hours_from_before_anybody_noted_a_short_silence_is_a_night() -> None:
    def found(*requests: int) -> list[bool]:
        return [hour.known for hour in hours_found([(0, {1: one}) for one in requests])]

    assert found(5, *[0] * NIGHT_HOURS, 5) == [True] * (NIGHT_HOURS + 2)
    assert found(5, *[0] * (NIGHT_HOURS + 1), 5) == [True, *[False] * (NIGHT_HOURS + 1), True]


def test_minutes_are_the_bits_of_a_day() -> None:
    assert list(minutes_of(2, b"\x80\x01")) == [2_880, 2_895]


def test_a_slot_that_nobody_knows_has_an_empty_history() -> None:
    one = learn(History(), BEGIN, 80, ZONE)
    traffic = Traffic(BEGIN, {1: one})
    assert traffic.history(1) is one
    assert traffic.history(2) == History(through=BEGIN)


@pytest.mark.parametrize("days", [0, 1, 3, 7, 60, 300])
def test_the_days_that_were_counted_are_told_though_they_fade(days: int) -> None:
    weeks = [0.0] * 168
    for hour in range(days * 24):
        weeks[hour % 168] += 0.5 ** (hour / 504)
    assert days_counted(History(weeks=tuple(weeks))) == pytest.approx(days, rel=0.01)


def test_days_beyond_years_are_many() -> None:
    assert days_counted(History(weeks=(1e9,) * 168)) > 400

"""The day that an hour is of: the publisher's, with 23 to 25 hours, and known by its midnight."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.days import day_around
from adserver.core.hour import HOUR_SECONDS, Day, day_of, hour_at, hour_named

ZONES = ["Europe/Paris", "Asia/Kolkata", "America/St_Johns", "America/Santiago", "UTC"]


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("day", "begin", "hours"),
    [("2026-10-25", "2026-10-24 22:00", 25), ("2026-03-29", "2026-03-28 23:00", 23)],
)
def test_every_hour_of_a_day_whose_clock_changes_is_of_that_day(
    day: str, begin: str, hours: int
) -> None:
    found = {
        day_of(hour_at(utc(begin) + n * HOUR_SECONDS, "Europe/Paris"), "Europe/Paris")
        for n in range(hours)
    }
    assert found == {Day(day, utc(begin))}


@given(st.integers(0, 2_000_000_000), st.sampled_from(ZONES))
def test_a_day_begins_in_itself_and_lasts_25_hours_at_most(moment: int, zone: str) -> None:
    hour = hour_at(moment, zone)
    day = day_of(hour, zone)
    assert 0 <= hour.begin - day.begin < 25 * HOUR_SECONDS
    assert day_of(hour_at(day.begin, zone), zone) == day
    assert hour_at(day.begin - 1, zone).name[:10] < day.name == hour.name[:10]


def test_an_hour_counted_in_the_zone_that_the_site_had_keeps_its_day() -> None:
    hour = hour_named("2026-08-01T05+0200", utc("2026-08-01 03:00"))
    assert day_of(hour, "America/New_York") == Day("2026-08-01", utc("2026-07-31 22:00"))


@pytest.mark.parametrize(
    ("day", "begin", "hours"),
    [
        ("2026-10-25", "2026-10-24 22:00", 25),
        ("2026-03-29", "2026-03-28 23:00", 23),
        ("2026-11-02", "2026-11-01 23:00", 24),
    ],
)
def test_a_day_is_from_midnight_to_midnight_by_its_clock(day: str, begin: str, hours: int) -> None:
    whole = utc(begin), utc(begin) + hours * HOUR_SECONDS
    for moment in (whole[0], utc(f"{day} 11:00"), whole[1] - 0.001):
        assert day_around(moment, "Europe/Paris") == whole
    assert day_around(whole[1], "Europe/Paris")[0] == whole[1]


@given(st.floats(0, 2_000_000_000), st.sampled_from(ZONES))
def test_now_is_always_in_its_day_and_days_leave_no_gap(moment: float, zone: str) -> None:
    begin, end = day_around(moment, zone)
    assert begin <= moment < end
    assert 22 * HOUR_SECONDS < end - begin < 26 * HOUR_SECONDS
    assert day_around(end, zone)[0] == end
    assert day_around(begin - 1, zone)[1] == begin

"""Hours of the publisher's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.hour import HOUR_SECONDS, hour_at

ZONES = ["Europe/Paris", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "UTC"]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("2026-10-25 00:59:59", "2026-10-25T02+0200"),
        ("2026-10-25 01:00:00", "2026-10-25T02+0100"),
        ("2026-10-25 01:59:59", "2026-10-25T02+0100"),
        ("2026-10-25 02:00:00", "2026-10-25T03+0100"),
        ("2026-03-29 00:59:59", "2026-03-29T01+0100"),
        ("2026-03-29 01:00:00", "2026-03-29T03+0200"),
    ],
)
def test_the_hours_of_a_clock_change_have_names_of_their_own(moment: str, name: str) -> None:
    assert hour_at(utc(moment), "Europe/Paris").name == name


@pytest.mark.parametrize(
    ("day", "next_day", "hours"),
    [
        ("2026-10-24 22:00", "2026-10-25 23:00", 25),
        ("2026-03-28 23:00", "2026-03-29 22:00", 23),
        ("2026-06-09 22:00", "2026-06-10 22:00", 24),
    ],
)
def test_a_day_in_paris_has_as_many_hours_as_it_lasts(day: str, next_day: str, hours: int) -> None:
    minutes = range(int(utc(day)), int(utc(next_day)), 600)
    assert len({hour_at(minute, "Europe/Paris") for minute in minutes}) == hours


def test_an_hour_of_a_half_hour_zone_begins_at_half_past_utc() -> None:
    hour = hour_at(utc("2026-11-02 10:15:00"), "Asia/Kolkata")
    assert hour.name == "2026-11-02T15+0530"
    assert hour.begin == utc("2026-11-02 09:30:00")


@given(st.floats(1.7e9, 2.0e9), st.sampled_from(ZONES))
def test_every_instant_is_inside_its_hour_and_the_hour_is_its_own(now: float, zone: str) -> None:
    hour = hour_at(now, zone)
    assert hour.begin - 1e-3 <= now < hour.end + 1e-3
    assert hour.end - hour.begin == HOUR_SECONDS
    assert hour_at(hour.begin, zone) == hour
    assert hour_at(hour.end - 1, zone) == hour
    assert hour_at(hour.end, zone) != hour

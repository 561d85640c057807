"""When a pause ends, as it is written in a hurry."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.publishing.until import MOST_SECONDS, SECONDS, read_until

PARIS = ZoneInfo("Europe/Paris")
# Friday 27 November 2026, 22:10 in Paris.
FRIDAY = datetime(2026, 11, 27, 21, 10, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("+2h", FRIDAY + 7_200),
        ("+ 90 min", FRIDAY + 5_400),
        ("+3d", FRIDAY + 3 * 86_400),
        ("23:00", at("2026-11-27 23:00")),
        ("9:00", at("2026-11-28 09:00")),
        ("22:10", at("2026-11-28 22:10")),
        ("mon 09:00", at("2026-11-30 09:00")),
        ("Monday 9:00", at("2026-11-30 09:00")),
        ("monday", at("2026-11-30 00:00")),
        ("Fri. 23:00", at("2026-11-27 23:00")),
        ("fri 22:10", at("2026-12-04 22:10")),
        (" 2026-11-30 ", at("2026-11-30 00:00")),
        ("2026-11-30 09:00", at("2026-11-30 09:00")),
        ("2026-11-30T09:00", at("2026-11-30 09:00")),
        ("2026-11-30T09:00+00:00", at("2026-11-30 10:00")),
    ],
)
def test_when_it_ends(text: str, until: float) -> None:
    assert read_until(text, PARIS, FRIDAY) == until


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-27 22:10", "Fri 27 Nov 22:10 (Paris) is over"),
        ("+0h", "is over"),
        ("2027-12-01", "more than a year away"),
        ("+9999d", "more than a year away"),
        ("24:00", "no time of day"),
        ("12:60", "no time of day"),
        ("lundi", "'lundi' is no time; write +2h, 18:00"),
        ("mon 24:00", "no time of day"),
        ("", "is no time"),
        ("30/11/2026", "is no time"),
        ("+2 weeks", "is no time"),
    ],
)
def test_what_is_no_time_to_come_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_until(text, PARIS, FRIDAY)


def test_an_hour_of_the_night_that_the_clock_leaves_out_ends_with_the_gap() -> None:
    evening = at("2026-03-28 22:00")
    assert read_until("02:30", PARIS, evening) == at("2026-03-29 03:00")


@given(st.integers(1, 9_999), st.sampled_from(sorted(SECONDS)), st.integers(0, 2_000_000_000))
def test_whatever_is_read_lies_ahead_and_within_a_year(many: int, unit: str, now: int) -> None:
    seconds = many * SECONDS[unit]
    if seconds <= MOST_SECONDS:
        assert read_until(f"+{many}{unit}", PARIS, now) == now + seconds


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 2_000_000_000))
def test_a_time_of_day_is_the_next_one(hour: int, minute: int, now: int) -> None:
    until = read_until(f"{hour:02}:{minute:02}", PARIS, now)
    # A day of 25 hours, at most, and an hour that the clock leaves out.
    assert now < until <= now + 26 * 3_600


# Sunday 28 March 2027: the clocks go from 2:00 to 3:00.
SPRING = datetime(2027, 3, 27, 21, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["2027-03-28 02:30", "2027-03-28T02:30"])
def test_a_time_that_the_clock_leaves_out_is_refused_as_in_the_files(text: str) -> None:
    told = "2027-03-28 02:30 does not exist in Europe/Paris: .*; write 01:30 or 03:30"
    with pytest.raises(ValueError, match=told):
        read_until(text, PARIS, SPRING)


def test_a_day_whose_midnight_the_clock_leaves_out_begins_behind_it() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    before = datetime(2027, 3, 27, 12, tzinfo=UTC).timestamp()
    begins = datetime(2027, 3, 27, 22, tzinfo=UTC).timestamp()
    assert read_until("2027-03-28", beirut, before) == begins
    assert read_until("sun", beirut, before) == begins

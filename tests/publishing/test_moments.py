"""Moments as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from adserver.publishing import moments
from tests.factories import NOW

PARIS = ZoneInfo("Europe/Paris")
HOUR = 3_600
DAY = 24 * HOUR


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


def test_a_date_is_its_midnight_in_the_zone():
    assert moments.read_moment("2026-11-02", PARIS) == utc(2026, 11, 1, 23)


def test_a_time_without_offset_is_of_the_zone():
    assert moments.read_moment("2026-11-02T09:30", PARIS) == utc(2026, 11, 2, 8, 30)
    assert moments.read_moment("2026-11-02 09:30:15", PARIS) == utc(2026, 11, 2, 8, 30) + 15


def test_a_time_with_offset_is_what_it_says():
    assert moments.read_moment("2026-11-02T09:30+00:00", PARIS) == utc(2026, 11, 2, 9, 30)


def test_an_hour_that_comes_twice_is_the_first():
    assert moments.read_moment("2026-10-25T02:30", PARIS) == utc(2026, 10, 25, 0, 30)


def test_an_hour_that_never_comes_is_the_end_of_the_gap():
    assert moments.read_moment("2026-03-29T02:30", PARIS) == utc(2026, 3, 29, 1)


def test_what_is_no_time_is_told_with_an_example():
    with pytest.raises(ValueError, match="2026-11-02"):
        moments.read_moment("yesterday", PARIS)


def test_a_moment_is_spoken_with_its_day_and_place():
    assert moments.spoken(NOW, PARIS, NOW) == "Mon 2 Nov 10:00 (Paris)"


def test_a_moment_of_another_year_says_so():
    assert moments.spoken(utc(2027, 1, 4, 8), PARIS, NOW) == "Mon 4 Jan 2027 09:00 (Paris)"


@pytest.mark.parametrize(
    ("after", "words"),
    [(HOUR, "11:00"), (DAY, "Tue 10:00"), (7 * DAY, "Mon 9 Nov 10:00")],
)
def test_the_nearer_a_moment_the_fewer_words_it_needs(after, words):
    assert moments.soon(NOW + after, PARIS, NOW) == words


def test_the_two_hours_of_the_autumn_change_have_different_names():
    first = utc(2026, 10, 25, 0)
    assert moments.hour_of(first, PARIS) == "2026-10-25T02:00+02:00"
    assert moments.hour_of(first + HOUR, PARIS) == "2026-10-25T02:00+01:00"

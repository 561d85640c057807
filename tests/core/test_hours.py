"""Dayparts as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Hours
from adserver.core.hours import DAYS, EVERY_DAY, parse_hours

WEEK = (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-fri 08:00-20:00", (Hours(WEEK, 480, 1200),)),
        ("sat 10:00-12:00", (Hours((5,), 600, 720),)),
        ("08:00-20:00", (Hours(EVERY_DAY, 480, 1200),)),
        ("8:00 - 20:00", (Hours(EVERY_DAY, 480, 1200),)),
        ("Mon, Wed-Fri 08:00-20:00", (Hours((0, 2, 3, 4), 480, 1200),)),
        ("fri-mon 00:00-24:00", (Hours((0, 4, 5, 6), 0, 1440),)),
        ("sun 22:00-02:00", (Hours((6,), 1320, 1440), Hours((0,), 0, 120))),
        ("22:00-00:00", (Hours(EVERY_DAY, 1320, 1440),)),
    ],
)
def test_a_daypart_is_read(text: str, hours: tuple[Hours, ...]) -> None:
    assert parse_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected days and hours"),
        ("mon-fri", "expected days and hours"),
        ("x" * 81, "expected days and hours"),
        ("lun 08:00-20:00", '"lun" is not a day'),
        ("mon-wed-fri 08:00-20:00", "not a range of days"),
        ("08:00-24:01", "24:01 is not a time of day"),
        ("08:60-09:00", "08:60 is not a time of day"),
        ("24:00-02:00", "24:00 can only be an end"),
        ("09:00-09:00", "no time at all"),
    ],
)
def test_what_is_no_daypart_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_hours(text)


@given(st.integers(0, 1439), st.integers(0, 1440), st.sampled_from(DAYS))
def test_a_daypart_is_as_long_as_it_says(start: int, end: int, day: str) -> None:
    if start == end:
        return
    text = f"{day} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    length = sum(part.end_minute - part.start_minute for part in parse_hours(text))
    assert length == ((end - start) % 1440 or 1440)

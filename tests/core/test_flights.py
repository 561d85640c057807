"""When a campaign may run, on the wall clock of its zone, on the days that change it as well."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Hours, State
from adserver.core.flights import gap_end, instant, next_change, standing, zone
from adserver.core.hours import EVERY_DAY
from adserver.core.reasons import Reason
from tests.core.flown import MOMENTS, at_hours, campaigns, flight, utc
from tests.factories import NOW, campaign

PARIS, KOLKATA = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Kolkata")
NEVER = float("inf")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.mark.parametrize(
    ("day", "minute", "moment"),
    [
        (date(2026, 11, 2), 0, "2026-11-01 23:00"),
        (date(2026, 11, 2), 1440, "2026-11-02 23:00"),
        (SPRING, 119, "2026-03-29 00:59"),
        (SPRING, 120, "2026-03-29 01:00"),  # 02:00 is left out: 03:00 summer time
        (SPRING, 150, "2026-03-29 01:00"),
        (SPRING, 180, "2026-03-29 01:00"),
        (AUTUMN, 120, "2026-10-25 00:00"),  # the first of the two
        (AUTUMN, 180, "2026-10-25 02:00"),
    ],
)
def test_a_minute_of_the_wall_clock_is_an_instant(day: date, minute: int, moment: str) -> None:
    assert instant(day, minute, PARIS) == utc(moment)


def test_a_half_hour_zone_has_its_own_midnight() -> None:
    assert instant(date(2026, 11, 2), 0, KOLKATA) == utc("2026-11-01 18:30")


def test_a_gap_of_a_whole_day_ends_where_the_clock_says() -> None:
    # Samoa left out 30 December 2011: no minute within three hours ends the hole.
    wall = datetime(2011, 12, 30, 12, 0, tzinfo=ZoneInfo("Pacific/Apia"))
    assert gap_end(wall, ZoneInfo("Pacific/Apia")) == wall.timestamp()


def test_a_state_or_a_flight_keeps_a_campaign_out() -> None:
    past, future = flight(until=NOW), flight(since=NOW + 1)
    assert standing(campaign(), NOW) is None
    assert standing(campaign(state=State.DRAFT, flight=past), NOW) is Reason.DRAFT
    assert standing(campaign(state=State.PAUSED, flight=past), NOW) is Reason.ENDED
    assert standing(campaign(state=State.PAUSED, flight=future), NOW) is Reason.NOT_STARTED
    assert standing(campaign(state=State.PAUSED), NOW) is Reason.PAUSED
    assert standing(at_hours(Hours(EVERY_DAY, 0, 60)), NOW) is Reason.OFF_HOURS


def test_a_flight_begins_at_its_first_second_and_ends_before_its_last() -> None:
    booked = campaign(flight=flight(since=NOW, until=NOW + 60))
    assert standing(booked, NOW - 0.001) is Reason.NOT_STARTED
    assert standing(booked, NOW) is None
    assert standing(booked, NOW + 59.999) is None
    assert standing(booked, NOW + 60) is Reason.ENDED


def test_a_daypart_opens_and_closes_on_the_wall_clock_when_the_clock_changes() -> None:
    morning = at_hours(Hours(EVERY_DAY, 8 * 60, 20 * 60))
    for opens in ("2026-03-28 07:00", "2026-03-29 06:00", "2026-10-24 06:00", "2026-10-25 07:00"):
        assert standing(morning, utc(opens) - 1) is Reason.OFF_HOURS
        assert standing(morning, utc(opens)) is None


def test_a_daypart_inside_the_hour_that_spring_leaves_out_does_not_open_that_day() -> None:
    night = at_hours(Hours(EVERY_DAY, 130, 170))
    day = range(int(utc("2026-03-28 23:00")), int(utc("2026-03-29 22:00")), 300)
    assert {standing(night, moment) for moment in day} == {Reason.OFF_HOURS}


def test_a_daypart_of_the_repeated_hour_is_open_in_both() -> None:
    night = at_hours(Hours(EVERY_DAY, 120, 180))
    first, last = utc("2026-10-25 00:00"), utc("2026-10-25 02:00")
    assert standing(night, first - 1) is Reason.OFF_HOURS
    assert {standing(night, first + step) for step in range(0, 7200, 60)} == {None}
    assert standing(night, last) is Reason.OFF_HOURS


def test_an_edge_inside_the_repeated_hour_is_the_first_time_that_the_clock_shows_it() -> None:
    night = at_hours(Hours(EVERY_DAY, 150, 240))
    first = utc("2026-10-25 00:30")
    assert standing(night, first - 1) is Reason.OFF_HOURS
    assert {standing(night, moment) for moment in range(int(first), int(first) + 9000, 60)} == {
        None
    }
    assert standing(night, first + 9000) is Reason.OFF_HOURS


def test_a_draft_does_not_change_by_itself() -> None:
    assert next_change(campaign(state=State.DRAFT, flight=flight(until=NOW + 9)), NOW) == NEVER


def test_a_paused_campaign_changes_when_its_flight_does_and_not_with_its_hours() -> None:
    every_hour = Hours(EVERY_DAY, 0, 660)
    paused = at_hours(every_hour, state=State.PAUSED, flight=flight(until=NOW + 86_400))
    assert next_change(paused, NOW) == NOW + 86_400


def test_an_open_flight_without_hours_never_changes() -> None:
    assert next_change(campaign(), NOW) == NEVER


def test_the_next_change_is_the_nearest_edge() -> None:
    booked = campaign(flight=flight(since=NOW + 5, until=NOW + 9))
    assert next_change(booked, NOW) == NOW + 5
    assert next_change(booked, NOW + 5) == NOW + 9
    assert next_change(booked, NOW + 9) == NEVER
    # NOW is Monday, 10:00 in Paris.
    assert next_change(at_hours(Hours((0,), 0, 660)), NOW) == NOW + 3600


def test_a_zone_is_read_once() -> None:
    assert zone("Europe/Paris") is zone("Europe/Paris")


def slow_standing(booked: Campaign, now: float) -> bool:
    """Whether it may run, read minute by minute off a clock on the wall."""
    since, until = booked.flight.since, booked.flight.until
    if booked.state is not State.READY:
        return False
    if (since is not None and now < since) or (until is not None and now >= until):
        return False
    local = datetime.fromtimestamp(now, ZoneInfo(booked.flight.timezone))
    minute = local.hour * 60 + local.minute
    return not booked.hours or any(
        local.weekday() in part.days and part.start_minute <= minute < part.end_minute
        for part in booked.hours
    )


def repeated(booked: Campaign, now: float) -> bool:
    """Within an hour that autumn repeats, where a daypart that begins or ends inside it is
    read on its first time round."""
    tz = ZoneInfo(booked.flight.timezone)
    return any(
        datetime.fromtimestamp(now, tz).replace(tzinfo=None)
        == datetime.fromtimestamp(now + step, tz).replace(tzinfo=None)
        for step in (-3600, -1800, 1800, 3600)
    )


@given(campaigns(), MOMENTS)
def test_a_campaign_is_served_exactly_inside_its_flight_and_its_dayparts(
    booked: Campaign, now: float
) -> None:
    if not repeated(booked, now):
        assert (standing(booked, now) is None) is slow_standing(booked, now)


@given(campaigns(), MOMENTS, st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_change(booked: Campaign, now: float, share: float) -> None:
    until = min(next_change(booked, now), now + 9 * 86_400)
    assert until > now
    between = now + (until - now) * share
    if between < until:
        assert standing(booked, between) == standing(booked, now)


@given(campaigns(), MOMENTS)
def test_every_change_is_found_by_going_from_one_to_the_next(booked: Campaign, now: float) -> None:
    """Walked over two days, `standing` is right at every minute with what it was at the edge."""
    moment, end = now, now + 2 * timedelta(days=1).total_seconds()
    while moment < end:
        following = min(next_change(booked, moment), end)
        middle = (moment + following) / 2
        assert standing(booked, middle) == standing(booked, moment)
        moment = following

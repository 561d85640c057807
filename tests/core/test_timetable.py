"""Who may run now: found out at the instants at which it changes, and right in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.bits import pack
from adserver.core.catalog import Flight, State
from adserver.core.flights import standing
from adserver.core.reasons import Reason
from adserver.core.timetable import NEVER, Timetable
from tests.core.flown import MOMENTS, campaigns
from tests.factories import NOW, ZONE, campaign


@given(st.lists(campaigns(), max_size=6), st.lists(MOMENTS, min_size=1, max_size=6))
def test_whoever_may_run_may_by_the_plain_rules(booked, moments: list[float]) -> None:
    table = Timetable(booked)
    before = -NEVER
    for now in moments:
        if now < before:
            table.restart()
        table.advance(now)
        before = now
        may = [n for n, one in enumerate(booked) if standing(one, now) is None]
        assert table.may_run == pack(may)
        assert table.good_until > now


def test_the_furthest_reason_is_of_those_that_may_not() -> None:
    table = Timetable(
        [
            campaign("a", state=State.DRAFT),
            campaign("b", flight=Flight(NOW + 5, NOW + 9, ZONE)),
        ]
    )
    table.advance(NOW)
    assert table.furthest is Reason.NOT_STARTED
    table.advance(NOW + 5)
    assert (table.may_run, table.furthest) == (0b10, Reason.DRAFT)
    table.advance(NOW + 9)
    assert (table.may_run, table.furthest) == (0, Reason.ENDED)
    assert table.good_until == NEVER
    assert Timetable([]).furthest is Reason.NO_CAMPAIGN

"""From when on the figures of a flight can change no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.flights import zone
from adserver.publishing import moments
from adserver.publishing.proof.finality import Asked, Finality, Stage, finality
from tests.factories import ZONE
from tests.proven import CLOSES, FINAL, FLIGHT, at

DAY = 86_400
HOUR = 3_600
END = FLIGHT.until
ASKED = Asked(now=0.0, timezone=ZONE, life=DAY)


def asked(now: float, **changes: object) -> Finality:
    return finality(END, None, replace(ASKED, now=now, **changes))


def test_a_flight_closes_at_the_midnight_behind_the_last_ticket_and_is_final_a_life_later():
    # The last ticket lives until the 2nd at 00:00, by a clock that is an hour off until 01:00.
    assert asked(0.0) == Finality(Stage.RUNNING, CLOSES, FINAL)


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (at("2026-11-30 23:59"), Stage.RUNNING),
        (CLOSES - 1, Stage.RUNNING),
        (CLOSES, Stage.ARRIVING),
        (FINAL - 1, Stage.ARRIVING),
        (FINAL, Stage.FINAL),
    ],
)
def test_it_runs_then_its_counts_arrive_then_it_is_final(now, stage):
    assert asked(now).stage is stage


def test_without_an_end_nothing_is_ever_final():
    assert finality(None, None, replace(ASKED, now=1e12)) == Finality(Stage.RUNNING)


def test_a_window_closes_where_its_last_hour_ends_whatever_the_flight_does():
    whole, half = at("2026-11-16 00:00"), at("2026-11-16 09:30")
    for end in (None, END):
        assert finality(end, whole, ASKED).closes == whole
        assert finality(end, half, ASKED).closes == at("2026-11-16 10:00")
    assert finality(END, whole, ASKED).final == whole + DAY + HOUR


def test_a_window_that_goes_on_behind_the_closing_ends_there():
    assert finality(END, at("2027-01-01"), ASKED).closes == CLOSES


def test_a_short_life_of_tickets_makes_it_final_sooner():
    short = asked(0.0, life=HOUR)
    assert (short.closes, short.final) == (at("2026-12-02"), at("2026-12-02 02:00"))


def test_a_life_that_ends_at_midnight_closes_there():
    end = at("2026-11-30 23:00") - DAY
    assert finality(end, None, ASKED).closes == at("2026-12-01")


@pytest.mark.parametrize(
    ("through", "all_of_them"), [(None, False), (CLOSES - 1, False), (CLOSES, True)]
)
def test_what_servers_have_brought_is_known_as_far_as_they_have_spoken(through, all_of_them):
    known = asked(CLOSES, through=through)
    assert known.through == through
    assert known.heard_of_all is all_of_them


def test_of_a_campaign_without_an_end_no_server_has_brought_all():
    assert not finality(None, None, replace(ASKED, through=1e12)).heard_of_all


@given(
    st.floats(1.7e9, 2.0e9), st.integers(60, 7 * DAY), st.sampled_from([ZONE, "UTC", "Asia/Gaza"])
)
def test_closing_is_a_midnight_and_never_before_the_last_event_that_counts(end, life, timezone):
    found = finality(end, None, Asked(0.0, timezone, life))
    tz = zone(timezone)
    assert found.closes is not None
    assert found.final is not None
    assert end + life + HOUR <= found.closes <= end + life + HOUR + 25 * HOUR
    assert found.closes == moments.midnight(moments.local(found.closes, tz).date(), tz)
    assert found.final == found.closes + life + HOUR

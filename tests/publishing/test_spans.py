"""When a campaign is shown first and last."""

from __future__ import annotations

import pytest

from adserver.core.catalog import Flight, State
from adserver.core.hours import parse_hours
from adserver.publishing.spans import span_words
from tests.factories import NOW, campaign
from tests.publishing.test_campaign_changes import flight


def words(of: Flight, hours: str = "", state: State = State.READY) -> str:
    sold = campaign(flight=of, hours=parse_hours(hours) if hours else (), state=state)
    return span_words(sold, NOW)


@pytest.mark.parametrize(
    ("of", "hours", "said"),
    [
        (
            flight("2026-11-09", "2026-12-01"),
            "",
            "first impression Mon 9 Nov 00:00 (Paris), last impression Mon 30 Nov 23:59 (Paris)",
        ),
        (flight("2026-11-01", "2026-12-01"), "", "last impression Mon 30 Nov 23:59 (Paris)"),
        (flight(None, None), "", "no last day"),
        (flight("2026-11-01", "2026-11-02"), "", "its flight is over: it is never shown"),
        # Sunday 8 November to Sunday 15 November, on weekdays only.
        (
            flight("2026-11-08", "2026-11-16"),
            "mon-fri 08:00-20:00",
            "first impression Mon 9 Nov 08:00 (Paris), last impression Fri 13 Nov 19:59 (Paris)",
        ),
        (
            flight(None, "2026-12-01"),
            "22:00-24:00",
            "first impression Mon 2 Nov 22:00 (Paris), last impression Mon 30 Nov 23:59 (Paris)",
        ),
        (flight(None, "2026-12-01"), "08:00-20:00", "last impression Mon 30 Nov 19:59 (Paris)"),
        (
            flight("2026-11-07", "2026-11-09"),
            "mon 08:00-20:00",
            "its hours never come within its flight: it is never shown",
        ),
    ],
)
def test_the_first_and_the_last_impression_are_said(of, hours, said) -> None:
    assert words(of, hours) == said


def test_a_draft_is_never_shown_and_a_paused_one_later() -> None:
    assert words(flight(None, None), state=State.DRAFT) == "a draft is never shown"
    assert words(flight(None, None), state=State.PAUSED) == (
        "no last day, once it is no longer paused"
    )


def test_a_flight_that_never_ends_has_no_last_impression_whatever_its_hours() -> None:
    assert words(flight(None, None), "08:00-20:00") == "no last day"

"""The closed lists of reasons."""

from __future__ import annotations

from adserver.core.reasons import REACH, Reason, furthest


def test_every_reason_has_a_place_in_the_documented_order() -> None:
    assert sorted(REACH, key=REACH.__getitem__) == list(Reason)


def test_an_empty_slot_reports_the_furthest_that_any_candidate_came() -> None:
    assert furthest({Reason.DRAFT, Reason.OFF_HOURS, Reason.ENDED}) is Reason.OFF_HOURS


def test_a_slot_that_nobody_booked_reports_no_campaign() -> None:
    assert furthest(set()) is Reason.NO_CAMPAIGN

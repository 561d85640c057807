"""Every reason of the two closed lists has its line, and the order is the code's."""

from __future__ import annotations

from adserver.core.reasons import DISCARDS, REACH, Discard, Reason
from adserver.serving.served import NO_FILL_REASONS
from tests.docs.pages import page, rows, section

REASONS = rows(section(page("deciding.md"), "## Reasons"))
DISCARDED = rows(section(page("reliability.md"), "## What does not count"))


def test_every_reason_has_its_line_in_the_order_in_which_the_furthest_is_found() -> None:
    assert [line[0] for line in REASONS] == sorted(Reason, key=REACH.__getitem__)


def test_the_reasons_that_are_given_today_are_those_that_are_counted_from_the_start() -> None:
    today = {line[0] for line in REASONS if line[2] == "yes"}
    never_of_an_empty_slot = {Reason.WON, Reason.OUTRANKED, Reason.LOST_DRAW}
    assert today == {*NO_FILL_REASONS, Reason.UNKNOWN_SLOT, *never_of_an_empty_slot}


def test_every_reason_for_discarding_an_event_has_its_line() -> None:
    assert sorted(line[0] for line in DISCARDED) == sorted(Discard)


def test_the_events_that_are_discarded_today_are_those_that_are_counted_from_the_start() -> None:
    today = {line[0] for line in DISCARDED if line[2] == "yes"}
    assert today == {*DISCARDS, Discard.FORGED}

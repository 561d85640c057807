"""Rows are added up by hour, and let go of only when they are written."""

from __future__ import annotations

import pytest

from adserver.core.batch import MAX_TALLIES_PER_BATCH
from adserver.core.events import Tally
from adserver.core.hour import HOUR_SECONDS, hour_at
from adserver.core.tallies import Tallies
from tests.factories import NOW, ZONE

ROW: Tally = ("s", 1, 2, 3)
OTHER: Tally = ("n.no_campaign", 0, 2, 3)
HOUR = hour_at(NOW, ZONE)
NEXT = hour_at(NOW + HOUR_SECONDS, ZONE)


@pytest.fixture
def tallies() -> Tallies:
    return Tallies(lambda: ZONE)


def test_equal_rows_of_an_hour_are_one(tallies: Tallies) -> None:
    for row in (ROW, OTHER, ROW):
        tallies.add(NOW, row)
    assert list(tallies.records()) == [(HOUR, {ROW: 2, OTHER: 1})]
    assert list(tallies.records()) == []


def test_each_hour_has_a_record_of_its_own(tallies: Tallies) -> None:
    for hours in (0, 1, 1):
        tallies.add(NOW + hours * HOUR_SECONDS, ROW)
    assert list(tallies.records()) == [(HOUR, {ROW: 1}), (NEXT, {ROW: 2})]


def test_a_slot_that_is_filled_is_a_request_and_a_served_ad_of_its_hour(tallies: Tallies) -> None:
    tallies.add(NOW, ("r", 0, 2, 3))
    tallies.fills(NOW)[1, 2, 3] += 2
    tallies.fills(NOW + HOUR_SECONDS)[1, 2, 3] += 1
    assert list(tallies.records()) == [
        (HOUR, {("r", 0, 2, 3): 3, ("s", 1, 2, 3): 2}),
        (NEXT, {("r", 0, 2, 3): 1, ("s", 1, 2, 3): 1}),
    ]
    assert list(tallies.records()) == []


def test_what_was_not_written_is_there_again(tallies: Tallies) -> None:
    for creative in range(2 * MAX_TALLIES_PER_BATCH):
        tallies.add(NOW, ("s", creative, 1, 1))
    records = tallies.records()
    _, written = next(records)
    next(records)  # the disk is full
    records.close()
    assert tallies.waiting == MAX_TALLIES_PER_BATCH
    tallies.add(NOW, ROW)
    again = [row for _, rows in tallies.records() for row in rows]
    assert len(again) == MAX_TALLIES_PER_BATCH + 1
    assert not written.keys() & set(again)


def test_what_is_put_back_belongs_to_its_hour(tallies: Tallies) -> None:
    tallies.add(NOW, ROW)
    tallies.put_back(NEXT, {ROW: 5})
    assert list(tallies.records()) == [(NEXT, {ROW: 5}), (HOUR, {ROW: 1})]


def test_what_waits_can_be_dropped(tallies: Tallies) -> None:
    tallies.put_back(HOUR, {ROW: 5})
    tallies.drop()
    assert list(tallies.records()) == []

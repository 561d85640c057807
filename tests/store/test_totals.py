"""What reports read: rows of hours, and names behind numbers."""

from __future__ import annotations

from typing import Any

from adserver.core.events import Metric, Row
from adserver.core.hour import hour_at
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.factories import NOW, ZONE

HOURS = [hour_at(NOW + 3600 * n, ZONE) for n in range(3)]


async def test_rows_are_those_of_the_hours_that_begin_in_time(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    for sequence, hour in enumerate(HOURS, 1):
        await counts.add(hour, 7, sequence, {("s", 1, 2, 3): sequence})
    totals = StoredTotals(store, keys)
    first, second, third = (hour.begin for hour in HOURS)
    assert [row.count for row in totals.rows(0, third + 1)] == [1, 2, 3]
    assert [row.count for row in totals.rows(second, third)] == [2]
    assert [row.count for row in totals.rows(first + 1, second)] == []


async def test_a_row_is_told_with_its_reason_and_its_numbers(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.add(HOURS[0], 7, 1, {("n.off_hours", 0, 2, 3): 4})
    begin = HOURS[0].begin
    assert StoredTotals(store, keys).rows(begin, begin + 1) == [
        Row(begin, Metric.NO_FILL, "off_hours", 0, 2, 3, 4)
    ]


async def test_the_repeated_hour_of_autumn_has_rows_of_its_own(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    autumn = 1_792_886_400.0  # 25 October 2026, 02:00 in Paris, for the first time
    twice = [hour_at(autumn, ZONE), hour_at(autumn + 3600, ZONE)]
    for sequence, hour in enumerate(twice, 1):
        await counts.add(hour, 7, sequence, {("s", 1, 1, 1): sequence})
    found = StoredTotals(store, keys).rows(autumn, autumn + 7200)
    assert [(row.hour, row.count) for row in found] == [(autumn, 1), (autumn + 3600, 2)]


def test_an_empty_store_has_nothing_to_report(store: Any, keys: Keys) -> None:
    totals = StoredTotals(store, keys)
    assert totals.rows(0, NOW * 2) == []
    assert totals.numbers() == {}
    assert totals.known_creatives() == {}

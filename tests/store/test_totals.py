"""What reports read: rows of hours, and names behind numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from adserver.core.events import Metric, Row
from adserver.core.hour import hour_at
from adserver.core.ports.serving import Source, Spoken
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from adserver.store.totals import StoredTotals, delivered
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipping import Shipper, event


@pytest.fixture
async def leases(beside: Any, keys: Keys) -> AsyncIterator[StoredLeases]:
    """At NOW, whatever the store's own clock says."""
    leases = StoredLeases(beside, keys, TICKET_LIFE_SECONDS)
    leases.now = NOW
    yield leases
    await leases.close()


HOURS = [hour_at(NOW + 3600 * n, ZONE) for n in range(3)]


async def test_rows_are_those_of_the_hours_that_begin_in_time(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    shipper = Shipper(counts)
    for count, hour in enumerate(HOURS, 1):
        await shipper.tallies(hour, {("s", 1, 2, 3): count})
    totals = StoredTotals(store, keys)
    first, second, third = (hour.begin for hour in HOURS)
    assert [row.count for row in totals.rows(0, third + 1)] == [1, 2, 3]
    assert [row.count for row in totals.rows(second, third)] == [2]
    assert [row.count for row in totals.rows(first + 1, second)] == []


async def test_a_row_is_told_with_its_reason_and_its_numbers(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await Shipper(counts).tallies(HOURS[0], {("n.off_hours", 0, 2, 3): 4})
    begin = HOURS[0].begin
    assert StoredTotals(store, keys).rows(begin, begin + 1) == [
        Row(begin, Metric.NO_FILL, "off_hours", 0, 2, 3, 4)
    ]


async def test_the_repeated_hour_of_autumn_has_rows_of_its_own(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    autumn = 1_792_886_400.0  # 25 October 2026, 02:00 in Paris, for the first time
    twice = [hour_at(autumn, ZONE), hour_at(autumn + 3600, ZONE)]
    shipper = Shipper(counts)
    for count, hour in enumerate(twice, 1):
        await shipper.tallies(hour, {("s", 1, 1, 1): count})
    found = StoredTotals(store, keys).rows(autumn, autumn + 7200)
    assert [(row.hour, row.count) for row in found] == [(autumn, 1), (autumn + 3600, 2)]


async def test_what_lies_in_several_shards_is_told_together(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", shards=3)
    shipper = Shipper(StoredCounts(beside, keys, TICKET_LIFE_SECONDS))
    await shipper.events(HOURS[0], [event(serial=n * 65_536) for n in range(6)])
    await shipper.tallies(HOURS[0], {("s", 1, 2, 3): 4})
    rows = StoredTotals(store, keys).rows(0, NOW * 2)
    assert sorted((row.metric, row.count) for row in rows) == [
        (Metric.IMPRESSION, 2),
        (Metric.IMPRESSION, 2),
        (Metric.IMPRESSION, 2),
        (Metric.SERVED, 4),
    ]
    assert await delivered(beside, keys) == {(Metric.IMPRESSION, 1): 6, (Metric.SERVED, 1): 4}


def test_an_empty_store_has_nothing_to_report(store: Any, keys: Keys) -> None:
    totals = StoredTotals(store, keys)
    assert totals.rows(0, NOW * 2) == []
    assert totals.numbers() == {}
    assert totals.known_creatives() == {}


async def test_what_has_arrived_is_as_far_as_the_journal_that_is_most_behind(
    leases: StoredLeases, store: Any, keys: Keys
) -> None:
    totals = StoredTotals(store, keys)
    assert totals.through() is None
    for writer, through in ((1, NOW - 5), (2, NOW - 60), (3, NOW)):
        await leases.ask(0, [], [Spoken(Source(writer, 1), 0, through, done=False)])
    assert totals.through() == NOW - 60
    await leases.ask(0, [], [Spoken(Source(2, 1), 0, NOW, done=True)])
    assert totals.through() == NOW - 5


async def test_while_a_journal_is_sent_again_nothing_is_known_of_what_has_arrived(
    leases: StoredLeases, store: Any, keys: Keys
) -> None:
    await leases.ask(0, [], [Spoken(Source(1, 1), 7, NOW, done=False)])
    assert StoredTotals(store, keys).through() is None

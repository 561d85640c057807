"""Events in the store: each once, in its row, whatever comes twice or in another order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.events import METRIC_OF, Kind, Metric
from adserver.core.invalid import Mode
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipping import event
from tests.store.test_counts import BLOCK, CLICK, HOUR, IMPRESSION, added, rows, ship, shipment


@pytest.mark.parametrize("kind", Kind)
async def test_an_event_counts_once_at_its_first_arrival(
    counts: StoredCounts, store: Any, keys: Keys, kind: Kind
) -> None:
    letter = METRIC_OF[kind].value
    first = {Kind.IMPRESSION: {"i": 1}, Kind.VIEWABLE: {"w": 1}, Kind.CLICK: {"c": 1, "u": 1}}[kind]
    assert added(await ship(counts, shipment(1, [event(kind)]))) == first
    for again in (2, 3):
        told = await ship(counts, shipment(again, [event(kind)]))
        assert added(told) == {f"{letter}.duplicate": 1}
    assert rows(store, keys) == first | {f"{letter}.duplicate": 2}


async def test_of_two_alike_in_one_shipment_the_first_counts(counts: StoredCounts) -> None:
    sent = shipment(1, [IMPRESSION, event(serial=2), IMPRESSION, IMPRESSION])
    assert added(await ship(counts, sent)) == {"i": 2, "i.duplicate": 2}


async def test_a_click_without_an_impression_counts_and_is_shown_apart(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await ship(counts, shipment(1, [CLICK]), shipment(2, [IMPRESSION]))
    await ship(counts, shipment(3, [event(Kind.CLICK, serial=2), CLICK]))
    assert rows(store, keys) == {"c": 2, "u": 2, "i": 1, "c.duplicate": 1}


async def test_a_click_that_comes_with_its_impression_matches_it_in_either_order(
    counts: StoredCounts,
) -> None:
    events = [CLICK, IMPRESSION, event(serial=2), event(Kind.CLICK, serial=2)]
    assert added(await ship(counts, shipment(1, events))) == {"i": 2, "c": 2}


async def test_tickets_at_the_edges_of_bitmaps_do_not_get_in_each_others_way(
    counts: StoredCounts, store: Any
) -> None:
    serials = [0, 1, BLOCK - 1, BLOCK, BLOCK * 2, 2**32 - 1]
    events = [event(kind, serial) for serial in serials for kind in Kind]
    assert added(await ship(counts, shipment(1, events))) == {"i": 6, "v": 6, "c": 6}
    assert len(store.keys("*:seen:*")) == 4
    told = await ship(counts, shipment(2, events))
    assert added(told) == {"i.duplicate": 6, "v.duplicate": 6, "c.duplicate": 6}


@pytest.mark.parametrize("writers", [1, 10, MAX_EVENTS_PER_BATCH])
async def test_a_full_shipment_is_one_call_however_many_bitmaps_it_has(
    counts: StoredCounts, store: Any, keys: Keys, writers: int
) -> None:
    events = [event(serial=n, writer=n % writers) for n in range(MAX_EVENTS_PER_BATCH)]
    assert added(await ship(counts, shipment(1, events))) == {"i": 1_000}
    assert added(await ship(counts, shipment(2, events))) == {"i.duplicate": 1_000}
    assert len(store.keys("*:seen:*")) == writers
    assert rows(store, keys) == {"i": 1_000, "i.duplicate": 1_000}


@pytest.mark.parametrize("kind", Kind)
async def test_a_full_shipment_is_one_call_whatever_its_events_are(
    beside: Any, keys: Keys, kind: Kind
) -> None:
    """All of one kind in one bitmap, each in a row of its own, is what takes most arguments."""
    counts = StoredCounts(beside, keys, TICKET_LIFE_SECONDS, Mode.DRY_RUN)
    many = range(MAX_EVENTS_PER_BATCH)
    told = await ship(counts, shipment(1, [event(kind, n, creative=n + 1) for n in many]))
    each = {Kind.IMPRESSION: "i", Kind.VIEWABLE: "w", Kind.CLICK: "c u C.unmatched"}[kind]
    assert added(told) == {metric: len(many) for metric in each.split()}


async def test_a_row_has_the_numbers_of_its_event_however_large(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    largest = {"creative": 2**32 - 1, "slot": 2**16 - 1, "site": 2**8 - 1}
    told = await ship(counts, shipment(1, [event(**largest)]))
    [row] = StoredTotals(store, keys).rows(HOUR.begin, HOUR.end)
    assert {name: getattr(row, name) for name in largest} == largest
    assert (row.hour, row.metric, row.count) == (HOUR.begin, Metric.IMPRESSION, 1)
    assert told.rows == [row]


async def test_events_of_many_rows_are_told_apart(counts: StoredCounts, store: Any) -> None:
    events = [event(serial=n, creative=n % 5 + 1, slot=n % 3, site=n % 2) for n in range(600)]
    told = await ship(counts, shipment(1, events))
    assert {(row.creative, row.slot, row.site): row.count for row in told.rows} == Counter(
        (one.creative, one.slot, one.site) for one in events
    )

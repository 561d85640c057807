"""Checking: totals are what hours and days add up to, and what is not is named."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from adserver.core.events import Metric
from adserver.store.checking import Disagreement, check
from adserver.store.keys import Keys
from adserver.store.live_totals import METRICS
from adserver.store.totals import StoredTotals
from tests.factories import NOW
from tests.store.filled import fill


@pytest.fixture(params=[1, 4])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys("blog", request.param)


def test_what_was_counted_and_folded_agrees(store: Any, store_url: str, keys: Keys) -> None:
    fill(store_url, keys)
    checked = check(store, keys)
    assert checked.disagreements == []
    assert (checked.hours, checked.days) == (keys.shards, keys.shards)
    assert checked.totals >= 10


def test_an_empty_store_agrees(store: Any, keys: Keys) -> None:
    assert check(store, keys).disagreements == []


def test_a_total_that_says_something_else_is_named(store: Any, store_url: str, keys: Keys) -> None:
    fill(store_url, keys)
    rows = int(store.hget(keys.totals(0), "i:1"))
    store.hincrby(keys.totals(0), "i:1", 5)
    store.hset(keys.totals(0), "c:77", 2)
    assert check(store, keys).disagreements == [
        Disagreement(0, "", "", 77, Metric.CLICK, 2, 0),
        Disagreement(0, "brulerie", "bandeau", 1, Metric.IMPRESSION, rows + 5, rows),
    ]


@pytest.mark.parametrize("kind", ["counts", "daily"])
def test_rows_that_are_gone_are_missed(store: Any, store_url: str, keys: Keys, kind: str) -> None:
    fill(store_url, keys)
    shard = keys.shards - 1
    [key] = store.scan_iter(f"blog:{{{shard}}}:{kind}:*")
    store.delete(key)
    found = check(store, keys).disagreements
    assert found
    assert {one.shard for one in found} == {shard}
    assert all(one.totals > one.rows for one in found)


def test_rows_that_reports_do_not_find_are_missed_too(
    store: Any, store_url: str, keys: Keys
) -> None:
    fill(store_url, keys)
    store.delete(keys.days(0))
    assert check(store, keys).disagreements


def test_a_shard_that_makes_up_for_another_is_no_agreement(store: Any, store_url: str) -> None:
    keys = Keys("blog", 4)
    fill(store_url, keys)
    store.hincrby(keys.totals(0), "i:1", 1)
    store.hincrby(keys.totals(1), "i:1", -1)
    assert [one.shard for one in check(store, keys).disagreements] == [0, 1]


def test_what_does_not_count_is_in_no_total(store: Any, keys: Keys) -> None:
    store.zadd(keys.hours(0), {"h": 1})
    store.hset(keys.counts(0, "h"), mapping={"i.duplicate:1:2:3": 4, "r:0:2:3": 9, "u:1:2:3": 1})
    assert check(store, keys).disagreements == []


def test_what_status_reads_is_what_rows_add_up_to(store: Any, store_url: str, keys: Keys) -> None:
    fill(store_url, keys)
    totals = StoredTotals(store, keys)
    counted: Counter[tuple[Metric, int]] = Counter()
    for row in totals.rows(0, NOW * 2):
        if not row.reason and row.metric in METRICS:
            counted[row.metric, row.creative] += row.count
    assert totals.delivered() == counted
    assert counted

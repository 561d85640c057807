"""Counting: every event once, in its row, whatever comes twice, late or in pieces."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Event, Kind, Metric, Outcome
from adserver.core.hour import hour_at
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.embedded import Embedded
from adserver.store.keys import SLACK_SECONDS, TICKETS_PER_BLOCK, Keys
from adserver.store.totals import StoredTotals, delivered
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS

HOUR = hour_at(NOW, ZONE)
LIFE = TICKET_LIFE_SECONDS + SLACK_SECONDS
ACCEPTED, DUPLICATE, UNMATCHED = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.UNMATCHED


def event(kind: Kind = Kind.IMPRESSION, serial: int = 1, **changes: int) -> Event:
    return Event(
        kind, **{"writer": 7, "serial": serial, "creative": 1, "slot": 2, "site": 3, **changes}
    )


IMPRESSION, VIEWABLE, CLICK = (event(kind) for kind in Kind)


def rows(store: Any, keys: Keys) -> dict[str, int]:
    """What the hour has counted: metric, with its reason, to how often."""
    found: Counter[str] = Counter()
    for row in StoredTotals(store, keys).rows(HOUR.begin, HOUR.end):
        found[f"{row.metric}.{row.reason}" if row.reason else str(row.metric)] += row.count
    return dict(found)


@pytest.mark.parametrize("kind", Kind)
async def test_an_event_counts_once_at_its_first_arrival(
    counts: StoredCounts, store: Any, keys: Keys, kind: Kind
) -> None:
    first = UNMATCHED if kind is Kind.CLICK else ACCEPTED
    assert await counts.count(HOUR, [event(kind)]) == [first]
    assert await counts.count(HOUR, [event(kind)]) == [DUPLICATE]
    letter = kind.word[0]
    assert rows(store, keys)[letter] == 1
    assert rows(store, keys)[f"{letter}.duplicate"] == 1


async def test_the_three_events_of_a_ticket_do_not_get_in_each_others_way(
    counts: StoredCounts,
) -> None:
    assert await counts.count(HOUR, [IMPRESSION, VIEWABLE, CLICK]) == [ACCEPTED] * 3
    assert await counts.count(HOUR, [CLICK, IMPRESSION, VIEWABLE]) == [DUPLICATE] * 3


async def test_of_two_alike_in_one_batch_the_first_counts(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    batch = [IMPRESSION, event(serial=2), IMPRESSION, IMPRESSION]
    assert await counts.count(HOUR, batch) == [ACCEPTED, ACCEPTED, DUPLICATE, DUPLICATE]
    assert rows(store, keys) == {"i": 2, "i.duplicate": 2}


async def test_a_click_without_an_impression_counts_and_is_shown_apart(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    assert await counts.count(HOUR, [CLICK]) == [UNMATCHED]
    assert await counts.count(HOUR, [IMPRESSION]) == [ACCEPTED]
    assert await counts.count(HOUR, [event(Kind.CLICK, serial=2)]) == [UNMATCHED]
    assert rows(store, keys) == {"c": 2, "u": 2, "i": 1}


async def test_a_click_that_comes_with_its_impression_matches_it_in_either_order(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    batch = [CLICK, IMPRESSION, event(serial=2), event(Kind.CLICK, serial=2)]
    assert await counts.count(HOUR, batch) == [ACCEPTED] * 4
    assert "u" not in rows(store, keys)


async def test_the_same_serial_of_two_writers_is_two_tickets(counts: StoredCounts) -> None:
    batch = [event(writer=1), event(writer=2), event(writer=2**32 - 1)]
    assert await counts.count(HOUR, batch) == [ACCEPTED] * 3
    assert await counts.count(HOUR, batch) == [DUPLICATE] * 3


async def test_outcomes_come_in_the_order_of_the_events_across_bitmaps(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    edge = TICKETS_PER_BLOCK
    serials = [edge, 0, edge - 1, 2**32 - 1, edge * 2]
    assert await counts.count(HOUR, [event(serial=s) for s in serials[1::2]]) == [ACCEPTED] * 2
    expected = [ACCEPTED, DUPLICATE, ACCEPTED, DUPLICATE, ACCEPTED]
    assert await counts.count(HOUR, [event(serial=s) for s in serials]) == expected
    assert len(store.keys("*:seen:*")) == 4


async def test_a_full_batch_of_one_bitmap_is_one_call(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    batch = [event(serial=n) for n in range(MAX_EVENTS_PER_BATCH)]
    assert set(await counts.count(HOUR, batch)) == {ACCEPTED}
    assert set(await counts.count(HOUR, batch)) == {DUPLICATE}
    assert rows(store, keys) == {"i": 1_000, "i.duplicate": 1_000}


async def test_a_full_batch_of_as_many_bitmaps_is_one_call(counts: StoredCounts) -> None:
    batch = [event(writer=n) for n in range(MAX_EVENTS_PER_BATCH)]
    assert set(await counts.count(HOUR, batch)) == {ACCEPTED}
    assert set(await counts.count(HOUR, batch)) == {DUPLICATE}


async def test_a_row_has_the_numbers_of_its_event_however_large(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    largest = {"creative": 2**32 - 1, "slot": 2**16 - 1, "site": 2**8 - 1}
    await counts.count(HOUR, [event(**largest)])
    [row] = StoredTotals(store, keys).rows(HOUR.begin, HOUR.end)
    assert {name: getattr(row, name) for name in largest} == largest
    assert (row.hour, row.metric, row.count) == (HOUR.begin, Metric.IMPRESSION, 1)


async def test_totals_are_what_counted_ever(
    counts: StoredCounts, beside: redis.asyncio.Redis, keys: Keys
) -> None:
    later = hour_at(NOW + 3600, ZONE)
    await counts.count(HOUR, [IMPRESSION, IMPRESSION, CLICK, event(serial=2, creative=9)])
    await counts.count(later, [event(serial=3), IMPRESSION])
    assert await delivered(beside, keys) == {
        (Metric.IMPRESSION, 1): 2,
        (Metric.IMPRESSION, 9): 1,
        (Metric.CLICK, 1): 1,
    }


async def test_bits_live_as_long_as_tickets_from_the_last_event_on(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.count(HOUR, [IMPRESSION])
    bitmap = keys.seen(0, 7, 0)
    assert LIFE - 5 <= store.ttl(bitmap) <= LIFE
    store.expire(bitmap, 60)
    await counts.count(HOUR, [CLICK])
    assert store.ttl(bitmap) > 60


TALLIES = {("r", 0, 2, 3): 5, ("s", 1, 2, 3): 4, ("n.no_campaign", 0, 2, 3): 1}


async def test_tallies_of_a_sequence_are_added_once(
    counts: StoredCounts, store: Any, beside: redis.asyncio.Redis, keys: Keys
) -> None:
    for sequence in (1, 1, 2, 1, 2):
        await counts.add(HOUR, 7, sequence, TALLIES)
    assert rows(store, keys) == {"r": 10, "s": 8, "n.no_campaign": 2}
    assert await delivered(beside, keys) == {(Metric.SERVED, 1): 8}


async def test_each_writer_has_sequences_of_its_own(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.add(HOUR, 7, 5, TALLIES)
    await counts.add(HOUR, 8, 1, TALLIES)
    assert rows(store, keys)["s"] == 8
    assert 0 < store.ttl(keys.ledger(0, 8)) <= LIFE


async def test_a_store_that_forgot_its_scripts_is_told_them_again(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.count(HOUR, [IMPRESSION])
    await counts.add(HOUR, 7, 1, TALLIES)
    store.script_flush()
    assert await counts.count(HOUR, [IMPRESSION, CLICK]) == [DUPLICATE, ACCEPTED]
    await counts.add(HOUR, 7, 2, TALLIES)
    assert rows(store, keys)["s"] == 8


async def test_a_cut_connection_is_told_and_the_next_call_works(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.count(HOUR, [IMPRESSION])
    store.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(StoreUnavailable):
        await counts.count(HOUR, [VIEWABLE])
    assert await counts.count(HOUR, [VIEWABLE]) == [ACCEPTED]
    assert rows(store, keys) == {"i": 1, "v": 1}


async def test_a_store_that_stalls_is_not_waited_for_and_nothing_counts_twice(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await counts.count(HOUR, [IMPRESSION])
    store.client_pause(60_000, all=False)
    with pytest.raises(StoreUnavailable):
        await counts.count(HOUR, [VIEWABLE, CLICK])
    store.client_unpause()
    assert len(await counts.count(HOUR, [VIEWABLE, CLICK, event(serial=2)])) == 3
    found = rows(store, keys)
    assert (found["v"], found["c"], found["i"]) == (1, 1, 2)


async def test_a_key_of_another_type_is_a_store_that_cannot_be_used(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    store.set(keys.totals(0), "not a hash")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await counts.count(HOUR, [IMPRESSION])
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await counts.add(HOUR, 7, 1, TALLIES)


async def test_a_store_that_was_stopped_is_used_again_when_it_is_back(tmp_path, keys: Keys) -> None:
    embedded = Embedded(tmp_path)
    with embedded.used(stop_if_last=True) as url:
        connection = async_client(url)
        counts = StoredCounts(connection, keys, TICKET_LIFE_SECONDS)
        assert await counts.count(HOUR, [IMPRESSION]) == [ACCEPTED]
        with redis.Redis.from_url(url) as admin:
            admin.shutdown(nosave=True)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await counts.count(HOUR, [CLICK])
        embedded.ensure()
        assert await counts.count(HOUR, [IMPRESSION, CLICK]) == [DUPLICATE, ACCEPTED]
        await connection.aclose()


async def test_a_writers_number_is_claimed_for_as_long_as_its_tickets_live(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    claimed = {await counts.claim_writer() for _ in range(20)}
    assert len(claimed) == 20
    assert all(0 <= writer < 2**32 for writer in claimed)
    one = keys.writer(claimed.pop())
    store.expire(one, 60)
    await counts.keep_writer(int(one.rpartition(":")[2]))
    assert LIFE - 5 <= store.ttl(one) <= LIFE


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(Kind),
        st.sampled_from([0, 1, TICKETS_PER_BLOCK - 1, TICKETS_PER_BLOCK]),
        writer=st.integers(1, 2),
        creative=st.integers(1, 2),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVENTS, max_size=4), st.integers(1, 2**31))
async def test_whatever_the_batches_counting_agrees_with_a_set(
    counts: StoredCounts, store: Any, keys: Keys, batches: list[list[Event]], writers: int
) -> None:
    store.flushall()
    seen: set[tuple[int, int, Kind]] = set()
    for batch in batches:
        moved = [one._replace(writer=one.writer + writers) for one in batch]
        expected: list[Outcome | None] = []
        for one in moved:
            mark = (one.writer, one.serial, one.kind)
            expected.append(DUPLICATE if mark in seen else None)
            seen.add(mark)
        outcomes = await counts.count(HOUR, moved)
        for one, outcome, wanted in zip(moved, outcomes, expected, strict=True):
            matched = (
                one.kind is not Kind.CLICK or (one.writer, one.serial, Kind.IMPRESSION) in seen
            )
            assert outcome is (wanted or (ACCEPTED if matched else UNMATCHED))

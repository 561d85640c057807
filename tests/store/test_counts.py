"""Counting: what a journal ships is applied whole, once, and where the ledger says it belongs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adserver.core.batch import NOTHING, Mark, Part, Shipment
from adserver.core.errors import StoreUnavailable
from adserver.core.events import METRIC_OF, Event, Kind, Metric, Tally
from adserver.core.hour import Hour, hour_at
from adserver.core.ports.serving import Source, Told
from adserver.core.record import pack_event, pack_tallies
from adserver.store.counts import StoredCounts
from adserver.store.keys import SLACK_SECONDS, Keys
from adserver.store.totals import StoredTotals, delivered
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.shipping import event

HOUR = hour_at(NOW, ZONE)
SOURCE = Source(writer=7, epoch=1)
LIFE = 2 * TICKET_LIFE_SECONDS + SLACK_SECONDS
BLOCK = 65_536
IMPRESSION, VIEWABLE, CLICK = (event(kind) for kind in Kind)
TALLIES: Mapping[Tally, int] = {
    ("r", 0, 2, 3): 5,
    ("s", 1, 2, 3): 4,
    ("n.no_campaign", 0, 2, 3): 1,
}


def mark(sequence: int) -> Mark:
    return Mark(sequence, 4_294_967_295 - sequence) if sequence else NOTHING


def shipment(
    sequence: int = 1,
    events: Iterable[Event] = (),
    tallies: Mapping[Tally, int] | None = None,
    *,
    after: int | None = None,
    hour: Hour = HOUR,
) -> Shipment:
    """after: the record before; the one numbered before it, if it is not said."""
    packed = b"".join(map(pack_event, events))
    part = Part(*mark(sequence), hour, packed, pack_tallies((tallies or {}).items()))
    return Shipment(mark(sequence - 1 if after is None else after), (part,))


async def ship(counts: StoredCounts, *shipments: Shipment) -> Told:
    for one in shipments:
        told = await counts.apply(SOURCE, 0, one)
    return told


async def ledger(counts: StoredCounts, source: Source = SOURCE, shard: int = 0) -> Mark:
    return (await counts.ledger(source, shard)).mark


def rows(store: Any, keys: Keys) -> dict[str, int]:
    """What the hour has counted: metric, with its reason, to how often."""
    found: Counter[str] = Counter()
    for row in StoredTotals(store, keys).rows(HOUR.begin, HOUR.end):
        found[f"{row.metric}.{row.reason}" if row.reason else str(row.metric)] += row.count
    return dict(found)


def added(told: Told) -> dict[str, int]:
    """The same of an answer."""
    assert all(row.hour == HOUR.begin for row in told.rows)
    found: Counter[str] = Counter()
    for row in told.rows:
        found[f"{row.metric}.{row.reason}" if row.reason else str(row.metric)] += row.count
    return dict(found)


def everything(store: Any) -> dict[bytes, bytes]:
    return {key: store.dump(key) for key in store.scan_iter()}


async def test_a_shipment_is_applied_and_the_ledger_says_so(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    assert await ledger(counts) == NOTHING
    told = await ship(counts, shipment(5, [IMPRESSION, VIEWABLE, CLICK], TALLIES, after=0))
    assert told.mark == await ledger(counts) == mark(5)
    assert added(told) == {"i": 1, "v": 1, "c": 1}, "what the events added, not the tallies"
    assert rows(store, keys) == {"i": 1, "v": 1, "c": 1, "r": 5, "s": 4, "n.no_campaign": 1}


async def test_sending_it_again_changes_nothing_and_is_answered_as_the_first_time(
    counts: StoredCounts, store: Any
) -> None:
    sent = shipment(1, [IMPRESSION, CLICK, CLICK], TALLIES)
    first = await ship(counts, sent)
    before = everything(store)
    again = await ship(counts, sent)
    assert again.mark == first.mark
    assert sorted(map(str, again.rows)) == sorted(map(str, first.rows))
    assert everything(store) == before


async def test_where_the_ledger_says_something_else_nothing_is_applied(
    counts: StoredCounts, store: Any
) -> None:
    await ship(counts, shipment(1, [IMPRESSION]), shipment(2, [VIEWABLE]))
    before = everything(store)
    stale = shipment(1, [event(serial=9)], TALLIES)
    early = shipment(4, [event(serial=9)], TALLIES)
    other = Shipment(Mark(2, 12), early.parts)
    for refused in (stale, early, other):
        told = await ship(counts, refused)
        assert told.mark == mark(2)
        assert added(told) == {"v": 1}, "what the last shipment that was applied added"
    assert everything(store) == before


async def test_a_sequence_that_begins_like_the_ledgers_is_not_the_ledgers(
    counts: StoredCounts,
) -> None:
    await ship(counts, shipment(1, [IMPRESSION]))
    sequence, digest = mark(1)
    for previous in (Mark(sequence, digest // 10), Mark(11, digest), NOTHING):
        told = await ship(counts, Shipment(previous, shipment(2, [VIEWABLE]).parts))
        assert told.mark == mark(1)


async def test_an_emptied_store_answers_that_it_has_nothing(
    counts: StoredCounts, store: Any
) -> None:
    await ship(counts, shipment(1, [IMPRESSION]))
    store.flushall()
    assert await ship(counts, shipment(2, [VIEWABLE])) == Told(NOTHING, [])
    assert not everything(store)
    told = await ship(counts, shipment(2, [IMPRESSION, VIEWABLE], after=0))
    assert (told.mark, added(told)) == (mark(2), {"i": 1, "v": 1})


async def test_each_journal_has_a_ledger_of_its_own(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    for source in (SOURCE, Source(7, 2), Source(8, 1), Source(2**32 - 1, 2**32 - 1)):
        told = await counts.apply(source, 0, shipment(1, [IMPRESSION], TALLIES))
        assert told.mark == await ledger(counts, source) == mark(1)
    assert rows(store, keys)["s"] == 16
    assert rows(store, keys)["i.duplicate"] == 3, "but a ticket's bits are everybody's"


async def test_a_shipment_of_several_records_is_applied_together(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    parts = [shipment(n, [event(serial=n)], TALLIES).parts[0] for n in (1, 2, 4)]
    told = await ship(counts, Shipment(NOTHING, tuple(parts)))
    assert told.mark == mark(4)
    assert rows(store, keys) == {"i": 3, "r": 15, "s": 12, "n.no_campaign": 3}


async def test_totals_are_what_counted_ever(
    counts: StoredCounts, beside: redis.asyncio.Redis, keys: Keys
) -> None:
    later = hour_at(NOW + 3600, ZONE)
    first = [IMPRESSION, IMPRESSION, CLICK, event(serial=2, creative=9)]
    await ship(counts, shipment(1, first, TALLIES))
    await ship(counts, shipment(2, [event(serial=3), IMPRESSION], TALLIES, hour=later))
    assert await delivered(beside, keys) == {
        (Metric.IMPRESSION, 1): 2,
        (Metric.IMPRESSION, 9): 1,
        (Metric.CLICK, 1): 1,
        (Metric.SERVED, 1): 8,
    }


async def test_creatives_whose_totals_changed_have_the_number_of_the_change(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await ship(counts, shipment(1, [IMPRESSION, event(serial=2, creative=9)]))
    await ship(counts, shipment(2, [CLICK], {("s", 4, 2, 3): 1}))
    await ship(counts, shipment(3, [IMPRESSION], {("n.no_campaign", 5, 2, 3): 1}))
    changes = dict(store.zrange(keys.changes(0), 0, -1, withscores=True))
    assert changes == {b"1": 2, b"9": 1, b"4": 2}, "a duplicate changes no total"
    assert store.get(keys.change(0)) == b"2"


async def test_bits_and_ledger_live_as_long_as_they_may_be_asked_for_from_the_last_use_on(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    mortal = [keys.seen(0, 7, 0), keys.ledger(0, *SOURCE)]
    await ship(counts, shipment(1, [IMPRESSION]))
    assert all(LIFE - 5 <= store.ttl(key) <= LIFE for key in mortal)
    for key in mortal:
        store.expire(key, 60)
    await ship(counts, shipment(2, [IMPRESSION]))
    assert all(LIFE - 5 <= store.ttl(key) <= LIFE for key in mortal)


async def test_a_worker_keeps_its_number_and_the_ledgers_of_its_journals(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", shards=3)
    counts = StoredCounts(beside, keys, TICKET_LIFE_SECONDS)
    adopted = Source(8, 5)
    for source, shard in [(SOURCE, 0), (SOURCE, 2), (adopted, 1)]:
        await counts.apply(source, shard, shipment(1, [IMPRESSION]))
    kept = [keys.ledger(0, *SOURCE), keys.ledger(2, *SOURCE), keys.ledger(1, *adopted)]
    for key in kept:
        store.expire(key, 60)
    await counts.keep([SOURCE, adopted])
    for key in [*kept, keys.writer(7), keys.writer(8)]:
        assert LIFE - 5 <= store.ttl(key) <= LIFE, key
    assert not store.exists(keys.ledger(1, *SOURCE)), "none is made of nothing"


async def test_a_writers_number_is_claimed_for_as_long_as_its_tickets_live(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    claimed = {await counts.claim_writer() for _ in range(20)}
    assert len(claimed) == 20
    assert all(0 <= writer < 2**32 for writer in claimed)
    assert all(LIFE - 5 <= store.ttl(keys.writer(writer)) <= LIFE for writer in claimed)


async def test_shards_are_counted_apart_and_told_together(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    keys = Keys("blog", shards=2)
    counts = StoredCounts(beside, keys, TICKET_LIFE_SECONDS)
    assert counts.shards == 2
    for shard in range(2):
        told = await counts.apply(SOURCE, shard, shipment(shard + 3, [CLICK], TALLIES, after=0))
        assert told.mark == await ledger(counts, shard=shard) == mark(shard + 3)
    assert rows(store, keys)["s"] == 8
    assert (await delivered(beside, keys))[Metric.SERVED, 1] == 8


@pytest.mark.parametrize("name", ["counts", "totals", "hours", "changes", "change", "seen"])
async def test_a_key_of_another_type_stops_a_shipment_before_it_has_changed_anything(
    counts: StoredCounts, store: Any, keys: Keys, name: str
) -> None:
    await ship(counts, shipment(1, [event(serial=8)], TALLIES))
    key = {
        "counts": keys.counts(0, HOUR.name),
        "totals": keys.totals(0),
        "hours": keys.hours(0),
        "changes": keys.changes(0),
        "change": keys.change(0),
        "seen": keys.seen(0, 9, 1),
    }[name]
    kept = store.dump(key)
    store.delete(key)
    store.rpush(key, "neither string nor hash nor sorted set")
    before = everything(store)
    sent = shipment(2, [IMPRESSION, event(writer=9, serial=BLOCK), event(writer=10)], TALLIES)
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await ship(counts, sent)
    assert everything(store) == before
    store.delete(key)
    if kept is not None:
        store.restore(key, 0, kept)
    assert added(await ship(counts, sent)) == {"i": 3}, "none of them was taken before"


async def test_a_ledger_of_another_type_is_a_store_that_cannot_be_used(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    store.rpush(keys.ledger(0, *SOURCE), "not a ledger")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await ship(counts, shipment(1, [IMPRESSION]))
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await ledger(counts)
    assert len(everything(store)) == 1


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(Kind),
        st.sampled_from([0, 1, BLOCK - 1, BLOCK]),
        writer=st.integers(1, 2),
        creative=st.integers(1, 2),
    ),
    max_size=12,
)
SENT = st.tuples(EVENTS, st.sampled_from([{}, TALLIES]), st.integers(0, 3))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENT, max_size=6))
async def test_whatever_is_shipped_counting_agrees_with_a_set(
    counts: StoredCounts,
    store: Any,
    keys: Keys,
    sent: list[tuple[list[Event], Mapping[Tally, int], int]],
) -> None:
    """Each as if it came behind one of the records that were applied before, right or wrong."""
    store.flushall()
    seen: set[tuple[int, int, Kind]] = set()
    expected: Counter[str] = Counter()
    said = 0
    for sequence, (events, tallies, back) in enumerate(sent, 1):
        after = max(0, said - back)
        told = await ship(counts, shipment(sequence, events, tallies, after=after))
        if after == said:
            said = sequence
            now = counted(events, seen)
            assert added(told) == dict(now)
            expected += now
            expected.update({what: count for (what, *_), count in tallies.items()})
        assert told.mark == mark(said)
        assert rows(store, keys) == dict(expected)


def counted(events: list[Event], seen: set[tuple[int, int, Kind]]) -> Counter[str]:
    """What a shipment's events add, where these are already counted; they become so."""
    found: Counter[str] = Counter()
    fresh, before = [], seen.copy()
    for one in events:
        letter = METRIC_OF[one.kind].value
        if (one.writer, one.serial, one.kind) in seen:
            found[f"{letter}.duplicate"] += 1
        else:
            seen.add((one.writer, one.serial, one.kind))
            found[letter] += one.kind is not Kind.VIEWABLE
            fresh.append(one)
    for one in fresh:
        shown = (one.writer, one.serial, Kind.IMPRESSION) in seen
        found["u"] += one.kind is Kind.CLICK and not shown
        found["w"] += one.kind is Kind.VIEWABLE and not shown
        found["v"] += one.kind is Kind.VIEWABLE and shown
        waited_for = (one.writer, one.serial, Kind.VIEWABLE) in before
        found["v"] += one.kind is Kind.IMPRESSION and waited_for
    return +found

"""A viewable impression counts with its impression, whichever of them comes last to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import permutations
from random import Random
from typing import Any

import pytest
import redis.asyncio

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.events import Event, Kind
from adserver.core.goals import Limits, Unit
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from tests.factories import NOW
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.desk import CAMPAIGN, CREATIVE, Desk, Worker
from tests.store.shipping import event
from tests.store.test_counts import CLICK, IMPRESSION, VIEWABLE, added, rows, ship, shipment


def viewed(serial: int) -> Event:
    return event(Kind.VIEWABLE, serial)


@pytest.fixture
async def desk(beside: redis.asyncio.Redis, keys: Keys, counts: StoredCounts) -> AsyncIterator[Any]:
    """Of a goal of one impression, whose limit the store knows."""
    leases = StoredLeases(beside, keys, TICKET_LIFE_SECONDS)
    yield Desk(leases, counts, NOW, limits=Limits(Unit.IMPRESSIONS, 1))
    await leases.close()


async def test_viewables_without_an_impression_are_shown_apart_and_do_not_count(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    """As of an address whose impressions are cut by a limit: they are never sent to the store."""
    told = await ship(counts, shipment(1, [viewed(serial) for serial in range(10)]))
    assert added(told) == {"w": 10}
    assert rows(store, keys) == {"w": 10}
    assert store.hgetall(keys.totals(0)) == {}


@pytest.mark.parametrize(
    ("shipments", "early"),
    [
        ([[IMPRESSION], [VIEWABLE]], 0),
        ([[VIEWABLE], [IMPRESSION]], 1),
        ([[IMPRESSION, VIEWABLE]], 0),
        ([[VIEWABLE, IMPRESSION]], 0),
        ([[VIEWABLE, CLICK], [IMPRESSION]], 1),
    ],
)
async def test_it_counts_once_its_impression_has(
    counts: StoredCounts, store: Any, keys: Keys, shipments: list[list[Event]], early: int
) -> None:
    for sequence, events in enumerate(shipments, 1):
        told = await ship(counts, shipment(sequence, events))
    assert added(told)["v"] == 1, "told to who ships what came last"
    found = rows(store, keys)
    assert (found["i"], found["v"], found.get("w", 0)) == (1, 1, early)
    assert store.hget(keys.totals(0), "v:1") == b"1"
    # Once more, as where the answer was lost; then as new events.
    await ship(counts, shipment(len(shipments), shipments[-1]))
    assert rows(store, keys) == found
    await ship(counts, shipment(9, [VIEWABLE, IMPRESSION, VIEWABLE], after=len(shipments)))
    assert rows(store, keys) == found | {"i.duplicate": 1, "v.duplicate": 2}


@pytest.mark.parametrize(
    "order", sorted(set(permutations([IMPRESSION, VIEWABLE, VIEWABLE, IMPRESSION])))
)
async def test_duplicates_in_one_shipment_change_nothing(
    counts: StoredCounts, order: tuple[Event, ...]
) -> None:
    told = await ship(counts, shipment(1, order))
    assert added(told) == {"i": 1, "v": 1, "i.duplicate": 1, "v.duplicate": 1}


@pytest.mark.parametrize("seed", range(4))
async def test_what_counts_does_not_depend_on_the_order_of_arrival(
    counts: StoredCounts, store: Any, keys: Keys, seed: int
) -> None:
    rng = Random(seed)
    events = [event(kind, serial) for serial in range(40) for kind in Kind if rng.random() < 0.6]
    both = {e.serial for e in events if e.kind is Kind.IMPRESSION}
    both &= {e.serial for e in events if e.kind is Kind.VIEWABLE}
    events += rng.choices(events, k=20)
    rng.shuffle(events)
    sequence = 0
    while events:
        many = rng.randint(1, 8)
        sequence += 1
        await ship(counts, shipment(sequence, events[:many]))
        del events[:many]
    assert rows(store, keys)["v"] == len(both)


async def test_a_full_shipment_of_impressions_that_were_waited_for(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    many = MAX_EVENTS_PER_BATCH
    await ship(counts, shipment(1, [viewed(serial) for serial in range(many)]))
    told = await ship(counts, shipment(2, [event(serial=serial) for serial in range(many)]))
    assert added(told) == {"i": many, "v": many}
    assert rows(store, keys) == {"i": many, "v": many, "w": many}


def of_the_goal(kind: Kind, serial: int) -> Event:
    """Its room, if it takes any, has lapsed: it counts if there is some left."""
    until = int(NOW) + 1 if kind is Kind.IMPRESSION else 0
    return event(kind, serial, creative=CREATIVE, campaign=CAMPAIGN, until=until)


SHOWN, SEEN = (
    [of_the_goal(kind, serial) for serial in (1, 2)] for kind in (Kind.IMPRESSION, Kind.VIEWABLE)
)


@pytest.mark.parametrize(
    ("shipments", "apart"),
    [
        ([[SEEN[1]], SHOWN], {"w": 1}),
        ([SHOWN, [SEEN[1]]], {"v.duplicate": 1}),
        ([[*SHOWN, SEEN[1]]], {"w": 1}),
        ([[SEEN[1], *SHOWN]], {"w": 1}),
        ([[SHOWN[0]], [SEEN[1]], [SHOWN[1]]], {"w": 1}),
    ],
)
async def test_of_an_impression_that_has_lapsed_it_does_not_count(
    desk: Desk, store: Any, keys: Keys, shipments: list[list[Event]], apart: dict[str, int]
) -> None:
    await know_the_limit(desk)
    for sequence, events in enumerate(shipments, 1):
        await ship(desk.counts, shipment(sequence, events))
    assert rows(store, keys) == {"i": 1, "i.lapsed": 1} | apart
    await ship(desk.counts, shipment(9, [SEEN[1], SEEN[0]], after=len(shipments)))
    assert rows(store, keys)["v"] == 1, "of the one that counts"


async def know_the_limit(desk: Desk) -> None:
    """The store knows it from a worker that has asked for room and given all of it back."""
    worker = Worker(desk, 1)
    await worker.ask()
    await desk.leave(worker.room, worker.spoken())

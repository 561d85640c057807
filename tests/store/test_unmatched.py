"""Clicks on ads that have no impression so far: by choice counted, tried or discarded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import redis.asyncio

from adserver.core.events import Event, Kind
from adserver.core.goals import Limits, Unit
from adserver.core.invalid import Mode
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from tests.factories import NOW
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.desk import CAMPAIGN, CREATIVE, Desk, Worker
from tests.store.shipping import event
from tests.store.test_counts import CLICK, IMPRESSION, SOURCE, added, rows, ship, shipment

MATCHED = CLICK._replace(matched=True)


@pytest.fixture
def discarding(beside: redis.asyncio.Redis, keys: Keys) -> StoredCounts:
    return StoredCounts(beside, keys, TICKET_LIFE_SECONDS, Mode.DISCARD)


@pytest.fixture
async def desk(beside: Any, keys: Keys, discarding: StoredCounts) -> AsyncIterator[Desk]:
    leases = StoredLeases(beside, keys, TICKET_LIFE_SECONDS)
    yield Desk(leases, discarding, NOW, limits=Limits(Unit.CLICKS, 100, 40))
    await leases.close()


@pytest.mark.parametrize(
    ("mode", "counted"),
    [
        (Mode.OFF, {"c": 1, "u": 1}),
        (Mode.DRY_RUN, {"c": 1, "u": 1, "C.unmatched": 1}),
        (Mode.DISCARD, {"c.unmatched": 1}),
    ],
)
async def test_it_becomes_of_them_what_the_operator_has_set(
    beside: redis.asyncio.Redis, store: Any, keys: Keys, mode: Mode, counted: dict[str, int]
) -> None:
    counts = StoredCounts(beside, keys, TICKET_LIFE_SECONDS, mode)
    assert added(await ship(counts, shipment(1, [CLICK]))) == counted
    assert rows(store, keys) == counted
    total = int(store.hget(keys.totals(0), "c:1") or 0)
    assert total == counted.get("c", 0), "what paces and bills"
    # Once more, as where its answer was lost: nothing is added.
    await counts.apply(SOURCE, 0, shipment(1, [CLICK]))
    assert rows(store, keys) == counted


async def test_a_click_with_an_impression_counts_whichever_comes_first(
    discarding: StoredCounts,
) -> None:
    events = [CLICK, IMPRESSION, event(serial=2), event(Kind.CLICK, serial=2)]
    assert added(await ship(discarding, shipment(1, events))) == {"i": 2, "c": 2}
    await ship(discarding, shipment(2, [event(serial=3)]))
    told = await ship(discarding, shipment(3, [event(Kind.CLICK, serial=3)]))
    assert added(told) == {"c": 1}


async def test_a_click_whose_impression_is_known_to_be_on_its_way_counts(
    discarding: StoredCounts,
) -> None:
    assert added(await ship(discarding, shipment(1, [MATCHED]))) == {"c": 1}
    # However it was known, it is the same click.
    assert added(await ship(discarding, shipment(2, [CLICK, MATCHED]))) == {"c.duplicate": 2}
    assert added(await ship(discarding, shipment(3, [IMPRESSION]))) == {"i": 1}


async def test_a_discarded_click_has_had_its_arrival(discarding: StoredCounts) -> None:
    await ship(discarding, shipment(1, [CLICK]))
    told = await ship(discarding, shipment(2, [IMPRESSION, CLICK, MATCHED]))
    assert added(told) == {"i": 1, "c.duplicate": 2}


async def test_of_two_rows_that_are_alike_only_the_unmatched_are_discarded(
    discarding: StoredCounts,
) -> None:
    clicks = [event(Kind.CLICK, serial=n) for n in range(1, 8)]
    shown = [event(serial=n) for n in range(1, 4)]
    told = await ship(discarding, shipment(1, [*shown, *clicks]))
    assert added(told) == {"i": 3, "c": 3, "c.unmatched": 4}


def click(worker: Worker, *, matched: bool) -> None:
    """One that takes room of the worker's lease."""
    served = worker.serve()
    worker.journal.accept(
        worker.desk.now,
        Event(
            Kind.CLICK,
            served.writer,
            served.serial,
            CREATIVE,
            1,
            1,
            CAMPAIGN,
            served.until,
            matched,
        ),
    )


async def test_room_that_a_discarded_click_has_taken_is_free_at_once(desk: Desk) -> None:
    worker = Worker(desk, 1)
    first = await worker.ask()
    assert first.granted >= 3
    for _ in range(3):
        click(worker, matched=False)
    await worker.ship()
    grant = await worker.ask()
    assert (grant.delivered, grant.free, grant.reserved) == (
        0,
        100 - grant.reserved,
        worker.room.left,
    )
    assert grant.free_today == 40 - grant.reserved


async def test_control_room_of_clicks_that_count_is_not(desk: Desk) -> None:
    worker = Worker(desk, 1)
    await worker.ask()
    for _ in range(3):
        click(worker, matched=True)
    await worker.ship()
    grant = await worker.ask()
    assert (grant.delivered, grant.free) == (3, 97 - grant.reserved)
    assert grant.free_today == 37 - grant.reserved


async def test_the_last_room_is_for_the_click_that_counts(desk: Desk) -> None:
    desk.limits = Limits(Unit.CLICKS, 1)
    worker = Worker(desk, 1)
    await worker.ask()
    for matched in (False, True):
        late = Event(Kind.CLICK, 9, int(matched), CREATIVE, 1, 1, CAMPAIGN, int(NOW) + 1, matched)
        worker.journal.accept(desk.now, late)
    await worker.ship()
    assert (await worker.ask()).delivered == 1


@pytest.mark.parametrize("seed", range(5))
async def test_a_goal_is_met_by_clicks_that_count_and_by_all_of_them(desk: Desk, seed: int) -> None:
    """Whatever comes in which order, with room or in doubt, now and then sent again."""
    rng, goal = Random(seed), 12
    desk.limits = Limits(Unit.CLICKS, goal)
    workers = [Worker(desk, 1), Worker(desk, 2)]
    good = 0
    for _ in range(60):
        worker = rng.choice(workers)
        await worker.ask()
        worker.serial += 1
        matched = rng.random() < 0.4
        until = worker.room.take(desk.now) or int(desk.now) + 1
        good += matched
        worker.journal.accept(
            desk.now,
            Event(
                Kind.CLICK, worker.writer, worker.serial, CREATIVE, 1, 1, CAMPAIGN, until, matched
            ),
        )
        await worker.ship()
        if rng.random() < 0.2:
            await desk.ship(worker.journal, rng.randrange(worker.journal.shipped))
    # What others have leased and not used is theirs until it lapses.
    left = sum(worker.room.left for worker in workers)
    [delivered] = {(await worker.ask()).delivered for worker in workers}
    assert min(good, goal - left) <= delivered <= min(good, goal)


async def test_control_where_none_is_discarded_they_use_the_goal_up(
    desk: Desk, beside: redis.asyncio.Redis, keys: Keys
) -> None:
    desk.counts = StoredCounts(beside, keys, TICKET_LIFE_SECONDS)
    desk.limits = Limits(Unit.CLICKS, 3)
    worker = Worker(desk, 1)
    for serial in range(9):
        await worker.ask()
        until = worker.room.take(desk.now) or int(desk.now) + 1
        clicked = Event(Kind.CLICK, 1, serial, CREATIVE, 1, 1, CAMPAIGN, until, serial >= 6)
        worker.journal.accept(desk.now, clicked)
        await worker.ship()
    assert (await worker.ask()).delivered == 3, "and none of them had an impression"

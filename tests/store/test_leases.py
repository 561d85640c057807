"""Room of campaigns with limits, on both stores: leased, confirmed, given back, lapsed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from math import log
from random import Random
from typing import Any

import pytest

from adserver.core.days import day_around
from adserver.core.events import Kind
from adserver.core.goals import Limits, Unit
from adserver.core.hour import hour_at
from adserver.core.leases import Room
from adserver.core.ports.commands import Reserved
from adserver.core.ports.serving import Source, Spoken
from adserver.core.reasons import Reason
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredKnownLeases, StoredLeases
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.desk import CAMPAIGN, CREATIVE, GONE, Desk, Ticket, Worker

FAR, NEAR = 600, 45
SILENT = 300


@pytest.fixture
async def desk(beside: Any, keys: Keys, counts: StoredCounts) -> AsyncIterator[Desk]:
    leases = StoredLeases(beside, keys, TICKET_LIFE_SECONDS)
    yield Desk(leases, counts, NOW)
    await leases.close()


def counted(store: Any, keys: Keys, metric: str = "i") -> int:
    return int(store.hget(keys.totals(0), f"{metric}:{CREATIVE}") or 0)


def lapsed(store: Any, keys: Keys) -> int:
    rows = store.hgetall(keys.counts(0, hour_at(NOW, ZONE).name))
    return sum(int(n) for row, n in rows.items() if row.startswith(b"i.lapsed:"))


async def fill(worker: Worker) -> list[Ticket]:
    """Serve until there is no more room."""
    tickets = []
    while (await worker.ask()).granted or worker.room.left:
        while worker.room.left:
            tickets.append(worker.serve())
    return tickets


async def test_no_more_is_leased_than_there_is(desk: Desk) -> None:
    one, two = Worker(desk, 1), Worker(desk, 2)
    assert len(await fill(one)) + len(await fill(two)) == 10
    assert (one.room.free, one.room.reserved) == (0, 10)
    assert one.room.reason is Reason.GOAL_MET


async def test_what_is_confirmed_is_counted_and_no_longer_reserved(
    desk: Desk, store: Any, keys: Keys
) -> None:
    worker = Worker(desk, 1)
    for ticket in await fill(worker):
        assert worker.shown(ticket)
    await worker.ship()
    grant = await worker.ask()
    assert (grant.granted, grant.free, grant.delivered, grant.reserved) == (0, 0, 10, 0)
    assert counted(store, keys) == 10


async def test_room_that_nobody_confirms_is_leased_again(desk: Desk) -> None:
    worker = Worker(desk, 1)
    first = await fill(worker)
    desk.now = max(ticket.until for ticket in first) + 3
    assert len(await fill(worker)) == 10


async def test_a_beacon_that_comes_too_late_takes_other_room_or_does_not_count(
    desk: Desk, store: Any, keys: Keys
) -> None:
    worker = Worker(desk, 1)
    late = await fill(worker)
    desk.now = max(ticket.until for ticket in late) + 3
    assert not worker.shown(late[0])  # nothing in hand
    await worker.ask()
    assert worker.shown(late[1])
    for ticket in await fill(worker):
        assert worker.shown(ticket)
    await worker.ship()
    assert counted(store, keys) == 10
    assert not worker.shown(late[2])


async def test_what_was_accepted_in_time_counts_however_late_it_is_shipped(
    desk: Desk, store: Any, keys: Keys
) -> None:
    """The room of an event in a journal is taken back only when the journal is known to be in."""
    slow, other = Worker(desk, 1), Worker(desk, 2)
    await slow.ask()
    tickets = await fill(slow)
    for ticket in tickets:
        assert slow.shown(ticket)
    desk.now = max(ticket.until for ticket in tickets) + 30
    await slow.ask()  # says that what it accepted is not in the store
    assert await fill(other) == []
    await slow.ship()
    assert counted(store, keys) == 10


async def test_control_without_a_word_of_its_journal_its_room_is_taken_back(
    desk: Desk, store: Any, keys: Keys
) -> None:
    slow, other = Worker(desk, 1), Worker(desk, 2)
    await desk.ask(slow.room)
    tickets = []
    while slow.room.left:
        tickets.append(slow.serve())
        await desk.ask(slow.room)
    for ticket in tickets:
        assert slow.shown(ticket)
    desk.now = max(ticket.until for ticket in tickets) + 30
    for ticket in await fill(other):
        assert other.shown(ticket)
    await other.ship()
    await slow.ship()
    assert counted(store, keys) == 10  # never more
    assert lapsed(store, keys) == len(tickets)


async def test_a_journal_that_nobody_speaks_for_holds_room_back_for_five_minutes(
    desk: Desk,
) -> None:
    dead, other = Worker(desk, 1), Worker(desk, 2)
    tickets = await fill(dead)
    desk.now = begin = max(ticket.until for ticket in tickets) + 3
    while not (await other.ask()).granted:
        desk.now += 1
        assert desk.now - begin < 2 * SILENT
    assert desk.now - begin > SILENT - FAR


async def test_who_could_not_speak_was_not_silent(desk: Desk) -> None:
    """The store was away from everybody for an hour; whoever comes first takes nothing."""
    one, two = Worker(desk, 1), Worker(desk, 2)
    await fill(one)
    desk.now += 3_600
    grant = await two.ask()
    assert (grant.granted, grant.reserved) == (0, 10)
    await one.ask()
    assert (await two.ask()).free == 8  # both got one


async def test_of_a_journal_that_has_ended_nothing_more_is_awaited(desk: Desk) -> None:
    dead, heir = Worker(desk, 1), Worker(desk, 2)
    tickets = await fill(dead)
    desk.now = max(ticket.until for ticket in tickets) + 3
    assert not (await heir.ask()).granted
    await heir.ask(Spoken(dead.journal.source, 0, 0.0, done=True))
    assert await fill(heir)


async def test_a_store_that_has_rolled_back_waits_for_what_is_sent_again(
    desk: Desk, store: Any, keys: Keys
) -> None:
    worker, other = Worker(desk, 1), Worker(desk, 2)
    tickets = await fill(worker)
    for ticket in tickets:
        assert worker.shown(ticket)
    await worker.ship()
    await worker.ask()
    store.delete(keys.ledger(0, *worker.journal.source), keys.totals(0), keys.through(0))
    store.delete(keys.seen(0, 1, 0))
    store.hset(keys.lease(0, 1), mapping={"reserved": 10, str(tickets[0].until): 10})
    desk.now = tickets[-1].until + 3
    # It has not noticed yet, and says that all is in the store: the ledger says otherwise.
    await worker.ask()
    assert not (await other.ask()).granted
    worker.journal.shipped = 0
    await worker.ship()
    assert counted(store, keys) == 10


async def test_events_of_unknown_room_count_while_there_is_any(
    desk: Desk, store: Any, keys: Keys
) -> None:
    """As after a failover that has lost the lease, but not the journal."""
    desk.limits = Limits(Unit.IMPRESSIONS, 3)
    worker = Worker(desk, 1)
    await worker.ask()
    until = int(desk.now) + 601
    for serial in range(5):
        worker.accept(Ticket(1, serial, until), until)
    await worker.ship()
    assert counted(store, keys) == 2  # the third is reserved
    assert lapsed(store, keys) == 3


async def test_an_event_that_is_sent_twice_takes_room_once(
    desk: Desk, store: Any, keys: Keys
) -> None:
    worker, other = Worker(desk, 1), Worker(desk, 2)
    await worker.ask()
    ticket = worker.serve()
    assert worker.shown(ticket)
    assert other.shown(ticket)
    await worker.ship()
    await other.ship()
    grant = await worker.ask()
    assert (grant.delivered, counted(store, keys)) == (1, 1)
    assert grant.reserved == worker.room.left


async def test_what_creatives_delivered_that_are_gone_is_delivered(
    desk: Desk, store: Any, keys: Keys
) -> None:
    store.hset(keys.totals(0), f"i:{GONE}", 9)
    assert len(await fill(Worker(desk, 1))) == 1


async def test_limits_are_those_of_the_newest_generation(desk: Desk) -> None:
    one, two = Worker(desk, 1), Worker(desk, 2)
    await one.ask()
    desk.generation, desk.limits = 2, Limits(Unit.IMPRESSIONS, 8)
    grant = await two.ask()
    assert (grant.free or 0) + grant.reserved == 8
    desk.generation, desk.limits = 1, Limits(Unit.IMPRESSIONS, 10)
    grant = await one.ask()  # it has not heard of the second yet
    assert (grant.free or 0) + grant.reserved == 8
    desk.generation, desk.limits = 3, Limits(Unit.IMPRESSIONS, 1)
    assert (await two.ask()).free == 0


async def test_what_is_given_back_is_free(desk: Desk) -> None:
    one, two = Worker(desk, 1), Worker(desk, 2)
    await one.ask()
    grant = await desk.leave(one.room)
    assert (grant.granted, grant.free, grant.reserved, one.room.left) == (0, 10, 0, 0)
    assert len(await fill(two)) == 10


async def test_a_worker_without_readers_does_not_keep_the_last_room(desk: Desk) -> None:
    busy, idle = Worker(desk, 1), Worker(desk, 2)
    await idle.ask()
    served = len(await fill(busy))
    assert idle.room.left
    for _ in range(100):
        desk.now += 1
        for worker in (idle, busy):
            if worker.room.due_at <= desk.now:
                await worker.ask()
        if busy.room.left:
            assert busy.shown(busy.serve())
            await busy.ship()
    assert served < 10
    assert busy.room.delivered == 10


async def test_given_back_twice_it_is_free_once(desk: Desk) -> None:
    worker = Worker(desk, 1)
    await worker.ask()
    wanted = desk.wanted(worker.room)._replace(ask=worker.room.leave())
    for _ in range(2):
        grant = await desk.call(wanted, worker.room)
    assert (grant.free, grant.reserved) == (10, 0)


async def test_clicks_are_counted_up_to_their_goal(desk: Desk, store: Any, keys: Keys) -> None:
    desk.limits = Limits(Unit.CLICKS, 2)
    worker = Worker(desk, 1)
    for serial in range(5):
        await worker.ask()
        until = worker.room.take(desk.now) or int(desk.now)
        worker.accept(Ticket(1, serial, 0), until, Kind.CLICK)
    await worker.ship()
    assert counted(store, keys, "c") == 2
    assert (await worker.ask()).delivered == 2


async def test_far_from_a_limit_readers_have_ten_minutes_and_near_it_less_than_one(
    desk: Desk,
) -> None:
    desk.limits = Limits(Unit.IMPRESSIONS, 10_000)
    worker = Worker(desk, 1)
    far = await worker.ask()
    assert far.serve_until - desk.now > 59
    assert far.until - far.serve_until == FAR
    desk.generation, desk.limits = 2, Limits(Unit.IMPRESSIONS, 20)
    worker.serve()
    near = await worker.ask()
    assert near.granted == 1
    assert near.until - near.serve_until == NEAR
    assert near.until - desk.now <= 60


async def test_near_a_limit_readers_have_as_long_as_they_take(desk: Desk) -> None:
    worker = Worker(desk, 1)
    for _ in range(200):
        worker.room.seen(200.0)
    near = await worker.ask()
    assert near.until - near.serve_until == round(worker.room.patience)
    assert 200 <= worker.room.patience < 220


async def test_nobody_is_waited_for_longer_than_where_the_limit_is_far(desk: Desk) -> None:
    worker = Worker(desk, 1)
    wanted = desk.wanted(worker.room)
    for patience, given in ((1e9, FAR), (0.0, NEAR)):
        asked = wanted._replace(ask=wanted.ask._replace(wanted=1, patience=patience))
        grant = await desk.call(asked, worker.room, worker.spoken())
        assert grant.until - grant.serve_until == given


@pytest.mark.parametrize(
    ("median", "least", "most"), [(1.5, 45, 46), (90.0, 400, 600), (3_600.0, 590, 600)]
)
def test_patience_is_for_all_but_the_last_readers(median: float, least: int, most: int) -> None:
    room, draw = Room(1, Limits(Unit.IMPRESSIONS, 10)), Random(1)
    for _ in range(500):
        room.seen(draw.lognormvariate(log(median), 1.0))
    assert least <= room.patience <= most


async def test_at_a_rate_that_reaches_the_limit_in_minutes_it_is_near(desk: Desk) -> None:
    desk.limits = Limits(Unit.IMPRESSIONS, 10_000)
    worker = Worker(desk, 1)
    wanted = desk.wanted(worker.room)
    for rate, lapse in ((7.0, FAR), (8.0, NEAR)):
        asked = wanted._replace(ask=wanted.ask._replace(wanted=1, rate=rate))
        grant = await desk.call(asked, worker.room, worker.spoken())
        assert grant.until - grant.serve_until == lapse


class TestADay:
    """NOW is noon in Paris, on a day of 24 hours."""

    LIMITS = Limits(Unit.IMPRESSIONS, 1_000, 6)

    async def test_a_day_has_no_more_than_its_own(self, desk: Desk) -> None:
        desk.limits = self.LIMITS
        worker = Worker(desk, 1)
        assert len(await fill(worker)) == 6
        assert worker.room.reason is Reason.DAY_FULL
        assert (worker.room.free, worker.room.free_today) == (994, 0)

    async def test_what_was_counted_before_the_limit_was_set_is_of_the_day(
        self, desk: Desk, store: Any, keys: Keys
    ) -> None:
        midnight, _ = desk.wanted(Worker(desk, 1).room).day
        for at, many in ((midnight - 1, 9), (midnight, 1), (desk.now - 3_600, 1), (desk.now, 1)):
            hour = hour_at(at, ZONE).name
            store.hset(keys.counts(0, hour), f"i:{CREATIVE}:2:1", many)
            store.hset(keys.counts(0, hour), f"i.duplicate:{CREATIVE}:2:1", 5)
            store.hset(keys.counts(0, hour), f"i:{CREATIVE}7:2:1", 5)
        desk.limits = self.LIMITS
        assert len(await fill(Worker(desk, 1))) == 3

    async def test_it_begins_anew_at_midnight(self, desk: Desk) -> None:
        desk.limits = self.LIMITS
        worker = Worker(desk, 1)
        _, midnight = desk.wanted(worker.room).day
        desk.now = midnight - 30.0
        before = await fill(worker)
        assert len(before) == 6
        assert {ticket.until for ticket in before} == {midnight - 2}
        desk.now = midnight + 1.0  # clocks may not agree yet that it is tomorrow
        assert await fill(worker) == []
        desk.now = midnight + 2.0
        assert len(await fill(worker)) == 6

    async def test_yesterdays_room_is_not_confirmed_today(
        self, desk: Desk, store: Any, keys: Keys
    ) -> None:
        desk.limits = self.LIMITS
        worker = Worker(desk, 1)
        _, midnight = desk.wanted(worker.room).day
        desk.now = midnight - 30.0
        late = await fill(worker)
        desk.now = midnight + 3.0
        assert not worker.shown(late[0])
        for ticket in await fill(worker):
            assert worker.shown(ticket)
        await worker.ship()
        assert counted(store, keys) == 6

    async def test_what_yesterday_accepted_counts_when_it_arrives_today(
        self, desk: Desk, store: Any, keys: Keys
    ) -> None:
        desk.limits = self.LIMITS
        worker = Worker(desk, 1)
        _, midnight = desk.wanted(worker.room).day
        desk.now = midnight - 30.0
        for ticket in await fill(worker):
            assert worker.shown(ticket)
        desk.now = midnight + 30.0
        served = await fill(worker)
        await worker.ship()
        assert counted(store, keys) == 6
        assert len(served) == 6

    async def test_a_limit_that_is_taken_away_holds_no_more(self, desk: Desk) -> None:
        desk.limits = self.LIMITS
        worker = Worker(desk, 1)
        await fill(worker)
        desk.generation, desk.limits = 2, replace_limits(desk.limits, a_day=0)
        grant = await worker.ask()
        assert (grant.granted, grant.free_today) == (1, None)


def replace_limits(limits: Limits, **changes: int) -> Limits:
    return limits._replace(**changes)


async def test_a_campaign_of_another_shard_is_none_of_ours(beside: Any) -> None:
    sixteen = StoredLeases(beside, replace(Keys("blog"), shards=16), TICKET_LIFE_SECONDS)
    assert sixteen.shards == 16
    granted = await sixteen.ask(3, [], [Spoken(Source(1, 1), 0, 0.0, done=False)])
    assert granted.grants == []
    assert abs(granted.now - NOW) > 0  # the store's own clock


async def test_the_command_line_reads_what_is_reserved_and_of_which_day(
    desk: Desk, store: Any, keys: Keys
) -> None:
    known = StoredKnownLeases(store, keys)
    assert known.reserved([CAMPAIGN]) == {}
    worker = Worker(desk, 1)
    granted = await worker.ask()
    assert granted.granted > 0
    assert known.reserved([CAMPAIGN, CAMPAIGN + 1]) == {CAMPAIGN: Reserved(granted.granted)}
    desk.limits, desk.generation = Limits(Unit.IMPRESSIONS, 10, 8), 2
    granted = await worker.ask()
    day = day_around(NOW, ZONE)
    assert known.reserved([CAMPAIGN]) == {
        CAMPAIGN: Reserved(granted.reserved, worker.room.today, day)
    }

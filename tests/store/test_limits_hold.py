"""No interleaving of reserve, confirm, lapse, crash, send again and roll back exceeds a limit.

A state machine over a real store in virtual time: readers who look at ads early, late, twice or
never, workers that die and whose journals others take over, a store that is away or loses what it
was told last. Whatever happens, no more is counted than was sold, in all and in a day; and unless
the store has lost something, or nobody has spoken for a journal for minutes, whatever was accepted
is counted.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adserver.core.days import day_around
from adserver.core.goals import Limits, Unit
from adserver.core.hour import hour_at
from adserver.core.ports.serving import Spoken
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from tests.factories import NOW, ZONE
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.desk import CREATIVE, Desk, Journal, Ticket, Worker

WORKERS = 3
EXAMPLES = int(os.environ.get("LIMITS_EXAMPLES", "60"))
SILENT_SECONDS = 300

LIMITS = st.builds(Limits, st.just(Unit.IMPRESSIONS), st.integers(0, 8), st.integers(0, 4)).filter(
    lambda limits: limits.ever or limits.a_day
)
READERS = st.lists(st.integers(0, 1_000), min_size=1, max_size=8)
STEPS = st.sampled_from([0.5, 3.0, 20.0, 50.0, 130.0, 700.0, 4_000.0, 40_000.0])


class Limited(RuleBasedStateMachine):
    """One campaign, on one store."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store: Any = redis.Redis.from_url(self.url)
        self.store.flushall()
        self.keys = Keys("blog")
        self.pages: list[Ticket] = []
        self.orphans: list[Journal] = []
        self.saved: dict[bytes, bytes] | None = None
        self.writers = 0
        # Accepted as of the day on which it was.
        self.accepted: set[tuple[int, int]] = set()
        self.promises_hold = True

    @initialize(limits=LIMITS, begin=st.sampled_from([NOW, NOW + 43_000.0]))
    def begin(self, limits: Limits, begin: float) -> None:
        async def connect() -> Desk:
            self.client = async_client(self.url)
            counts = StoredCounts(self.client, self.keys, TICKET_LIFE_SECONDS)
            leases = StoredLeases(self.client, self.keys, TICKET_LIFE_SECONDS)
            return Desk(leases, counts, begin, limits)

        self.desk = self.runner.run(connect())
        self.workers = [self.new_worker() for _ in range(WORKERS)]

    def new_worker(self) -> Worker:
        """It speaks before it accepts anything."""
        self.writers += 1
        worker = Worker(self.desk, self.writers)
        self.runner.run(worker.ask(*self.of_orphans()))
        return worker

    @rule(seconds=STEPS)
    def time_passes(self, seconds: float) -> None:
        """While it does, every worker speaks; but for the longest, when the store is away."""
        if seconds < SILENT_SECONDS:
            for worker in self.workers:
                self.runner.run(worker.ask(*self.of_orphans()))
        self.desk.now += seconds

    def of_orphans(self) -> list[Spoken]:
        """Journals of the dead are taken over at once."""
        return [
            Spoken(
                one.source,
                one.marks[one.shipped].sequence,
                0.0,
                done=one.shipped == len(one.events),
            )
            for one in self.orphans
        ]

    @rule(one=st.integers(0, WORKERS - 1))
    def a_worker_asks(self, one: int) -> None:
        self.runner.run(self.workers[one].ask(*self.of_orphans()))

    @rule(one=st.integers(0, WORKERS - 1), many=st.integers(1, 6))
    def ads_are_served(self, one: int, many: int) -> None:
        worker = self.workers[one]
        for _ in range(many):
            if not worker.room.left:
                self.runner.run(worker.ask(*self.of_orphans()))
            ticket = worker.serve()
            if ticket.until:
                self.pages.append(ticket)

    @precondition(lambda self: self.pages)
    @rule(readers=READERS, one=st.integers(0, WORKERS - 1), again=st.booleans())
    def readers_see_them(self, readers: list[int], one: int, *, again: bool) -> None:
        for reader in readers:
            if not self.pages:
                return
            at = reader % len(self.pages)
            self.is_seen(self.pages[at] if again else self.pages.pop(at), one)

    def is_seen(self, ticket: Ticket, one: int) -> None:
        if self.workers[one].shown(ticket):
            self.accepted.add((ticket.writer, ticket.serial))

    @rule(one=st.integers(0, WORKERS - 1))
    def a_journal_is_shipped(self, one: int) -> None:
        self.runner.run(self.workers[one].ship())

    @rule(one=st.integers(0, WORKERS - 1))
    def a_shipment_is_sent_again(self, one: int) -> None:
        journal = self.workers[one].journal
        if journal.shipped:
            self.runner.run(self.desk.ship(journal, journal.shipped - 1))

    @rule(one=st.integers(0, WORKERS - 1))
    def a_worker_is_killed(self, one: int) -> None:
        self.orphans.append(self.workers[one].journal)
        self.workers[one] = self.new_worker()

    @precondition(lambda self: self.orphans)
    @rule()
    def journals_of_the_dead_are_shipped(self) -> None:
        for journal in self.orphans:
            self.ship_all(journal)

    def ship_all(self, journal: Journal) -> None:
        while journal.shipped < len(journal.events):
            self.runner.run(self.desk.ship(journal))

    @rule(one=st.integers(0, WORKERS - 1))
    def room_is_given_back(self, one: int) -> None:
        worker = self.workers[one]
        self.runner.run(self.desk.leave(worker.room, worker.spoken()))

    @rule()
    def the_replica_has_come_so_far(self) -> None:
        self.saved = {key: self.store.dump(key) for key in self.store.scan_iter()}

    @precondition(lambda self: self.saved is not None)
    @rule()
    def the_store_fails_over(self) -> None:
        """Whatever came after that is gone, but for what journals still have."""
        self.store.flushall()
        for key, value in (self.saved or {}).items():
            self.store.restore(key, 0, value)
        self.saved = None
        self.promises_hold = False
        for journal in [*(w.journal for w in self.workers), *self.orphans]:
            said = self.store.get(self.keys.ledger(0, *journal.source)) or b"0 0\n"
            journal.shipped = int(said.split(b" ")[0])

    @rule(change=LIMITS)
    def the_limits_are_raised(self, change: Limits) -> None:
        limits = self.desk.limits
        ever = max(limits.ever, change.ever) if limits.ever else 0
        a_day = max(limits.a_day, change.a_day) if limits.a_day else 0
        self.desk.limits, self.desk.generation = (
            Limits(limits.unit, ever, a_day),
            self.desk.generation + 1,
        )

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        if not hasattr(self, "desk"):
            return
        total = int(self.store.hget(self.keys.totals(0), f"i:{CREATIVE}") or 0)
        assert not self.desk.limits.ever or total <= self.desk.limits.ever
        if self.desk.limits.a_day:
            days: Counter[int] = Counter()
            for name, at in self.store.zrange(self.keys.hours(0), 0, -1, withscores=True):
                rows = self.store.hgetall(self.keys.counts(0, name.decode()))
                day, _ = day_around(at, ZONE)
                days[day] += sum(int(n) for row, n in rows.items() if row.startswith(b"i:"))
            assert max(days.values(), default=0) <= self.desk.limits.a_day

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.end()
        finally:
            self.runner.run(self.disconnect())
            self.store.close()
            self.runner.close()

    async def disconnect(self) -> None:
        if hasattr(self, "desk"):
            await self.desk.leases.close()
            for line in self.desk.counts._lines:
                await line.close()
            await self.client.aclose()

    def end(self) -> None:
        """Whatever was accepted is counted, once all journals are in."""
        for journal in [*(w.journal for w in self.workers), *self.orphans]:
            self.ship_all(journal)
        self.no_limit_is_exceeded()
        if self.promises_hold:
            hours = {hour_at(now, ZONE).name for now, _ in self.every_event()}
            lapsed = [
                int(n)
                for name in hours
                for row, n in self.store.hgetall(self.keys.counts(0, name)).items()
                if row.startswith(b"i.lapsed:")
            ]
            assert sum(lapsed) == 0
            total = int(self.store.hget(self.keys.totals(0), f"i:{CREATIVE}") or 0)
            assert total == len(self.accepted)

    def every_event(self) -> list[tuple[float, Any]]:
        journals = [*(w.journal for w in self.workers), *self.orphans]
        return [event for journal in journals for event in journal.events]


LONG = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# The first counterexample will do, however long it is.
UNSHRUNK = settings(LONG, phases=[Phase.generate], print_blob=False)


def test_no_interleaving_exceeds_a_limit(valkey: str) -> None:
    run_state_machine_as_test(type("OnValkey", (Limited,), {"url": valkey}), settings=LONG)


class WithoutRoom(Limited):
    """A control: served without room, so that every beacon is accepted."""

    @rule(one=st.integers(0, WORKERS - 1), many=st.integers(1, 6))
    def ads_are_served(self, one: int, many: int) -> None:
        worker = self.workers[one]
        for _ in range(many):
            worker.serial += 1
            self.pages.append(Ticket(worker.writer, worker.serial, 0))

    def is_seen(self, ticket: Ticket, one: int) -> None:
        self.workers[one].accept(ticket, 0)
        self.accepted.add((ticket.writer, ticket.serial))


def test_control_without_leases_it_is_exceeded(valkey: str) -> None:
    machine = type("OnValkey", (WithoutRoom,), {"url": valkey})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=UNSHRUNK)

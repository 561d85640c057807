"""Group commit: events leave once, in order, one batch in flight, within the limits."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.commit import MAX_EVENTS_WAITING, Batch, GroupCommit
from adserver.core.errors import TooManyWaiting
from adserver.core.events import Event, Kind


def event(serial: int) -> Event:
    return Event(Kind.IMPRESSION, writer=1, serial=serial, creative=1, slot=1, site=1)


def joined(many: int) -> GroupCommit[int]:
    commit: GroupCommit[int] = GroupCommit()
    for serial in range(many):
        commit.join(event(serial), serial)
    return commit


def test_nothing_leaves_while_nobody_waits() -> None:
    assert GroupCommit[int]().leave() is None


def test_a_batch_has_its_waiters_at_the_positions_of_their_events() -> None:
    batch = joined(3).leave()
    assert batch is not None
    assert [e.serial for e in batch.events] == batch.waiters == [0, 1, 2]


def test_a_full_batch_leaves_the_rest_to_the_next() -> None:
    commit = joined(MAX_EVENTS_PER_BATCH + 1)
    first = commit.leave()
    assert first is not None
    assert len(first.events) == MAX_EVENTS_PER_BATCH
    assert commit.waiting == 1
    commit.settle(first)
    second = commit.leave()
    assert second is not None
    assert second.waiters == [MAX_EVENTS_PER_BATCH]


def test_past_the_limit_an_event_is_refused_and_the_others_stay() -> None:
    commit = joined(MAX_EVENTS_WAITING)
    with pytest.raises(TooManyWaiting):
        commit.join(event(0), 0)
    assert commit.waiting == MAX_EVENTS_WAITING


def test_a_batch_that_is_not_in_flight_cannot_be_settled() -> None:
    commit = joined(1)
    batch = commit.leave()
    assert batch is not None
    with pytest.raises(ValueError, match="in flight"):
        commit.settle(Batch(list(batch.events), list(batch.waiters)))
    commit.settle(batch)
    with pytest.raises(ValueError, match="in flight"):
        commit.settle(batch)


class Committing(RuleBasedStateMachine):
    """A queue and a batch in flight, beside a model of two lists."""

    def __init__(self) -> None:
        super().__init__()
        self.commit: GroupCommit[int] = GroupCommit()
        self.arrived: list[int] = []
        self.left: list[int] = []
        self.flying: Batch[int] | None = None

    @rule(many=st.sampled_from([1, 2, 7, MAX_EVENTS_PER_BATCH - 1, MAX_EVENTS_PER_BATCH, 9_000]))
    def events_arrive(self, many: int) -> None:
        for _ in range(many):
            serial = len(self.arrived)
            if len(self.arrived) - len(self.left) < MAX_EVENTS_WAITING:
                self.commit.join(event(serial), serial)
                self.arrived.append(serial)
            else:
                with pytest.raises(TooManyWaiting):
                    self.commit.join(event(serial), serial)

    @rule()
    def the_next_batch_may_leave(self) -> None:
        waiting = len(self.arrived) - len(self.left)
        batch = self.commit.leave()
        if self.flying is not None or not waiting:
            assert batch is None
            return
        assert batch is not None
        assert len(batch.events) == len(batch.waiters) == min(waiting, MAX_EVENTS_PER_BATCH)
        assert [e.serial for e in batch.events] == batch.waiters
        self.left += batch.waiters
        self.flying = batch

    @precondition(lambda self: self.flying is not None)
    @rule()
    def the_batch_in_flight_is_settled(self) -> None:
        assert self.flying is not None
        self.commit.settle(self.flying)
        self.flying = None

    @invariant()
    def events_leave_once_and_in_order(self) -> None:
        assert self.left == self.arrived[: len(self.left)]
        assert self.commit.waiting == len(self.arrived) - len(self.left)


TestCommitting = Committing.TestCase
TestCommitting.settings = settings(max_examples=15, stateful_step_count=15)

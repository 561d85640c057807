"""What a stream asks its journal for: after a rollback, when it was found, when memory is full."""

from __future__ import annotations

import pytest

from adserver.core.batch import MAX_PARTS_QUEUED, NOTHING, Mark, Need, Shipment, Stream
from adserver.core.errors import LedgerConflict
from tests.core.streams import (
    LedgerStore,
    MemoryJournal,
    adopted,
    drive,
    mark,
    part,
    sequences,
    shipped,
    streaming,
)

FOREIGN = Mark(2, 12)


def test_a_journal_that_was_found_goes_on_behind_its_ledger() -> None:
    stream = adopted(3, mark(1))
    assert (stream.position, stream.rollbacks) == (1, 0)
    assert stream.step() is Need.PARTS
    stream.read([part(2)], 3)
    shipment = shipped(stream)
    assert shipment.previous == mark(1)
    stream.told(shipment.mark)
    assert stream.idle
    assert stream.position == 3


def test_a_journal_that_was_found_and_is_all_in_the_store_needs_no_reading() -> None:
    assert adopted(3, mark(3)).idle


def test_a_ledger_ahead_of_a_journal_that_was_found_leaves_nothing_to_do() -> None:
    """The machine lost power with the journal's last records, which the store has."""
    stream = adopted(3, mark(5))
    assert stream.idle
    assert stream.step() is None
    stream.doubt()
    stream.told(mark(5))
    assert stream.idle
    assert stream.position == 5


def test_nothing_for_this_shard_in_a_journal_that_was_found() -> None:
    stream = adopted(3, NOTHING)
    assert stream.step() is Need.PARTS
    stream.read([], 3)
    assert stream.idle
    assert stream.position == 3


def test_what_a_dead_worker_had_sent_may_arrive_after_its_heir_has_asked() -> None:
    journal, store, stream = MemoryJournal(), LedgerStore(), Stream(NOTHING)
    for _ in range(2):
        stream.add(journal.end + 1, journal.append(1))
    late = shipped(stream)
    stream.add(3, journal.append(1))
    heir = adopted(3, store.ledger)
    assert heir.step() is Need.PARTS
    heir.read(*journal.read(0, 3))
    again = shipped(heir)
    store.apply(late)
    assert heir.told(store.apply(again))
    drive(heir, journal, store)
    assert store.counted == (1, 2, 3)


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_it_may_do_so_before_the_heir_has_read_the_journal(asked: int) -> None:
    journal, store = MemoryJournal(), LedgerStore()
    late = Shipment(NOTHING, (journal.append(1), journal.append(1)))  # type: ignore[arg-type]
    heir = adopted(2, store.ledger)
    store.apply(late)
    for _ in range(asked):
        heir.doubt()
        assert heir.step() is Need.LEDGER
        assert not heir.told(store.ledger)
    drive(heir, journal, store)
    assert store.counted == (1, 2)
    assert heir.idle


def test_a_ledger_that_holds_what_is_not_in_the_journal_is_a_conflict() -> None:
    stream = streaming(1, 2, 3)
    shipped(stream)
    with pytest.raises(LedgerConflict) as conflict:
        stream.told(FOREIGN)
    assert (conflict.value.ours, conflict.value.theirs) == (0, 2)


def test_another_digest_of_the_last_record_is_a_conflict() -> None:
    stream = streaming(1, 2)
    stream.told(shipped(stream).mark)
    stream.doubt()
    with pytest.raises(LedgerConflict):
        stream.told(FOREIGN)


def test_a_found_journal_that_has_another_record_there_is_refused() -> None:
    stream = adopted(2, NOTHING)
    stream.doubt()
    with pytest.raises(LedgerConflict):
        stream.told(FOREIGN, ours=False)


@pytest.mark.parametrize("end", [1, 9])
def test_a_found_journal_that_has_lost_the_record_believes_its_ledger(end: int) -> None:
    """Its worker has sent it, late, and a power cut has taken it from the disk."""
    stream = adopted(end, NOTHING)
    stream.doubt()
    assert not stream.told(mark(4))
    assert stream.step() is (None if end < 4 else Need.PARTS)
    assert stream.position == 4


@pytest.mark.parametrize("end", [1, 5])
def test_a_found_journal_that_somebody_else_goes_on_writing_is_refused(end: int) -> None:
    """A copy of a machine's disk: a worker that died leaves one shipment on its way, no more."""
    stream = adopted(end, NOTHING)
    stream.doubt()
    stream.told(mark(4))
    if end > 4:
        assert stream.step() is Need.PARTS
        stream.read([part(5)], 5)
    stream.doubt()
    with pytest.raises(LedgerConflict):
        stream.told(mark(6))


def test_a_mark_that_nobody_knows_is_looked_for_in_the_journal_once() -> None:
    stream = streaming(*range(1, 11))
    stream.told(shipped(stream).mark)
    stream.doubt()
    stream.told(NOTHING)
    for _ in range(2):
        assert stream.step() is Need.PARTS
        stream.read([part(1), part(2)], 2)
        shipped(stream)
        if not stream._asked_again:
            assert not stream.told(FOREIGN._replace(sequence=4))
    with pytest.raises(LedgerConflict):
        stream.told(FOREIGN._replace(sequence=4))


def test_what_becomes_durable_while_the_journal_is_read_is_not_read_again() -> None:
    stream = streaming(1)
    stream.told(shipped(stream).mark)
    stream.doubt()
    stream.told(NOTHING)
    assert stream.step() is Need.PARTS
    stream.add(2, part(2))
    stream.add(3, None)
    stream.add(4, part(4))
    assert not stream.idle
    stream.read([part(1)], 1)
    assert sequences(shipped(stream)) == [1, 2, 4]
    stream.told(mark(4))
    assert stream.idle


def test_what_became_durable_is_taken_once_where_the_reading_came_further() -> None:
    stream = streaming(1)
    stream.told(shipped(stream).mark)
    stream.doubt()
    stream.told(NOTHING)
    assert stream.step() is Need.PARTS
    stream.add(2, part(2))
    stream.read([part(1), part(2)], 2)
    assert sequences(shipped(stream)) == [1, 2]


def test_a_reading_that_came_only_half_way_is_gone_on_with() -> None:
    stream = adopted(4, NOTHING)
    assert stream.step() is Need.PARTS
    stream.add(5, part(5))
    stream.read([part(1), part(2)], 2)
    stream.told(shipped(stream).mark)
    assert stream.position == 2
    assert not stream.idle
    assert stream.step() is Need.PARTS
    stream.read([part(3), part(5)], 5)
    assert sequences(shipped(stream)) == [3, 5]


def test_a_reading_that_found_nothing_half_way_moves_the_position_so_far() -> None:
    stream = adopted(4, NOTHING)
    assert stream.step() is Need.PARTS
    stream.read([], 2)
    assert (stream.position, stream.idle) == (2, False)
    assert stream.step() is Need.PARTS


def test_doubt_while_the_journal_is_read_asks_the_ledger_before_shipping() -> None:
    stream = adopted(2, mark(1))
    assert stream.step() is Need.PARTS
    stream.doubt()
    stream.read([part(2)], 2)
    assert stream.step() is Need.LEDGER
    stream.told(NOTHING)
    assert stream.step() is Need.PARTS, "what was read behind another mark is forgotten"
    stream.read([part(1), part(2)], 2)
    assert sequences(shipped(stream)) == [1, 2]


def test_a_shipment_in_flight_is_not_doubted() -> None:
    stream = streaming(1)
    shipment = shipped(stream)
    stream.doubt()
    assert stream.told(shipment.mark)
    assert stream.idle


def test_more_than_memory_may_hold_waits_in_the_journal() -> None:
    journal, store, stream = MemoryJournal(), LedgerStore(), Stream(NOTHING)
    for _ in range(MAX_PARTS_QUEUED + 3):
        stream.add(journal.end + 1, journal.append(1))
    assert not stream.idle
    drive(stream, journal, store)
    assert list(store.counted) == journal.parts
    assert stream.idle
    assert stream.position == MAX_PARTS_QUEUED + 3


def test_more_than_memory_may_hold_while_the_journal_is_read_is_read_after() -> None:
    journal, store, stream = MemoryJournal(), LedgerStore(), Stream(NOTHING)
    stream.add(1, journal.append(1))
    drive(stream, journal, store)
    store = LedgerStore()
    stream.doubt()
    stream.told(store.ledger)
    assert stream.step() is Need.PARTS
    reading = stream.position, stream.end
    for _ in range(MAX_PARTS_QUEUED + 1):
        stream.add(journal.end + 1, journal.append(1))
    stream.read(*journal.read(*reading))
    drive(stream, journal, store)
    assert list(store.counted) == journal.parts
    assert stream.idle

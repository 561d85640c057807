"""A journal's way to one shard of the store, transition by transition."""

from __future__ import annotations

import pytest

from adserver.core.batch import (
    MAX_EVENTS_PER_BATCH,
    MAX_TALLIES_PER_BATCH,
    MAX_UNCONFIRMED,
    NOTHING,
    Need,
    Stream,
)
from adserver.core.events import Event, Kind
from adserver.core.parts import part_of
from adserver.core.record import EVENT, Content, pack_event
from tests.core.streams import (
    LedgerStore,
    MemoryJournal,
    adopted,
    drive,
    hour,
    mark,
    part,
    sequences,
    shipped,
    streaming,
)


def test_a_new_journal_has_nothing_to_ship() -> None:
    stream = Stream(NOTHING)
    assert stream.idle
    assert stream.step() is None


def test_what_is_durable_is_shipped_behind_what_the_ledger_says() -> None:
    stream = streaming(1, 2)
    first = shipped(stream)
    assert (first.previous, first.mark, first.hour) == (NOTHING, mark(2), hour())
    assert len(first.events) == 2 * EVENT.size
    assert first.tallies == b""
    assert not stream.idle
    assert stream.step() is None, "one shipment is in flight at a time"
    stream.add(3, part(3, events=0, tallies=2))
    assert stream.told(first.mark)
    second = shipped(stream)
    assert (second.previous, second.mark) == (mark(2), mark(3))
    assert second.tallies == b"r:0:1:1 1\n" * 2
    assert stream.told(second.mark)
    assert stream.idle
    assert stream.position == 3


def test_who_leases_room_is_told_what_the_ledger_said_last() -> None:
    stream = Stream(None, 2)
    assert (stream.ledger, stream.shipped) == (-1, False)
    stream.told(mark(2))
    assert (stream.ledger, stream.shipped) == (2, True)
    stream.add(3, part(3))
    assert (stream.ledger, stream.shipped) == (2, False)
    stream.told(shipped(stream).mark)
    assert (stream.ledger, stream.shipped) == (3, True)
    stream.doubt()
    assert (stream.idle, stream.shipped) == (False, True), "doubted, it has still said so"


def test_records_of_nothing_for_this_shard_move_the_position_only_when_idle() -> None:
    stream = Stream(NOTHING)
    stream.add(1, None)
    assert (stream.position, stream.end) == (1, 1)
    stream.add(2, part(2))
    stream.add(3, None)
    assert (stream.position, stream.end) == (1, 3)
    shipment = shipped(stream)
    assert shipment.previous == NOTHING
    stream.told(shipment.mark)
    assert stream.position == 3


def test_a_record_of_nothing_that_came_while_in_doubt_is_behind_us_in_the_end() -> None:
    stream = Stream(NOTHING)
    stream.doubt()
    stream.add(1, None)
    assert stream.position == 0
    assert stream.step() is Need.LEDGER
    stream.told(NOTHING)
    assert stream.position == 1


def test_a_shipment_is_of_one_hour() -> None:
    stream = streaming(1)
    stream.add(2, part(2, of_hour=1))
    stream.add(3, part(3, of_hour=1))
    first = shipped(stream)
    assert sequences(first) == [1]
    stream.told(first.mark)
    assert sequences(shipped(stream)) == [2, 3]


@pytest.mark.parametrize(
    ("sizes", "together"),
    [
        ([(400, 0), (600, 0), (1, 0)], 2),
        ([(MAX_EVENTS_PER_BATCH, 0), (1, 0)], 1),
        ([(1, 0), (MAX_EVENTS_PER_BATCH, 0)], 1),
        ([(0, 999), (0, 1), (0, 1)], 2),
        ([(0, MAX_TALLIES_PER_BATCH), (1, 0), (0, 1)], 2),
        ([(MAX_EVENTS_PER_BATCH + 1, 0), (1, 0)], 1),
        ([(0, MAX_TALLIES_PER_BATCH + 1), (1, 0)], 1),
    ],
)
def test_a_shipment_has_as_much_as_one_call_may_handle(
    sizes: list[tuple[int, int]], together: int
) -> None:
    stream = Stream(NOTHING)
    for sequence, (events, tallies) in enumerate(sizes, 1):
        stream.add(sequence, part(sequence, events, 0, tallies))
    assert len(shipped(stream).parts) == together


def test_it_is_behind_where_there_was_more_than_one_shipment_may_have() -> None:
    stream = Stream(NOTHING)
    for sequence in (1, 2):
        stream.add(sequence, part(sequence, MAX_EVENTS_PER_BATCH))
    first = shipped(stream)
    stream.add(3, part(3))
    assert stream.told(first.mark)
    assert stream.behind
    second = shipped(stream)
    assert stream.told(second.mark)
    assert stream.behind, "the third was there when the second went"
    third = shipped(stream)
    stream.add(4, part(4))
    assert stream.told(third.mark)
    assert not stream.behind, "what came meanwhile is no more than usual"


def test_a_journal_that_is_still_to_be_read_is_behind() -> None:
    stream = Stream(None, 2)
    stream.told(mark(1))
    assert stream.behind
    stream.told(mark(2))
    assert not stream.behind


def test_after_a_failure_the_ledger_is_asked_and_what_it_lacks_is_sent_again() -> None:
    stream = streaming(1)
    lost = shipped(stream)
    stream.failed()
    assert stream.step() is Need.LEDGER
    assert not stream.told(NOTHING)
    stream.add(2, part(2))
    assert sequences(shipped(stream)) == [1, 2]
    assert lost.previous == NOTHING


def test_a_ledger_that_does_not_answer_is_asked_again() -> None:
    stream = adopted(0, NOTHING)
    stream.doubt()
    stream.failed()
    assert stream.step() is Need.LEDGER


def test_a_lost_answer_is_found_in_the_ledger() -> None:
    stream = streaming(1, 2)
    shipment = shipped(stream)
    stream.failed()
    assert stream.told(shipment.mark), "what it added is told now"
    assert not stream.told(shipment.mark), "and once"
    assert stream.idle
    assert stream.position == 2


def test_a_shipment_that_arrives_after_the_ledger_was_asked_makes_way_for_the_rest() -> None:
    stream, store = streaming(1, 2), LedgerStore()
    late = shipped(stream)
    stream.failed()
    stream.told(store.ledger)
    stream.add(3, part(3))
    again = shipped(stream)
    assert sequences(again) == [1, 2, 3]
    store.apply(late)
    assert stream.told(store.apply(again)), "what the late one added came along"
    assert stream.position == 2
    assert sequences(shipped(stream)) == [3]


def test_a_shipment_that_arrives_after_its_successor_changes_nothing() -> None:
    stream, store = streaming(1), LedgerStore()
    late = shipped(stream)
    stream.failed()
    stream.told(store.ledger)
    stream.add(2, part(2))
    stream.told(store.apply(shipped(stream)))
    assert store.apply(late) == mark(2)
    assert store.counted == (1, 2)


def test_a_late_shipment_is_known_even_when_its_parts_were_given_up() -> None:
    stream = streaming(1)
    late = shipped(stream)
    stream.failed()
    stream.told(NOTHING)
    stream.give_up(shipped(stream))
    assert stream.idle
    assert stream.told(late.mark)
    assert stream.idle


def test_a_shipment_that_fails_again_and_again_drives_no_other_out_of_memory() -> None:
    stream = streaming(1)
    late = shipped(stream)
    stream.failed()
    stream.told(NOTHING)
    stream.add(2, part(2))
    for _ in range(MAX_UNCONFIRMED + 1):
        shipment = shipped(stream)
        stream.failed()
        stream.told(NOTHING)
    stream.give_up(shipped(stream))
    assert stream.told(late.mark)
    assert stream.told(shipment.mark)


def test_more_failures_than_are_remembered_are_found_among_what_is_queued() -> None:
    stream = Stream(NOTHING)
    sent = []
    for sequence in range(1, MAX_UNCONFIRMED + 3):
        stream.add(sequence, part(sequence))
        sent.append(shipped(stream))
        stream.failed()
        stream.told(NOTHING)
    assert stream.told(sent[0].mark)
    assert shipped(stream).previous == sent[0].mark


def test_a_store_that_lost_everything_gets_it_again_from_the_journal() -> None:
    journal, store, stream = MemoryJournal(), LedgerStore(), Stream(NOTHING)
    for _ in range(3):
        stream.add(journal.end + 1, journal.append(1))
        drive(stream, journal, store)
    emptied = LedgerStore()
    stream.doubt()
    assert not stream.idle
    assert stream.step() is Need.LEDGER
    assert not stream.told(emptied.ledger)
    assert (stream.rollbacks, stream.position) == (1, 0)
    assert stream.step() is Need.PARTS
    stream.read(*journal.read(0, 3))
    assert sequences(shipped(stream)) == [1, 2, 3]


def test_a_store_that_lost_the_last_says_so_in_answer_to_a_shipment() -> None:
    stream = streaming(1)
    stream.told(shipped(stream).mark)
    stream.add(2, part(2))
    stream.told(shipped(stream).mark)
    stream.add(3, part(3))
    assert shipped(stream).previous == mark(2)
    assert not stream.told(mark(1))
    assert (stream.rollbacks, stream.position) == (1, 1)
    assert stream.step() is Need.PARTS
    stream.read([part(2), part(3)], 3)
    again = shipped(stream)
    assert (again.previous, sequences(again)) == (mark(1), [2, 3])


def test_a_rollback_to_where_a_failed_shipment_ended_is_a_rollback() -> None:
    journal, store, stream = MemoryJournal(), LedgerStore(), Stream(NOTHING)
    stream.add(1, journal.append(1))
    store.apply(shipped(stream))
    stream.failed()
    drive(stream, journal, store)
    earlier = LedgerStore(store.ledger, store.counted)
    stream.add(2, journal.append(1))
    drive(stream, journal, store)
    assert store.counted == (1, 2)
    stream.doubt()
    drive(stream, journal, earlier)
    assert stream.rollbacks == 1
    assert earlier.counted == (1, 2)


def test_what_is_given_up_is_never_sent_and_the_rest_goes_on() -> None:
    stream, store = Stream(NOTHING), LedgerStore()
    for sequence, of_hour in enumerate([0, 0, 1], 1):
        stream.add(sequence, part(sequence, of_hour=of_hour))
    stream.give_up(shipped(stream))
    assert stream.position == 2
    assert not stream.idle
    rest = shipped(stream)
    assert (rest.previous, sequences(rest)) == (NOTHING, [3])
    stream.told(store.apply(rest))
    assert stream.idle
    assert stream.position == 3


def test_a_journal_of_which_the_last_part_is_given_up_is_done_with() -> None:
    stream = adopted(3, NOTHING)
    assert stream.step() is Need.PARTS
    stream.read([part(1)], 3)
    stream.give_up(shipped(stream))
    assert stream.idle
    assert stream.position == 3


EVENTS = b"".join(
    pack_event(Event(Kind.CLICK, writer, serial, 1, 2, 3, campaign))
    for writer, serial, campaign in [(4, 0, 8), (4, 70_000, 5), (5, 1, 1), (4, 2, 4)]
)


def test_a_record_of_events_goes_to_the_shards_of_their_campaigns() -> None:
    parts = [part_of(Content.EVENTS, EVENTS, mark(1), hour(), 4, n, 4) for n in range(4)]
    first, second, *none = parts
    assert first == (*mark(1), hour(), EVENTS[: EVENT.size] + EVENTS[3 * EVENT.size :], b"")
    assert second == (*mark(1), hour(), EVENTS[EVENT.size : 3 * EVENT.size], b"")
    assert none == [None, None]


def test_where_there_is_one_shard_it_has_everything() -> None:
    assert part_of(Content.EVENTS, EVENTS, mark(1), hour(), 4, 0, 1) == (
        *mark(1),
        hour(),
        EVENTS,
        b"",
    )
    assert part_of(Content.EVENTS, b"", mark(1), hour(), 4, 0, 1) is None


def test_tallies_go_where_their_writers_do() -> None:
    parts = [part_of(Content.TALLIES, b"x", mark(1), hour(), 6, n, 4) for n in range(4)]
    assert parts == [None, None, (*mark(1), hour(), b"", b"x"), None]


def test_the_record_of_an_hour_is_no_shards() -> None:
    assert part_of(Content.HOUR, b"x", mark(1), hour(), 4, 0, 1) is None

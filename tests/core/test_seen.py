"""What has been seen: nothing that was not, whoever gives a slot away meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.events import Event, Kind
from adserver.core.seen import MEMORY_BYTES, SETS, SLOTS_PER_SET, TICKETS_PER_BITMAP, Seen


@pytest.fixture
def memory() -> memoryview:
    return memoryview(bytearray(MEMORY_BYTES))


def event(serial: int = 1, writer: int = 7, kind: Kind = Kind.IMPRESSION) -> int:
    return Event(kind, writer, serial, 1, 2, 3).bit


def test_what_was_added_is_there_and_its_neighbours_are_not(memory: memoryview) -> None:
    seen = Seen(memory)
    assert not seen.has(event())
    assert seen.add(event())
    assert not seen.add(event())
    assert seen.has(event())
    for other in (event(0), event(2), event(kind=Kind.CLICK), event(writer=8), event(1 << 16 | 1)):
        assert not seen.has(other)


def test_the_edges_of_a_bitmap_and_of_the_numbers(memory: memoryview) -> None:
    seen = Seen(memory)
    edges = [0, TICKETS_PER_BITMAP - 1, TICKETS_PER_BITMAP, 2**32 - 1]
    events = [event(serial, writer) for serial in edges for writer in (0, 2**32 - 1)]
    for one in events:
        seen.add(one)
    assert all(seen.has(one) for one in events)


def in_one_set(many: int) -> list[int]:
    return [event(serial=(number * SETS) << 16) for number in range(many)]


def test_of_too_many_bitmaps_the_one_that_was_begun_first_is_forgotten(memory: memoryview) -> None:
    seen = Seen(memory)
    events = in_one_set(SLOTS_PER_SET + 1)
    for one in events:
        seen.add(one)
    assert [seen.has(one) for one in events] == [False] + [True] * SLOTS_PER_SET
    seen.add(events[0])  # new again, which is for the store to say
    assert seen.has(events[0])
    assert not seen.has(events[1])


def test_what_one_adds_the_other_sees(memory: memoryview) -> None:
    one, other = Seen(memory), Seen(memory)
    one.add(event())
    assert other.has(event())
    other.add(event(2))
    assert one.has(event(2))


def test_a_slot_that_was_given_away_is_noticed(memory: memoryview) -> None:
    one, other = Seen(memory), Seen(memory)
    events = in_one_set(SLOTS_PER_SET + 1)
    one.add(events[0])
    for later in events[1:]:
        other.add(later)
    assert not one.has(events[0])
    one.add(events[0])
    assert one.has(events[0])


def test_a_slot_that_is_given_away_between_two_looks_is_not_believed(memory: memoryview) -> None:
    reader, thief = Seen(memory), Seen(memory)
    # The same place in another bitmap of the same set, so that the bit read is the thief's.
    events = in_one_set(SLOTS_PER_SET + 1)
    reader.add(events[0])
    assert reader.has(events[0])
    place = reader._place

    def steal(key: int) -> int | None:
        found = place(key)
        for later in events[1:]:
            thief.add(later)
        return found

    reader._place = steal  # type: ignore[method-assign]
    assert not reader.has(events[0])


def test_what_is_remembered_of_places_is_bounded(memory: memoryview) -> None:
    seen = Seen(memory)
    for writer in range(4 * SETS * SLOTS_PER_SET):
        seen.add(event(writer=writer))
    assert len(seen._places) <= SETS * SLOTS_PER_SET


@given(
    st.lists(
        st.builds(
            event,
            st.sampled_from([0, 1, 65_535, 65_536, 1 << 22, 5 << 22, 9 << 22, 13 << 22, 17 << 22]),
            st.integers(1, 3),
            st.sampled_from(Kind),
        ),
        max_size=60,
    )
)
def test_nothing_is_ever_seen_that_was_not_added(events: list[int]) -> None:
    seen, added = Seen(memoryview(bytearray(MEMORY_BYTES))), set()
    for one in events:
        assert not seen.has(one) or one in added
        seen.add(one)
        added.add(one)
        assert seen.has(one)

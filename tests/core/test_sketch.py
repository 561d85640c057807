"""Events by address in a fixed piece of memory, against a reference that counts each exactly."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.sketch import (
    COUNT_BITS,
    HOUR_MINUTES,
    KEY_BITS,
    MEMORY_BYTES,
    MOST,
    ROW,
    STAMP_SHIFT,
    Sketch,
)

MINUTES = 24 * HOUR_MINUTES
# Few places, so that most keys share one.
NARROW = st.integers(0, 5).flatmap(lambda a: st.integers(0, 5).map(lambda b: a | b << 17))


@pytest.fixture
def memory() -> memoryview:
    return memoryview(bytearray(MEMORY_BYTES))


def one_by_one(events: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Keys and minutes, in the order of time, each with its exact counts."""
    minutes: Counter[tuple[int, int]] = Counter()
    hours: Counter[tuple[int, int]] = Counter()
    found = []
    for key, minute in sorted(events, key=lambda event: event[1]):
        minutes[key, minute] += 1
        hours[key, minute // HOUR_MINUTES] += 1
        found.append((key, minutes[key, minute], hours[key, minute // HOUR_MINUTES]))
    return found


EVENTS = st.lists(st.tuples(NARROW, st.integers(50, 70) | st.integers(0, MINUTES - 1)))


@given(EVENTS)
def test_nothing_is_counted_too_low(events: list[tuple[int, int]]) -> None:
    sketch = Sketch(memoryview(bytearray(MEMORY_BYTES)))
    times = sorted(minute for _, minute in events)
    for minute, (key, in_minute, in_hour) in zip(times, one_by_one(events), strict=True):
        here, hourly = sketch.add(key, minute)
        assert here >= in_minute
        assert hourly >= in_hour
        assert here <= hourly


@given(st.lists(st.tuples(st.integers(0, 3).map(lambda n: n | n << 17), st.integers(50, 70))))
def test_keys_that_share_no_place_are_counted_exactly(events: list[tuple[int, int]]) -> None:
    sketch = Sketch(memoryview(bytearray(MEMORY_BYTES)))
    times = sorted(minute for _, minute in events)
    for minute, (key, *exact) in zip(times, one_by_one(events), strict=True):
        assert [*sketch.add(key, minute)] == exact


@given(EVENTS)
def test_a_key_has_at_most_what_came_to_the_emptier_of_its_places(
    events: list[tuple[int, int]],
) -> None:
    sketch = Sketch(memoryview(bytearray(MEMORY_BYTES)))
    first: Counter[tuple[int, int]] = Counter()
    second: Counter[tuple[int, int]] = Counter()
    for key, minute in sorted(events, key=lambda event: event[1]):
        one, other = (key & ROW - 1, minute // 60), (key >> 17, minute // 60)
        first[one] += 1
        second[other] += 1
        assert sketch.add(key, minute)[1] <= min(first[one], second[other])


def test_a_quiet_address_among_a_thousand_busy_ones_is_hardly_ever_taken_for_one(
    memory: memoryview,
) -> None:
    sketch = Sketch(memory)
    for _ in range(1_000):
        busy = secrets.randbits(KEY_BITS)
        for _ in range(3):
            sketch.add(busy, 0)
    found = [sketch.add(secrets.randbits(KEY_BITS), 0)[0] for _ in range(10_000)]
    # (1,000 / 131,072)² of them are expected, 0.6; ten is one chance in ten billion.
    assert sum(many > 3 for many in found) < 10


def test_what_one_process_adds_the_other_goes_on_from(memory: memoryview) -> None:
    one, other = Sketch(memory), Sketch(memory)
    assert [one.add(7, 0), other.add(7, 0), one.add(7, 0)] == [(1, 1), (2, 2), (3, 3)]


def test_who_has_read_the_clock_an_instant_earlier_counts_in_the_minute_that_has_begun(
    memory: memoryview,
) -> None:
    sketch = Sketch(memory)
    assert sketch.add(7, 59) == (1, 1)
    assert sketch.add(7, 60) == (1, 1)
    assert sketch.add(7, 59) == (2, 2)
    assert sketch.add(7, 60) == (3, 3)


def test_after_a_clock_was_put_back_counting_goes_on(memory: memoryview) -> None:
    sketch = Sketch(memory)
    sketch.add(7, 90)
    assert sketch.add(7, 10) == (1, 1)
    assert sketch.add(7, 11) == (1, 2)


@pytest.mark.parametrize("shared", [False, True])
def test_counting_ends_at_the_most_there_is_room_for(memory: memoryview, shared: bool) -> None:
    words = memory.cast("Q")
    words[7] = 5 << STAMP_SHIFT | (MOST - 1) << COUNT_BITS | MOST - 1
    words[ROW] = words[7] if not shared else 5 << STAMP_SHIFT | MOST << COUNT_BITS | MOST
    sketch = Sketch(memory)
    assert [sketch.add(7, 5) for _ in range(3)] == [(MOST, MOST)] * 3
    assert sketch.add(7, 6) == (1, MOST)
    assert sketch.add(7, 66) == (1, 1)

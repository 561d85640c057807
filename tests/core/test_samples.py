"""A worker's samples: the lowest tags, however they are taken, and never more than have room."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.context import Context
from adserver.core.samples import (
    DAY_SECONDS,
    DAYS_KEPT,
    MAX_SAMPLES,
    MIN_SAMPLES_A_DAY,
    SAMPLES_A_DAY,
    Sampler,
    Taken,
    samples_a_day,
)
from tests.factories import NOW

DAY = int(NOW // DAY_SECONDS)
PAGE = Context(url="https://blog.example/")
TAGS = st.lists(st.floats(0, 1, exclude_max=True), unique=True, max_size=60)


def sampler(most: int = 4) -> Sampler:
    made = Sampler()
    made.most = most
    made.take(NOW)
    return made


def test_the_lowest_tags_are_kept_and_every_request_is_counted() -> None:
    one = sampler()
    draw = random.Random(7)
    tags = [draw.random() for _ in range(500)]
    for tag in tags:
        one.note(1, PAGE, tag)
    [taken] = one.take(NOW)
    assert (taken.slot, taken.day, taken.seen) == (1, DAY, 500)
    assert sorted(taken.samples) == sorted(tag for tag in tags if tag < taken.below)
    assert 4 <= len(taken.samples) <= 8
    assert one.take(NOW) == []


@given(TAGS, st.lists(st.booleans(), min_size=60, max_size=60))
def test_nothing_below_the_bound_is_ever_missing(tags: list[float], fails: list[bool]) -> None:
    """Whether what was taken is put back, or told to somebody who keeps it."""
    one, got, seen, below = sampler(2), {}, 0, 1.0
    for tag, failing in zip(tags, fails, strict=False):
        one.note(1, PAGE, tag)
        for taken in one.take(NOW):
            if failing:
                one.put_back(taken)
                continue
            got.update(taken.samples)
            seen += taken.seen
            below = min(below, taken.below)
            one.told(1, DAY, below)
    for taken in one.take(NOW):
        got.update(taken.samples)
        seen += taken.seen
        below = min(below, taken.below)
    assert seen == len(tags)
    assert {tag for tag in got if tag < below} == {tag for tag in tags if tag < below}


def test_a_new_day_begins_anew() -> None:
    one = sampler()
    for n in range(100):
        one.note(1, PAGE, n / 100)
    tomorrow = NOW + DAY_SECONDS
    [taken] = one.take(tomorrow)
    assert taken.day == DAY
    one.put_back(taken)
    one.told(1, DAY, 0.0)
    assert one.take(tomorrow) == [], "what is of a day that is over is let go"
    one.note(1, PAGE, 0.99)
    assert one.take(tomorrow) == [Taken(1, DAY + 1, 1, 1.0, {0.99: PAGE})]


def test_what_comes_before_the_first_look_at_the_clock_is_of_that_day() -> None:
    one = Sampler()
    one.note(1, PAGE, 0.5)
    assert [taken.day for taken in one.take(NOW)] == [DAY]


def test_what_is_put_back_stays_within_the_bound() -> None:
    one = sampler()
    one.put_back(Taken(1, DAY, 9, 0.9, {n / 10: PAGE for n in range(8)}))
    one.note(1, PAGE, 0.75)
    [taken] = one.take(NOW)
    one.note(1, PAGE, 0.05)
    one.put_back(taken)
    [taken] = one.take(NOW)
    assert taken.seen == 11
    assert sorted(taken.samples) == [0.0, 0.05, 0.1, 0.2, 0.3]
    assert taken.below == 0.4


def test_what_is_put_back_beside_what_came_meanwhile_stays_within_the_bound() -> None:
    one = sampler()
    for n in range(5):
        one.note(1, PAGE, 0.55 + n / 100)
    one.put_back(Taken(1, DAY, 8, 1.0, {n / 10: PAGE for n in range(8)}))
    [taken] = one.take(NOW)
    assert (taken.seen, taken.below, sorted(taken.samples)) == (13, 0.4, [0.0, 0.1, 0.2, 0.3])


def test_a_store_that_has_enough_lowers_the_bound() -> None:
    one = sampler()
    one.note(1, PAGE, 0.5)
    one.told(1, DAY, 0.4)
    one.told(2, DAY, 0.4)
    one.note(1, PAGE, 0.4)
    one.note(1, PAGE, 0.3)
    [taken] = one.take(NOW)
    assert (taken.seen, taken.below, list(taken.samples)) == (3, 0.4, [0.3])


@pytest.mark.parametrize("slots", [0, 1, 10, 200, 1_000, 1_500])
def test_all_slots_together_have_a_bound(slots: int) -> None:
    each = samples_a_day(slots)
    assert MIN_SAMPLES_A_DAY <= each <= SAMPLES_A_DAY
    assert 2 * each * DAYS_KEPT * slots <= MAX_SAMPLES

"""How many different campaigns an address has clicked, against a set that knows."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.distinct import BITS, COUNTLESS, EXACT, MEMORY_BYTES, Distinct, estimate
from adserver.core.sketch import MOST


@pytest.fixture
def distinct() -> Distinct:
    return Distinct(memoryview(bytearray(MEMORY_BYTES)))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_the_same_again_adds_nothing(hashes: list[int]) -> None:
    distinct = Distinct(memoryview(bytearray(MEMORY_BYTES)))
    for what in hashes:
        found = distinct.add(9, what, 1)
    assert found == distinct.add(9, hashes[0], 1) == estimate(len({what % BITS for what in hashes}))


@pytest.mark.parametrize("many", [10, 50, 100])
def test_the_answer_is_near_the_truth(distinct: Distinct, many: int) -> None:
    found = [
        max(distinct.add(secrets.randbits(26), what, 1) for what in hashes(many)) for _ in range(1)
    ]
    errors = []
    for _ in found * 20:
        key = secrets.randbits(26)
        errors.append(max(distinct.add(key, what, 1) for what in hashes(many)) - many)
    # 5 % of a hundred is one standard deviation of one answer, so five of the mean of twenty.
    assert abs(sum(errors) / len(errors)) < max(1.0, 0.06 * many)


def hashes(many: int) -> list[int]:
    return [secrets.randbits(64) for _ in range(many)]


def test_each_hour_begins_anew(distinct: Distinct) -> None:
    first = [distinct.add(9, what, 1) for what in range(5)][-1]
    assert first == 5
    assert distinct.add(9, 0, 2) == estimate(1)


def test_who_shares_one_place_is_not_taken_for_the_other(distinct: Distinct) -> None:
    busy, quiet = 5 | 6 << 13, 5 | 7 << 13
    for what in range(100):
        distinct.add(busy, what, 1)
    assert distinct.add(quiet, 1, 1) == estimate(1)


def test_a_full_bitmap_is_more_than_any_number() -> None:
    assert estimate(BITS) == COUNTLESS > MOST
    assert estimate(BITS - 1) < COUNTLESS
    assert estimate(0) == 0


@given(
    st.lists(
        st.integers(0, 2**64 - 1),
        min_size=EXACT,
        max_size=EXACT,
        unique_by=lambda what: what % BITS,
    )
)
def test_few_are_told_exactly(hashes: list[int]) -> None:
    """So a limit of N holds for the N+1st, and for none before."""
    distinct = Distinct(memoryview(bytearray(MEMORY_BYTES)))
    assert [distinct.add(9, what, 1) for what in hashes] == list(range(1, EXACT + 1))


def test_what_is_exact_goes_no_further() -> None:
    assert estimate(EXACT + 1) > EXACT + 1

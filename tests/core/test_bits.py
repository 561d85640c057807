"""Sets of positions in big integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.bits import MAX_FEW, less, lowest, pack, packed_or_few, positions_in, union

POSITIONS = st.sets(st.integers(0, 5_000))


@given(POSITIONS)
def test_what_was_packed_is_found_in_order(positions: set[int]) -> None:
    assert positions_in(pack(list(positions))) == sorted(positions)


@given(POSITIONS.filter(bool))
def test_the_lowest_is_the_first(positions: set[int]) -> None:
    assert lowest(pack(list(positions))) == min(positions)


@given(POSITIONS, POSITIONS)
def test_sets_are_taken_from_each_other_and_put_together(one: set[int], other: set[int]) -> None:
    assert positions_in(less(pack(list(one)), pack(list(other)))) == sorted(one - other)
    both = union([packed_or_few(sorted(one)), packed_or_few(sorted(other))])
    assert positions_in(both) == sorted(one | other)


def test_few_positions_are_kept_as_they_are() -> None:
    assert packed_or_few([3, 99_999]) == (3, 99_999)
    assert isinstance(packed_or_few(range(MAX_FEW + 1)), int)
    assert union([]) == pack([]) == 0

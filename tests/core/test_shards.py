"""Where events are counted: a bitmap in one place, a writer's bitmaps one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.shards import shard_of

WRITERS = st.integers(0, 2**32 - 1)
BLOCKS = st.integers(0, 2**16 - 1)


@given(WRITERS, BLOCKS)
def test_where_there_is_one_shard_everything_is_there(writer: int, block: int) -> None:
    assert shard_of(writer, block, 1) == 0


@given(WRITERS, BLOCKS, st.integers(2, 64))
def test_bitmaps_in_a_row_visit_all_shards_in_turn(writer: int, block: int, shards: int) -> None:
    row = [shard_of(writer, block + n, shards) for n in range(shards)]
    assert sorted(row) == list(range(shards))
    assert shard_of(writer, block + shards, shards) == row[0]


@given(WRITERS, st.integers(2, 64))
def test_a_writers_first_bitmap_lies_where_its_tallies_do(writer: int, shards: int) -> None:
    assert shard_of(writer, 0, shards) == writer % shards

"""Where events are counted: a bitmap in one place, a writer's bitmaps one after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.shards import PLACE_BITS, PLACES, Serials, shard_of, shard_of_campaign

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


SHARDS = st.integers(1, 64)


@given(WRITERS, SHARDS, st.integers(0, 2**32 - 1))
def test_a_ticket_is_numbered_where_its_campaign_is_counted(
    writer: int, shards: int, campaign: int
) -> None:
    home = shard_of_campaign(campaign, shards)
    serial = Serials(writer, shards).take(campaign)
    assert shard_of(writer, serial >> PLACE_BITS, shards) == home


@given(WRITERS, st.integers(1, 16), st.lists(st.integers(0, 15), max_size=200))
def test_no_serial_is_given_twice_whatever_is_asked_for(
    writer: int, shards: int, asked: list[int]
) -> None:
    serials = Serials(writer, shards)
    taken = [(shard % shards, serials.take(shard % shards)) for shard in asked]
    assert len({serial for _, serial in taken}) == len(taken)
    assert all(shard_of(writer, serial >> PLACE_BITS, shards) == shard for shard, serial in taken)


@pytest.mark.parametrize("shards", [1, 2, 16])
def test_a_bitmap_is_used_up_before_the_next_of_its_shard(shards: int) -> None:
    serials, writer, shard = Serials(7, shards), 7, 1 % shards
    taken = [serials.take(shard) for _ in range(2 * PLACES + 1)]
    assert len(set(taken)) == len(taken)
    blocks = [serial >> PLACE_BITS for serial in taken[::PLACES]]
    assert blocks == [blocks[0] + n * shards for n in range(3)]
    assert {shard_of(writer, block, shards) for block in blocks} == {shard}
    assert [taken[n] & PLACES - 1 for n in (0, 1, PLACES - 1, PLACES)] == [0, 1, PLACES - 1, 0]

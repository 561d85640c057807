"""Entries of one number of shards become those of another: every sum, bit and mark stays."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.errors import UnfitStore
from adserver.core.shards import shard_of
from adserver.store.connect import client
from adserver.store.entries import HASH, SORTED_SET, STRING, Entry, entry_of_pairs, pack_parts
from adserver.store.keys import Keys
from adserver.store.resharding import reshard, split
from adserver.store.transfer import fill as put
from tests.store.filled import fill, held, sums

SHARDS = st.sampled_from([1, 2, 3, 16])


def string(name: str, value: bytes, expires: int = 0) -> Entry:
    return Entry(name, STRING, expires, pack_parts([value]))


def ledger(shard: int, line: bytes, expires: int = 9) -> Entry:
    return string(f"{{{shard}}}:ledger:7:1", line, expires)


def values(entries: list[Entry], name: str) -> dict[bytes, bytes]:
    [entry] = [entry for entry in entries if entry.name == name]
    return dict(entry.pairs)


@given(
    SHARDS,
    SHARDS,
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)), unique=True),
    st.dictionaries(
        st.tuples(st.integers(0, 15), st.sampled_from(["counts:h", "daily:d", "totals"])),
        st.dictionaries(st.sampled_from([b"i:1", b"c:1", b"s:2"]), st.integers(1, 99), min_size=1),
    ),
)
def test_every_sum_and_every_bitmap_is_where_it_belongs(
    before: int,
    after: int,
    bitmaps: list[tuple[int, int]],
    rows: dict[tuple[int, str], dict[bytes, int]],
) -> None:
    seen = [string(f"{{{shard_of(w, b, before)}}}:seen:{w}:{b}", b"\1", 9) for w, b in bitmaps]
    counted = [
        entry_of_pairs(f"{{{s}}}:{kind}", HASH, 0, ((k, b"%d" % n) for k, n in some.items()))
        for (s, kind), some in rows.items()
        if s < before
    ]
    moved = list(reshard([*seen, *counted], before, after))
    assert len({entry.name for entry in moved}) == len(moved)
    assert sorted(e.name for e in moved if ":seen:" in e.name) == sorted(
        f"{{{shard_of(w, b, after)}}}:seen:{w}:{b}" for w, b in bitmaps
    )
    for kind in ("counts", "daily", "totals"):
        was, now = ({e.name: e for e in some} for some in (counted, moved))
        assert sums(was, kind) == sums(now, kind)
    back = list(reshard(moved, after, before, drained=True))
    assert Counter(e for e in back if ":seen:" in e.name) == Counter(seen)


def test_a_ledger_of_one_shard_says_the_same_in_all() -> None:
    moved = list(reshard([ledger(0, b"12 345\ni:1:2:3 4\n")], 1, 16))
    assert [split(entry)[0] for entry in moved] == [str(shard) for shard in range(16)]
    assert {(entry.parts[0], entry.expires) for entry in moved} == {(b"12 345\n", 9)}


def test_ledgers_that_say_the_same_in_all_shards_become_one() -> None:
    said = [ledger(0, b"12 345\ni:1:2:3 4\n", 8), ledger(1, b"12 345\n", 9)]
    assert list(reshard(said, 2, 1)) == [ledger(0, b"12 345\n", 9)]


@pytest.mark.parametrize("said", [[b"9 1\n", b"12 345\n"], [b"12 345\n"]])
def test_ledgers_that_differ_are_refused_until_the_journals_are_said_to_be_drained(
    said: list[bytes],
) -> None:
    """A shard that says less has got all that concerns it only if nothing was left behind."""
    entries = [ledger(shard, line) for shard, line in enumerate(said)]
    with pytest.raises(UnfitStore, match=r"ledger:7:1.*--drained"):
        list(reshard(entries, 2, 1))
    assert list(reshard(entries, 2, 1, drained=True)) == [ledger(0, b"12 345\n")]
    assert list(reshard(entries, 2, 2)) == entries


def test_times_are_the_first_and_changes_the_last_of_those_that_meet() -> None:
    def ranked(shard: int, kind: str, *scores: tuple[bytes, bytes]) -> Entry:
        return entry_of_pairs(f"{{{shard}}}:{kind}", SORTED_SET, 0, scores)

    entries = [
        ranked(0, "hours", (b"a", b"5.0"), (b"b", b"6.0")),
        ranked(1, "hours", (b"a", b"4.0")),
        ranked(0, "changes", (b"1", b"9.0"), (b"2", b"3.0")),
        ranked(1, "changes", (b"1", b"10.0")),
        string("{0}:change", b"9"),
        string("{1}:change", b"10"),
    ]
    moved = list(reshard(entries, 2, 1))
    assert values(moved, "{0}:hours") == {b"a": b"4.0", b"b": b"6.0"}
    assert values(moved, "{0}:changes") == {b"1": b"10.0", b"2": b"3.0"}
    assert string("{0}:change", b"10") in moved


def test_what_nobody_knows_a_place_for_is_refused() -> None:
    entries = [string("{0}:later", b"1")]
    assert list(reshard(entries, 1, 1)) == entries
    with pytest.raises(UnfitStore, match="later"):
        list(reshard(entries, 1, 16))


def test_what_the_catalog_holds_stays_as_it_is(valkey: str) -> None:
    keys = Keys("catalogs-stay")
    fill(valkey, keys)
    before = held(valkey, keys)
    after = {entry.name: entry for entry in reshard(before.values(), 1, 16)}
    mine = {name for name in before if name.startswith("{catalog}:")}
    assert {name: before[name] for name in mine} == {
        name: entry for name, entry in after.items() if name.startswith("{catalog}:")
    }
    assert len(mine) >= 7


def test_a_journal_that_goes_on_after_the_move_is_told_the_same_by_each_shard(
    valkey: str,
) -> None:
    keys, wider = Keys("narrow"), Keys("wide", 16)
    fill(valkey, keys)
    before = held(valkey, keys)
    with client(valkey) as connection:
        put(connection, wider, reshard(before.values(), 1, 16))
    after = held(valkey, wider)
    line = before["{0}:ledger:7:1"].parts[0].partition(b"\n")[0] + b"\n"
    assert int(line.split(b" ")[0]) > 1
    for shard in range(16):
        assert after[f"{{{shard}}}:ledger:7:1"].parts == [line]

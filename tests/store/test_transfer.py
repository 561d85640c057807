"""Filling a store with entries, of any size, and looking whether they are there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from adserver.core.errors import UnfitStore
from adserver.store.entries import (
    HASH,
    PARTS_A_COMMAND,
    SORTED_SET,
    STRING,
    Entry,
    entry_of_pairs,
    pack_parts,
)
from adserver.store.keys import Keys
from adserver.store.transfer import clear, fill, verify
from tests.servers import until
from tests.store.filled import held

SOON = round((time.time() + 3_600) * 1_000)
MANY = PARTS_A_COMMAND // 2 + 1


def string(name: str, value: bytes = b"1", expires: int = 0) -> Entry:
    return Entry(name, STRING, expires, pack_parts([value]))


ENTRIES = [
    string("{0}:seen:7:0", bytes(range(256)) * 96, SOON),
    entry_of_pairs("{0}:totals", HASH, 0, ((b"i:%d" % n, b"%d" % n) for n in range(MANY))),
    entry_of_pairs("{0}:changes", SORTED_SET, 0, ((b"%d" % n, b"%d.0" % n) for n in range(MANY))),
    *(string(f"{{catalog}}:writer:{n}", b"1", SOON + n) for n in range(250)),
]


def test_what_is_put_in_is_there_to_the_millisecond(store: Any, store_url: str, keys: Keys) -> None:
    assert fill(store, keys, ENTRIES) == len(ENTRIES)
    verify(store, keys, ENTRIES)
    assert held(store_url, keys) == {entry.name: entry for entry in ENTRIES}


@pytest.mark.parametrize(
    "harm",
    [
        lambda store, keys: store.hincrby(keys.totals(0), "i:1", 1),
        lambda store, keys: store.hset(keys.totals(0), "c:1", 1),
        lambda store, keys: store.zincrby(keys.changes(0), 1, "1"),
        lambda store, keys: store.setbit(keys.seen(0, 7, 0), 1, 1),
        lambda store, keys: store.persist(keys.writer(3)),
        lambda store, keys: store.delete(keys.totals(0)),
    ],
)
def test_whatever_is_not_as_it_was_put_in_is_found(store: Any, keys: Keys, harm: Any) -> None:
    fill(store, keys, ENTRIES)
    harm(store, keys)
    with pytest.raises(UnfitStore, match="does not hold what was written to it"):
        verify(store, keys, ENTRIES)


def test_what_has_expired_is_neither_put_in_nor_missed(store: Any, keys: Keys) -> None:
    gone = string("{catalog}:writer:9", expires=1_000)
    assert fill(store, keys, [gone, string("{catalog}:live")]) == 1
    verify(store, keys, [gone, string("{catalog}:live")])


def test_what_expires_meanwhile_is_not_missed(store: Any, keys: Keys) -> None:
    """Between the two looks at the clock: the store has forgotten it, and it may."""
    soon = string("{catalog}:writer:9", expires=round(time.time() * 1_000) + 50)
    fill(store, keys, [soon])
    until(lambda: not store.exists(keys.writer(9)))
    verify(store, keys, [soon])


def test_clearing_leaves_the_mark_and_what_is_anothers(store: Any, keys: Keys) -> None:
    fill(store, keys, ENTRIES)
    store.hset(keys.moved, "from", "elsewhere")
    store.set("blog2:{0}:totals", 1)
    clear(store, keys)
    assert set(store.scan_iter()) == {keys.moved.encode(), b"blog2:{0}:totals"}

"""Copies: of one instant, while the store is written to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adserver.core.errors import StoreUnavailable, UnfitStore
from adserver.core.hour import hour_at
from adserver.store.connect import async_client, client
from adserver.store.copying import HOURS_IN_USE, copy_of
from adserver.store.counts import StoredCounts
from adserver.store.entries import Entry, ask, read, unpack_parts
from adserver.store.keys import Keys
from tests.factories import NOW, ZONE
from tests.servers import until
from tests.store.filled import LIFE, fill, held, seen, sums
from tests.store.shipping import Shipper, event

HOURS = HOURS_IN_USE * 2


@contextmanager
def counting(url: str, keys: Keys, every_hour: bool) -> Iterator[threading.Event]:
    """Ships one new impression after the other, in turn into each hour, or into the last one."""
    stop, begun = threading.Event(), threading.Event()

    async def ship() -> None:
        async with async_client(url) as connection:
            counts = StoredCounts(connection, keys, LIFE)
            shipper, serial = Shipper(counts), 0
            while not stop.is_set():
                at = serial % HOURS if every_hour or serial < HOURS else HOURS - 1
                hour = hour_at(NOW + at * 3_600, ZONE)
                await shipper.events(hour, [event(serial=serial, creative=1 + serial % 5)])
                serial += 1
                if serial > HOURS:
                    begun.set()

    writer = threading.Thread(target=lambda: asyncio.run(ship()))
    writer.start()
    try:
        until(begun.is_set)
        yield stop
    finally:
        stop.set()
        writer.join()


def counted(entries: dict[str, Entry]) -> set[int]:
    """How many impressions there were, according to each who should know."""
    [ledger] = [one for name, one in entries.items() if ":ledger:" in name]
    bits = [unpack_parts(one.body)[0] for name, one in entries.items() if ":seen:" in name]
    return {
        int(ledger.parts[0].split(b" ")[0]),
        sum(int.from_bytes(some, "big").bit_count() for some in bits),
        sum(sums(entries, "counts").values()),
        sum(sums(entries, "totals").values()),
    }


@pytest.mark.parametrize("every_hour", [False, True])
def test_a_copy_is_of_one_instant_while_events_are_counted(
    store: Any, store_url: str, keys: Keys, every_hour: bool
) -> None:
    found: set[int] = set()

    def copied_ten_different_ones() -> bool:
        [number] = counted(held(store_url, keys))
        found.add(number)
        return len(found) >= 10

    with counting(store_url, keys, every_hour):
        until(copied_ten_different_ones)


def test_keys_read_one_after_the_other_are_of_no_instant(
    store: Any, store_url: str, keys: Keys
) -> None:
    """The control of the test above."""

    def read_in_turn() -> dict[str, Entry]:
        entries = {}
        for key in sorted(store.scan_iter("blog:{*}:*")):
            pipeline = store.pipeline(transaction=False)
            kind = store.type(key)
            ask(pipeline, key, kind)
            name = key.decode().removeprefix("blog:")
            entry = read(name, kind, *pipeline.execute())
            assert entry is not None
            entries[name] = entry
        return entries

    with counting(store_url, keys, every_hour=False):
        until(lambda: len(counted(read_in_turn())) > 1)


def test_a_copy_has_everything_but_what_is_of_the_moment(
    store: Any, store_url: str, keys: Keys
) -> None:
    fill(store_url, keys)
    seen(store_url, keys)
    store.hset(keys.moved, "to", "elsewhere")
    store.set("blog2:{0}:live", 1)
    store.set("blogger", 1)
    names = {f"blog:{name}".encode() for name in held(store_url, keys)}
    left = {b"blog:{catalog}:nodes", b"blog:{catalog}:moved", b"blog2:{0}:live", b"blogger"}
    assert names == set(store.scan_iter()) - left


def test_lives_are_copied_as_moments(store: Any, store_url: str, keys: Keys) -> None:
    store.set(keys.writer(5), 1, pxat=1_900_000_000_123)
    store.set(keys.live, 1)
    found = held(store_url, keys)
    assert found["{catalog}:writer:5"].expires == 1_900_000_000_123
    assert found["{catalog}:live"].expires == 0


def test_a_key_of_a_type_that_nobody_of_ours_writes_is_told(
    store: Any, store_url: str, keys: Keys
) -> None:
    store.rpush("blog:{0}:later", 1)
    with pytest.raises(UnfitStore, match=r"blog:\{0\}:later is a list"):
        held(store_url, keys)


def test_a_store_in_which_keys_appear_all_the_while_is_told(
    store: Any, store_url: str, keys: Keys
) -> None:
    """Of which there is an end: it is not tried for ever."""
    program = """
import sys, redis
store = redis.Redis.from_url(sys.argv[1])
for n in range(10_000_000):
    store.set(f"blog:{{catalog}}:writer:{n}", 1, ex=60)
"""
    writer = subprocess.Popen([sys.executable, "-c", program, store_url])
    try:
        until(lambda: store.dbsize() > 1_000)
        with client(store_url) as connection, pytest.raises(StoreUnavailable, match="try again"):
            copy_of(connection, keys)
    finally:
        writer.kill()
        writer.wait()

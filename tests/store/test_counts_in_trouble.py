"""Counting in a store that stalls, forgets, is cut off or stopped: told, and never twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import async_client
from adserver.store.counts import StoredCounts
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from tests.servers import until
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.test_counts import (
    CLICK,
    IMPRESSION,
    TALLIES,
    VIEWABLE,
    added,
    ledger,
    mark,
    rows,
    ship,
    shipment,
)


async def test_a_store_that_forgot_its_scripts_is_told_them_again(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await ship(counts, shipment(1, [IMPRESSION], TALLIES))
    store.script_flush()
    told = await ship(counts, shipment(2, [IMPRESSION, CLICK], TALLIES))
    assert added(told) == {"i.duplicate": 1, "c": 1}
    assert rows(store, keys)["s"] == 8


async def test_a_cut_connection_is_told_and_the_next_call_works(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await ship(counts, shipment(1, [IMPRESSION]))
    store.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(StoreUnavailable):
        await ship(counts, shipment(2, [VIEWABLE]))
    told = await ship(counts, shipment(2, [VIEWABLE]))
    assert told.mark == mark(2)
    assert rows(store, keys) == {"i": 1, "v": 1}


async def test_a_store_that_stalls_is_not_waited_for_and_nothing_counts_twice(
    counts: StoredCounts, store: Any, keys: Keys
) -> None:
    await ship(counts, shipment(1, [IMPRESSION]))
    store.client_pause(60_000, all=False)
    sent = shipment(2, [VIEWABLE, CLICK], TALLIES)
    with pytest.raises(StoreUnavailable):
        await ship(counts, sent)
    assert await ledger(counts) == mark(1), "reads go on"
    store.client_unpause()
    # Whether it has been applied after all or not: sent again, it has been, once.
    told = await ship(counts, sent)
    assert (told.mark, added(told)) == (mark(2), {"v": 1, "c": 1})
    assert rows(store, keys) == {"i": 1, "v": 1, "c": 1, "r": 5, "s": 4, "n.no_campaign": 1}


async def test_a_store_that_was_stopped_is_used_again_when_it_is_back(
    tmp_path: Path, keys: Keys
) -> None:
    embedded = Embedded(tmp_path)
    with embedded.used(stop_if_last=True) as url:
        connection = async_client(url)
        counts = StoredCounts(connection, keys, TICKET_LIFE_SECONDS)
        await ship(counts, shipment(1, [IMPRESSION]))
        with redis.Redis.from_url(url) as admin:
            admin.shutdown(nosave=True)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await ship(counts, shipment(2, [CLICK]))
            with pytest.raises(StoreUnavailable):
                await ledger(counts)
        embedded.ensure()
        told = await ship(counts, shipment(2, [IMPRESSION, CLICK]))
        assert added(told) == {"i.duplicate": 1, "c": 1}
        await connection.aclose()


async def test_what_was_written_is_found_after_a_crash(tmp_path: Path, keys: Keys) -> None:
    """The script is one entry of the append-only file: there whole, or not at all."""
    embedded = Embedded(tmp_path)
    with embedded.used(stop_if_last=True) as url:
        connection = async_client(url)
        counts = StoredCounts(connection, keys, TICKET_LIFE_SECONDS)
        with redis.Redis.from_url(url) as admin:
            for sequence in range(1, 6):
                await ship(counts, shipment(sequence, [IMPRESSION], TALLIES))
            until(lambda: admin.info("persistence")["aof_last_write_status"] == "ok")
            admin.shutdown(nosave=True)
        embedded.ensure()
        with redis.Redis.from_url(url) as store:
            said = (await ledger(counts)).sequence
            assert rows(store, keys)["s"] == 4 * said
            assert rows(store, keys)["i.duplicate"] == said - 1
        await connection.aclose()

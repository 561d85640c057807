"""A journal that is full, as the store stays away too long: events are refused, not lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.bare import bare_server
from tests.faults.load import Load, answered_between, eventually, percentile
from tests.faults.nodes import CONTROL_PATIENCE_SECONDS, balance, load_on, missing, node
from tests.faults.stores import Debian, debian
from tests.journeys.figures import total
from tests.journeys.hammer import TICKET
from tests.servers import Running

# The setting's smallest value, of a unit that a thousandth as much fills: 16 KiB.
SMALL = "small_journals=1"
ENV = {"ADSERVER_JOURNAL_MEBIBYTES": "16"}
LIMIT_BYTES = 16 * 1_024
ANSWERS = 300
REFUSALS = 100
MAX_P99_SECONDS = 0.050
BUSY = 4  # as in test_store.py


class House(NamedTuple):
    ads: Running
    store: Debian
    load: Load


@contextmanager
def house(tmp: Path, *alterations: str) -> Iterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis"))
        env = {"ADSERVER_REDIS": store.url, **ENV}
        ads = stack.enter_context(node(tmp, SMALL, *alterations, workers=1, env=env))
        yield House(ads, store, load_on(ads, bare=stack.enter_context(bare_server())))


def check_refusal(home: House) -> None:
    found = TICKET.search(home.ads.get("/slots/top").content)
    assert found
    home.load.told.served(found[1].decode())
    refused = home.ads.get(f"/i/{found[1].decode()}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")


async def fill(home: House) -> tuple[float, float]:
    """Until events have been refused for a while and are taken again; slots' p99, its limit."""
    told = home.load.told
    async with home.load.running():
        await home.load.more(ANSWERS)
        await asyncio.to_thread(home.store.kill)
        await eventually(lambda: told.refused > 0)
        full = time.monotonic()
        await eventually(lambda: told.refused > REFUSALS)
        ended = time.monotonic()
        assert await asyncio.to_thread(total, home.ads, "journal_bytes") <= LIMIT_BYTES
        await asyncio.to_thread(check_refusal, home)
        await asyncio.to_thread(home.store.back)
        before = told.acknowledged
        await eventually(lambda: told.acknowledged > before + REFUSALS)
    slots, bare = (
        percentile(answered_between(asked, full, ended), 0.99)
        for asked in (home.load.slots, home.load.reference)
    )
    return slots, max(MAX_P99_SECONDS, BUSY * bare)


@pytest.mark.alone
def test_a_full_journal_refuses_events_and_serves_ads(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        p99, limit = asyncio.run(fill(home))
        # What was acknowledged is there; what was refused is not, nor is any ad forgotten.
        assert balance(home.ads, home.load.told) == []
        assert p99 <= limit


def missing_after_a_while(home: House) -> int:
    balance(home.ads, home.load.told, patience=CONTROL_PATIENCE_SECONDS)
    return missing(home.ads, home.load.told)


async def fill_and_go_on(home: House) -> None:
    async with home.load.running():
        await asyncio.to_thread(home.store.kill)
        # Nobody is refused: so many that they would have been.
        await home.load.more(5 * ANSWERS)
        await asyncio.to_thread(home.store.back)
        await home.load.more(ANSWERS)


def test_control_acknowledged_without_room_events_are_lost(tmp_path: Path) -> None:
    with house(tmp_path, "without_refusals") as home:
        asyncio.run(fill_and_go_on(home))
        assert missing_after_a_while(home) > 0

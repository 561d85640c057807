"""Clients that wear a server out take nothing from visitors, and are closed in time.

All attacks at once, with the deadlines of the product; the control is uvicorn's own protocol.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.faults.bare import bare_server
from tests.faults.load import CUT, Load, answered_between, percentile
from tests.faults.nodes import load_on, node, workers_of
from tests.faults.sieges import ATTACKS, HEAD, NEVER, Attack, besiege, highest_memory, hold_open
from tests.journeys.hammer import connected

GRACE_SECONDS = 1.0
MAX_P99_SECONDS = 0.005
BUSY = 4  # as in test_store.py
MAX_MEMORY_BYTES = 20_000_000
RECOVERY_SECONDS = 2.0
# Before anything is measured: what is loaded once is loaded.
ANSWERS = 300


class Siege(NamedTuple):
    """late: attacks whose connections were not closed in time. Seconds are slots' p99."""

    late: dict[str, list[float]]
    during: float
    after: float
    limit: float
    memory: int


async def siege(load: Load, pids: Sequence[int], attacks: Sequence[Attack]) -> Siege:
    over = asyncio.Event()
    async with load.running():
        await load.more(ANSWERS)
        before = await highest_memory_now(pids)
        watching = asyncio.create_task(highest_memory(pids, over))
        begun = time.monotonic()
        late = await besiege(load.addresses[0], attacks, GRACE_SECONDS)
        ended = time.monotonic()
        over.set()
        while time.monotonic() < ended + RECOVERY_SECONDS:
            await load.more(1)
    during, bare = (
        percentile(answered_between(asked, begun, ended), 0.99)
        for asked in (load.slots, load.reference)
    )
    after = percentile(answered_between(load.slots, ended), 0.99)
    limit = max(MAX_P99_SECONDS, BUSY * bare)
    return Siege(late, during, after, limit, await watching - before)


async def highest_memory_now(pids: Sequence[int]) -> int:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, over.set)
    return await highest_memory(pids, over)


def under_siege(tmp: Path, attacks: Sequence[Attack] = ATTACKS, *alterations: str) -> Siege:
    with ExitStack() as stack:
        ads = stack.enter_context(node(tmp, *alterations, workers=1))
        load = load_on(ads, bare=stack.enter_context(bare_server()))
        return asyncio.run(siege(load, workers_of(ads), attacks))


@pytest.mark.alone
def test_attackers_take_nothing_from_visitors(
    tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    found = under_siege(tmp_path)
    record_property("siege", str(found))
    assert found.late == {}
    assert found.memory < MAX_MEMORY_BYTES
    assert found.during <= found.limit
    assert found.after <= found.limit


def test_control_stock_http_keeps_attackers_and_grows(tmp_path: Path) -> None:
    """In less time: bodies are waited for just as long, which needs no second proof."""
    quick = [attack for attack in ATTACKS if attack.name != "slow bodies"]
    found = under_siege(tmp_path, quick, "stock_http")
    assert set(found.late) >= {"silent connections", "half-open connections", "an endless header"}
    assert found.memory > MAX_MEMORY_BYTES


# --- With hardly any files ---

HALF_OPEN = hold_open(1_000, HEAD, b"")
NEW_VISITORS = 100
# A visitor of flesh and blood would be gone.
GONE_SECONDS = 1.0
# No need to see more of them go, for a control.
ENOUGH_GONE = 10


async def visit(address: str) -> float:
    """Seconds until a visitor on a new connection has an ad; for ever if there is none."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(GONE_SECONDS), connected(address) as connection:
            answer = await connection.ask("/slots/top")
    except CUT:
        return NEVER
    return time.monotonic() - begun if answer.status == 200 else NEVER


async def crowd(address: str, bare: str) -> tuple[list[float], float]:
    """While 1,000 connections are held open: new visitors' seconds, and the limit of their p99."""
    parts = urlsplit(address)
    attacking = asyncio.create_task(
        asyncio.to_thread(HALF_OPEN, (parts.hostname or "", parts.port or 0), GONE_SECONDS)
    )
    seconds, reference = [], []
    while (not attacking.done() or len(seconds) < NEW_VISITORS) and seconds.count(
        NEVER
    ) < ENOUGH_GONE:
        seconds.append(await visit(address))
        reference.append(await visit(bare))
    await attacking
    return seconds, max(MAX_P99_SECONDS, BUSY * percentile(reference, 0.99))


def crowded(tmp: Path, *alterations: str) -> tuple[list[float], float, str]:
    with ExitStack() as stack:
        ads = stack.enter_context(node(tmp, *alterations, workers=1))
        seconds, limit = asyncio.run(crowd(ads.public, stack.enter_context(bare_server())))
        return seconds, limit, ads.metrics()


@pytest.mark.alone
def test_sixty_four_files_are_enough_for_visitors_among_a_thousand_idlers(tmp_path: Path) -> None:
    seconds, limit, metrics = crowded(tmp_path, "few_files")
    assert percentile(seconds, 0.99) <= limit
    assert re.search(r'http_refused_total\{reason="crowded_out"\} [1-9]', metrics)


def test_control_without_eviction_idlers_keep_visitors_out(tmp_path: Path) -> None:
    seconds, _, _ = crowded(tmp_path, "few_files", "without_eviction")
    assert percentile(seconds, 0.99) == NEVER

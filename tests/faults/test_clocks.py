"""Clocks that jump, and journals that two machines ship: nothing counts twice."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from adserver.wiring.identity import JOURNALS
from tests.faults.load import Load, eventually
from tests.faults.nodes import (
    CONTROL_PATIENCE_SECONDS,
    OUTAGE_SECONDS,
    balance,
    load_on,
    nodes_on_one_store,
    set_clock,
)
from tests.faults.oracle import FAR_SECONDS, Books
from tests.faults.stores import Debian
from tests.journeys.figures import total
from tests.servers import Running, until

NODES = 2
HOUR_SECONDS = 3_600
# Of the two nodes: one ahead, the other behind, both, and back.
JUMPS = [(1, 0), (1, -1), (-1, 1), (0, 0)]
ANSWERS = 200


async def jump(load: Load, tmp: Path) -> None:
    async with load.running():
        for hours in [(0, 0), *JUMPS]:
            for number, ahead in enumerate(hours):
                set_clock(tmp / f"node-{number}", ahead * HOUR_SECONDS)
            await load.more(ANSWERS)


def hours_counted(ads: Running) -> int:
    books = Books(ads.redis)
    with books.store:
        return len({row.hour for row in books.totals.rows(0, time.time() + FAR_SECONDS)})


def test_clocks_that_jump_by_an_hour_count_nothing_twice(tmp_path: Path) -> None:
    with nodes_on_one_store(tmp_path, NODES, "clock") as (_, nodes):
        load = load_on(*nodes)
        asyncio.run(jump(load, tmp_path))
        assert balance(nodes[0], load.told) == []
        assert hours_counted(nodes[0]) >= 3, "an hour ago, now, and in an hour"


def test_control_bits_of_the_hour_of_arrival_count_twice(tmp_path: Path) -> None:
    with nodes_on_one_store(tmp_path, NODES, "clock", "bits_of_an_hour") as (_, nodes):
        load = load_on(*nodes)
        asyncio.run(jump(load, tmp_path))
        wrong = balance(nodes[0], load.told, patience=CONTROL_PATIENCE_SECONDS)
        assert any(one.startswith("i of") and "(+" in one for one in wrong), wrong


async def clone_a_journal(
    store: Debian, nodes: list[Running], load: Load, enough: Callable[[], bool]
) -> None:
    """While the store is away, the second machine gets a copy of the first one's disk, which
    goes on being written."""
    async with load.running():
        await load.more(ANSWERS)
        await asyncio.to_thread(store.kill)
        await load.more(ANSWERS)
        original, copy = (ads.folder / "var" / JOURNALS for ads in nodes)
        for folder in sorted(original.glob("*/*-*")):
            # As a machine's image has it: whole, and nobody's lock.
            aside = copy / folder.name
            shutil.copytree(folder, aside)
            aside.rename(copy / folder.relative_to(original))
        # At least that of the worker that had the visitors; the other's may be empty.
        await eventually(lambda: "journal_adopted" in nodes[1].log)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(store.back)
        await load.more(ANSWERS)
        await eventually(enough)


def refused(nodes: list[Running]) -> bool:
    return any("journal_refused" in ads.log for ads in nodes)


def overcounted(nodes: list[Running], load: Load) -> list[str]:
    """Without what is missing: a journal that is kept aside is not counted, and says so."""
    wrong = balance(nodes[0], load.told, patience=CONTROL_PATIENCE_SECONDS)
    return [one for one in wrong if "(+" in one]


def test_a_journal_that_two_machines_ship_is_refused_loudly(tmp_path: Path) -> None:
    with nodes_on_one_store(tmp_path, NODES) as (store, nodes):
        load = load_on(nodes[0])
        asyncio.run(clone_a_journal(store, nodes, load, lambda: refused(nodes)))
        until(lambda: sum(total(ads, "journals_quarantined") for ads in nodes) >= 1)
        assert overcounted(nodes, load) == []


def test_control_without_ledgers_both_machines_count(tmp_path: Path) -> None:
    with nodes_on_one_store(tmp_path, NODES, "without_ledgers") as (store, nodes):
        load = load_on(nodes[0])
        asyncio.run(clone_a_journal(store, nodes, load, lambda: True))
        until(lambda: overcounted(nodes, load))

"""Workers die, freeze and leave under load: nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from adserver.serving.supervisor import HUNG_SECONDS
from tests.faults.bare import bare_server
from tests.faults.load import Load, Slot, answered_between, eventually
from tests.faults.nodes import (
    CONTROL_OUTAGE_SECONDS,
    CONTROL_PATIENCE_SECONDS,
    OUTAGE_SECONDS,
    SOAK,
    balance,
    check_report,
    load_on,
    node,
    settled,
    workers_of,
)
from tests.servers import Running

WORKERS = 4
KILLS = 500 if SOAK else 50
CONTROL_KILLS = 4
# Answers between two kills, so that they fall anywhere in the load.
MOST_BETWEEN = 200
SLOW_SECONDS = 0.200
MAX_SLOW = 0.001
ANSWERS_AFTER = 1_000


async def kill_workers(ads: Running, load: Load, kills: int) -> None:
    for _ in range(kills):
        await load.more(load.draw.randrange(MOST_BETWEEN))
        # One that was just started and dies again is replaced later each time: that is for
        # workers that cannot start, and not what this is about.
        killed = load.draw.choice(await eventually(lambda: settled(ads)))
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda killed=killed: killed not in workers_of(ads))


async def kill_under_load(ads: Running, load: Load, kills: int) -> None:
    async with load.running():
        await kill_workers(ads, load, kills)
        await load.more(ANSWERS_AFTER)


def slow_share(asked: list[Slot]) -> float:
    seconds = answered_between(asked)
    return sum(one > SLOW_SECONDS for one in seconds) / len(seconds)


@pytest.mark.timeout(900 if SOAK else 180)
@pytest.mark.alone
def test_fifty_workers_killed_under_load_lose_no_event(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with bare_server() as bare, node(tmp_path, workers=WORKERS) as ads:
        load = load_on(ads, bare=bare)
        asyncio.run(kill_under_load(ads, load, KILLS))
        assert load.cut > KILLS / 10, "kills have to hit requests"
        assert balance(ads, load.told, killed=True) == []
        check_report(ads, load.told)
    # What a server that does nothing takes as well is not the kills' fault.
    slow, reference = slow_share(load.slots), slow_share(load.reference)
    record_property("slots", len(load.slots))
    record_property("events acknowledged", load.told.acknowledged)
    record_property("requests cut", load.cut)
    record_property("share of slots over 200 ms", slow)
    record_property("share of the bare server's", reference)
    assert slow <= max(MAX_SLOW, 2 * reference), (slow, reference, len(load.slots))


def test_control_counted_in_memory_they_do(tmp_path: Path) -> None:
    with node(tmp_path, "without_journal", workers=WORKERS) as ads:
        load = load_on(ads)
        asyncio.run(kill_under_load(ads, load, CONTROL_KILLS))
        assert balance(ads, load.told, killed=True, patience=CONTROL_PATIENCE_SECONDS) != []


async def freeze_and_drain(ads: Running, load: Load, seconds: float) -> None:
    async with load.running():
        await load.more(200)
        frozen, *others = await eventually(lambda: settled(ads)[:WORKERS])
        os.kill(frozen, signal.SIGSTOP)
        for pid in others:
            await load.more(100)
            os.kill(pid, signal.SIGTERM)
        # Longer, and it would be taken for one that hangs.
        await asyncio.sleep(min(seconds, HUNG_SECONDS / 2))
        os.kill(frozen, signal.SIGCONT)
        await load.more(500)
        os.kill(frozen, signal.SIGTERM)
        os.kill(ads.process.pid, signal.SIGHUP)  # and all of them, one after the other
        await load.more(500)
    await eventually(lambda: len(workers_of(ads)) == WORKERS)


async def hang_under_load(ads: Running, load: Load) -> None:
    async with load.running():
        await load.more(200)
        hung, *_ = await eventually(lambda: settled(ads))
        os.kill(hung, signal.SIGUSR1)
        await eventually(lambda: hung not in workers_of(ads), patience=3 * HUNG_SECONDS)
        await eventually(lambda: len(workers_of(ads)) == 2)
        await load.more(200)


def test_a_worker_whose_loop_hangs_is_replaced(tmp_path: Path) -> None:
    with node(tmp_path, "hanging", workers=2) as ads:
        assert restarts(ads, "hung") == 0
        load = load_on(ads)
        asyncio.run(hang_under_load(ads, load))
        assert (restarts(ads, "hung"), restarts(ads, "died")) == (1, 0)
        assert balance(ads, load.told, killed=True) == []
        assert "process_hung" in ads.log
        assert "altered.py" in ads.log  # which is where it hung


def restarts(ads: Running, reason: str) -> int:
    name = f'adserver_worker_restarts_total{{reason="{reason}"}} '
    [line] = [one for one in ads.metrics().splitlines() if one.startswith(name)]
    return int(float(line.removeprefix(name)))


def test_workers_that_freeze_and_workers_that_leave_lose_nothing(tmp_path: Path) -> None:
    with node(tmp_path, workers=WORKERS) as ads:
        load = load_on(ads)
        asyncio.run(freeze_and_drain(ads, load, OUTAGE_SECONDS))
        # To the last served ad, as nobody was killed.
        assert balance(ads, load.told) == []
        check_report(ads, load.told)


def test_control_workers_that_leave_without_draining_lose_what_was_served(tmp_path: Path) -> None:
    with node(tmp_path, "without_drain", workers=WORKERS) as ads:
        load = load_on(ads)
        asyncio.run(freeze_and_drain(ads, load, CONTROL_OUTAGE_SECONDS))
        wrong = balance(ads, load.told, patience=CONTROL_PATIENCE_SECONDS)
        assert any(one.startswith("s of") for one in wrong), wrong

"""Goals and limits under faults: never exceeded at any look, reached to the last one where
traffic goes on, and nothing that was acknowledged is taken back.

All faults are suffered at once, each by a house of its own (`tests.faults.limited`), as they mostly
wait for room to lapse: in seconds here, unless SOAK is set.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.limited import (
    MOST,
    House,
    behind_a_proxy,
    behind_sentinels,
    on_debian,
    two_nodes,
)
from tests.faults.load import eventually
from tests.faults.nodes import SOAK, settled
from tests.faults.proxy import Loss
from tests.faults.test_network import LOSSES
from tests.topology import Sentinels

KILLS = 30 if SOAK else 6
# Room lapses in the seconds that a test has.
HASTY = () if SOAK else ("hasty=300",)
FORGETFUL = () if SOAK else ("hasty=2",)
OUTAGE_SECONDS = 15.0 if SOAK else 1.5
# Of writes that the next master has not got.
BEHIND_SECONDS = 5.0 if SOAK else 1.0
# Longer than a journal that nobody speaks for holds room back.
LONG_SECONDS = 330.0 if SOAK else 6.0
PATIENCE_SECONDS = 1_500.0 if SOAK else 120.0
STEADY_ANSWERS = 300
THREADS = 32
OFF = ("without_leases", "without_looking")

Suffer = Callable[[House], Awaitable[None]]


async def workers_are_killed(home: House) -> None:
    [ads] = home.nodes
    for _ in range(KILLS):
        await home.readers.more(home.readers.draw.randrange(100))
        killed = home.readers.draw.choice(await eventually(lambda: settled(ads)))
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda gone=killed: gone not in settled(ads))


async def the_store_is_killed(home: House) -> None:
    for _ in range(2):
        await home.readers.more(200)
        await asyncio.to_thread(home.store.kill)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(home.store.back)


async def calls_are_cut(home: House) -> None:
    assert home.proxy is not None
    home.proxy.losses.update(LOSSES)
    await home.readers.more(600)
    await asyncio.sleep(OUTAGE_SECONDS)
    home.proxy.losses.clear()
    assert all(home.proxy.suffered[loss] for loss in (Loss.BEFORE, Loss.DURING, Loss.AFTER))


async def the_master_loses_its_last_writes(home: House) -> None:
    await home.readers.more(200)
    store: Sentinels = home.store
    old = store.master()
    counted = sum(home.counted.values())

    def die_behind() -> None:
        # No replica gets any more of it, or comes back for it.
        old.call("ACL", "SETUSER", "default", "-psync", "-sync")
        old.call("CLIENT", "KILL", "TYPE", "replica")

    await asyncio.to_thread(die_behind)
    await asyncio.sleep(BEHIND_SECONDS)
    await eventually(lambda: sum(home.counted.values()) > counted)
    await asyncio.to_thread(old.kill)
    await asyncio.to_thread(store.failed_over, old)


async def a_node_is_cut_off(home: House, seconds: float = 2 * OUTAGE_SECONDS) -> None:
    assert home.proxy is not None
    await home.readers.more(200)
    home.proxy.losses[Loss.BEFORE] = 100.0
    await asyncio.sleep(seconds)
    home.proxy.losses.clear()


async def a_node_is_cut_off_for_long(home: House) -> None:
    await a_node_is_cut_off(home, LONG_SECONDS)


class Fault(NamedTuple):
    """keeps: whether what was acknowledged is counted, whatever the limits."""

    house: Callable[..., AbstractAsyncContextManager[House]]
    suffer: Suffer
    alterations: tuple[str, ...] = HASTY
    keeps: bool = True


FAULTS = {
    "workers killed": Fault(on_debian, workers_are_killed),
    "store killed": Fault(on_debian, the_store_is_killed),
    "calls cut": Fault(behind_a_proxy, calls_are_cut),
    "failover": Fault(behind_sentinels, the_master_loses_its_last_writes, keeps=False),
    "node cut off": Fault(two_nodes, a_node_is_cut_off),
    "node cut off for long": Fault(two_nodes, a_node_is_cut_off_for_long, FORGETFUL, keeps=False),
}


async def deliver(home: House, suffer: Suffer) -> None:
    """Until every limit is reached, and then some more."""
    looks = asyncio.create_task(home.looking())
    try:
        async with home.readers.running():
            await suffer(home)
            await eventually(lambda: home.full or len(home.exceeded) == len(MOST), PATIENCE_SECONDS)
            await home.readers.more(STEADY_ANSWERS)
    finally:
        looks.cancel()
    await asyncio.to_thread(home.look)


async def under(fault: Fault, folder: Path, *alterations: str) -> House:
    async with fault.house(folder, *fault.alterations, *alterations) as home:
        await deliver(home, fault.suffer)
    return home


class AllAtOnce:
    """A house for each fault, at the same time: they mostly wait for room to lapse."""

    def __init__(self, folder: Path, *alterations: str) -> None:
        self.outcomes: dict[str, House | BaseException] = {}
        asyncio.run(self._run(folder, *alterations))

    async def _run(self, folder: Path, *alterations: str) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        runs = []
        for number, fault in enumerate(FAULTS.values()):
            (folder / str(number)).mkdir()
            runs.append(under(fault, folder / str(number), *alterations))
        found = await asyncio.gather(*runs, return_exceptions=True)
        self.outcomes = dict(zip(FAULTS, found, strict=True))

    def of(self, fault: str) -> House:
        outcome = self.outcomes[fault]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> AllAtOnce:
    return AllAtOnce(tmp_path_factory.mktemp("limited"))


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> AllAtOnce:
    return AllAtOnce(tmp_path_factory.mktemp("unlimited"), *OFF)


@pytest.mark.timeout(2 * PATIENCE_SECONDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_limits_are_reached_and_never_exceeded(
    limited: AllAtOnce, fault: str, record_property: Callable[[str, object], None]
) -> None:
    home = limited.of(fault)
    readers = home.readers
    assert home.exceeded == {}
    assert home.counted == MOST
    for slot, most in MOST.items():
        accepted = len(readers.accepted[slot])
        record_property(f"{slot}: acknowledged beyond what counts", max(0, accepted - most))
        assert accepted + len(readers.unsure[slot] - readers.accepted[slot]) >= most
        if FAULTS[fault].keeps:
            assert accepted <= most, slot


@pytest.mark.timeout(2 * PATIENCE_SECONDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_control_without_leases_and_without_a_look_they_are_exceeded(
    unlimited: AllAtOnce, fault: str
) -> None:
    assert unlimited.of(fault).exceeded.keys() == MOST.keys()

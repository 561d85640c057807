"""Behind sentinels, and on a Cluster: a master dies under load, and a worker before it heals."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.load import eventually
from tests.faults.nodes import balance, check_report, load_on, node, settled
from tests.faults.oracle import Told
from tests.store_server import Server
from tests.topology import cluster_running, sentinel_running

ANSWERS = 300


class Topology(NamedTuple):
    """failed_over: who is master instead of one that is gone, as soon as all know."""

    started: Callable[[], AbstractContextManager[Any]]
    failed_over: Callable[[Any, Server], Server]


TOPOLOGIES = {
    "sentinel": Topology(sentinel_running, lambda store, gone: store.failed_over(gone)),
    "cluster": Topology(
        lambda: cluster_running(replicas=1), lambda store, gone: store.failed_over(0, gone)
    ),
}


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_a_master_dies_under_load_and_a_worker_before_it_is_healed(
    tmp_path: Path, topology: Topology
) -> None:
    told = Told()
    with topology.started() as store, node(tmp_path, env={"ADSERVER_REDIS": store.url}) as ads:
        load = load_on(ads, told=told)

        async def suffer() -> None:
            async with load.running():
                await load.more(ANSWERS)
                gone = await asyncio.to_thread(store.kill_master)
                await load.more(ANSWERS)
                # Its journal is what the next one ships, to a master that has lost some of it.
                pid = (await eventually(lambda: settled(ads)))[0]
                os.kill(pid, signal.SIGKILL)
                await asyncio.to_thread(topology.failed_over, store, gone)
                await load.more(ANSWERS)

        asyncio.run(suffer())
        assert told.refused == 0, "events are acknowledged whatever the store does"
        assert balance(ads, told, killed=True) == []
        check_report(ads, told)

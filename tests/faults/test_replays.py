"""One ticket sent ten thousand times, over all workers of two nodes: one impression."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from tests.faults.nodes import nodes_on_one_store
from tests.faults.oracle import ACCEPTED, DUPLICATE
from tests.journeys.figures import report
from tests.journeys.hammer import TICKET, connected, reach_workers
from tests.servers import Running, until

WORKERS = 2
NODES = 2
REPLAYS = 10_000
EACH = 4  # connections to each worker


async def replay(nodes: list[Running]) -> Counter[str]:
    """The same beacon to all workers of all nodes at once; what was answered."""
    async with AsyncExitStack() as stack:
        connections = [
            connection
            for ads in nodes
            for connection in await reach_workers(stack, ads.public, "/slots/top", WORKERS, EACH)
        ]
        async with connected(nodes[0].public) as first:
            found = TICKET.search((await first.ask("/slots/top")).body)
        assert found
        share = [f"/i/{found[1].decode()}"] * (REPLAYS // len(connections))
        told = await asyncio.gather(*(one.ask_all(share) for one in connections))
    return Counter(answer.event for answers in told for answer in answers)


@contextmanager
def replayed(tmp: Path, *alterations: str) -> Iterator[Running]:
    """A node of which all replays have been answered, and counted or not."""
    with nodes_on_one_store(tmp, NODES, *alterations) as (_, nodes):
        answered = asyncio.run(replay(nodes))
        assert answered.keys() <= {ACCEPTED, DUPLICATE}
        assert answered.total() == REPLAYS
        until(lambda: report(nodes[0])["total"]["gross"] == REPLAYS)
        yield nodes[0]


def test_a_ticket_replayed_ten_thousand_times_counts_once(tmp_path: Path) -> None:
    with replayed(tmp_path) as ads:
        said = report(ads)
        assert said["total"]["impressions"] == 1
        assert said["discarded"]["impression"] == {"duplicate": REPLAYS - 1}


def test_control_without_bits_it_counts_each_time(tmp_path: Path) -> None:
    with replayed(tmp_path, "without_bits") as ads:
        assert report(ads)["total"]["impressions"] == REPLAYS

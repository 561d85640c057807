"""One node, one set of metrics, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from adserver.metrics.meter import Dump, Meter
from adserver.serving.collect import Collected, Teller

HITS = ("/slots", "GET", "200")


class Worker:
    """Counts requests and tells them."""

    def __init__(self, path: Path) -> None:
        self.meter = Meter()
        self.meter.gauges["workers"][()] = 1
        self.teller = Teller(str(path), self.meter.dump)
        self.task = asyncio.create_task(self.teller.run())

    def hit(self, times: int = 1) -> None:
        self.meter.counts["http_requests_total"][HITS] += times

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[Collected]:
    collected = Collected()
    async with await collected.listen(str(path)):
        yield collected


def hits(dump: Dump) -> int:
    return sum(value for _, value in dump.get("http_requests_total", []))


async def eventually(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - no event tells what another end has read
            await asyncio.sleep(0.005)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "admin.sock"


async def test_what_is_asked_is_as_new_as_the_question(path: Path) -> None:
    async with listening(path) as collected:
        one, other = Worker(path), Worker(path)
        await eventually(lambda: collected.workers == 2)
        for many in range(1, 6):
            one.hit()
            other.hit(10)
            assert hits(await collected.dump()) == many * 11
        assert (await collected.dump())["workers"] == [((), 2)]
        await one.leave()
        await other.leave()


async def test_a_worker_that_leaves_says_its_last_words_and_keeps_its_counts(path: Path) -> None:
    async with listening(path) as collected:
        stays, leaves = Worker(path), Worker(path)
        await eventually(lambda: collected.workers == 2)
        leaves.hit(3)
        await leaves.leave()
        await eventually(lambda: collected.workers == 1)
        dump = await collected.dump()
        assert hits(dump) == 3
        assert dump["workers"] == [((), 1)], "what it was is gone with it"
        await stays.leave()


async def test_a_replaced_worker_adds_to_what_the_one_before_counted(path: Path) -> None:
    async with listening(path) as collected:
        for _ in range(2):
            worker = Worker(path)
            await eventually(lambda: collected.workers == 1)
            worker.hit(3)
            await worker.leave()
            await eventually(lambda: collected.workers == 0)
        worker = Worker(path)
        assert hits(await collected.dump()) == 6
        await worker.leave()


async def test_a_worker_that_does_not_answer_counts_as_it_last_told(path: Path) -> None:
    async with listening(path) as collected:
        told = {"asked": 0, "dump": {"http_requests_total": [(HITS, 5)]}}
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(orjson.dumps(told) + b"\n")
        await eventually(lambda: collected.workers == 1)
        assert hits(await collected.dump()) == 5
        writer.close()
        await writer.wait_closed()


async def test_a_worker_cut_off_in_the_middle_keeps_what_it_told_before(path: Path) -> None:
    async with listening(path) as collected:
        told = {"asked": 0, "dump": {"http_requests_total": [(HITS, 5)]}}
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(orjson.dumps(told) + b"\n" + b'{"asked": 0, "du')
        await eventually(lambda: collected.workers == 1)
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: collected.workers == 0)
        worker = Worker(path)
        assert hits(await collected.dump()) == 5
        await worker.leave()


async def test_workers_find_the_admin_process_that_comes_later(path: Path) -> None:
    worker = Worker(path)
    worker.hit()
    async with listening(path) as collected:
        await eventually(lambda: collected.workers == 1)
        assert hits(await collected.dump()) == 1
        await worker.leave()


async def test_where_no_worker_comes_within_a_moment_there_is_nothing(path: Path) -> None:
    async with listening(path) as collected:
        assert await collected.dump() == {}


async def test_an_admin_process_that_ends_says_nothing_of_the_lines_that_it_hangs_up(
    path: Path,
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    collected, before = Collected(), asyncio.all_tasks()
    async with await collected.listen(str(path)):
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"asked": 0, "dump": {}}\n')
        await eventually(lambda: collected.workers == 1)
        lines = asyncio.all_tasks() - before
        for line in lines:
            line.cancel()
        await asyncio.wait(lines)
        await eventually(lambda: collected.workers == 0)
        writer.close()
    assert complaints == []


async def test_the_highest_generation_that_is_served_is_known(path: Path) -> None:
    async with listening(path) as collected:
        assert collected.generation == 0
        workers = [Worker(path) for _ in range(2)]
        await eventually(lambda: collected.workers == 2)
        assert collected.generation == 0
        for generation, worker in enumerate(workers, 6):
            worker.meter.gauges["generation"][()] = generation
        await collected.dump()
        assert collected.generation == 7
        for worker in workers:
            await worker.leave()
        await eventually(lambda: collected.workers == 0)
        assert collected.generation == 0

"""What a worker does beside requests, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adserver.core.assets import Asset, digest_of
from adserver.core.ticket import fingerprint
from adserver.serving.collect import Collected
from adserver.serving.presence import Presence
from adserver.serving.tasks import cancel, forever
from adserver.serving.worker import Beside, leave_with_parent
from tests.factories import NOW, campaign, catalog, generation, image, image_creative
from tests.serving.memory import SECRET, MemoryWorker

PICTURE = Asset(b"\x89PNG\r\n\x1a\n", "image/png")
NAME, IDENTITY = "node:8080/0", "store"
ROW = ("r", 0, 1, 1)


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what runs beside has no event to wait for
            await asyncio.sleep(0.005)


class Worker:
    def __init__(self, folder: Path) -> None:
        self.memory = MemoryWorker(folder / "journal")
        self.store, self.counts = self.memory.store, self.memory.counts
        picture = image(digest=digest_of(PICTURE.data))
        self.store.publish(generation(catalog(campaign(creatives=(image_creative("b", picture),)))))
        self.store.assets[picture.digest] = PICTURE
        self.state, self.shipping = self.memory.state, self.memory.shipping
        self.path = str(folder / "admin.sock")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        journals = self.memory.journals
        beside = Beside(
            self.state,
            self.store,
            self.counts,
            journals,
            self.shipping,
            Presence(self.state, self.store, NAME),
            self.path,
            IDENTITY,
        )
        async with beside.running():
            yield

    def gauge(self, name: str) -> float | None:
        return self.state.meter.gauges[name].get(())

    def count(self, name: str) -> int:
        return sum(self.state.meter.counts[name].values())


@pytest.fixture
async def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


async def test_what_is_live_is_followed_with_its_files_at_hand(worker: Worker) -> None:
    async with worker.running():
        await eventually(lambda: worker.gauge("generation") == 1)
        await eventually(lambda: worker.store.asked[digest_of(PICTURE.data)])
        worker.store.publish(generation(number=2))
        await eventually(lambda: worker.gauge("generation") == 2)
        assert worker.gauge("store_up") == 1


async def test_a_store_that_is_away_is_shown_and_what_was_served_stays(worker: Worker) -> None:
    async with worker.running():
        await eventually(lambda: worker.gauge("generation") == 1)
        worker.store.away = True
        await eventually(lambda: worker.gauge("store_up") == 0)
        assert worker.state.live.generation == 1
        worker.store.away = False
        await eventually(lambda: worker.gauge("store_up") == 1)


async def test_a_generation_that_cannot_be_loaded_is_counted_and_changes_nothing(
    worker: Worker,
) -> None:
    async with worker.running():
        await eventually(lambda: worker.gauge("generation") == 1)
        worker.store.live = 9
        await eventually(lambda: worker.count("generation_load_failures_total"))
        assert worker.state.live.generation == 1


async def test_a_worker_says_what_it_serves_and_when_it_leaves(worker: Worker) -> None:
    async with worker.running():
        await eventually(
            lambda: NAME in worker.store.nodes and worker.store.nodes[NAME].generation == 1
        )
        assert worker.store.nodes[NAME].seen_at == NOW
        assert worker.store.nodes[NAME].signs_with == fingerprint(SECRET)
    assert worker.store.nodes == {}


async def test_a_worker_says_the_settings_that_are_to_be_alike(worker: Worker) -> None:
    await Presence(worker.state, worker.store, NAME, {"ADSERVER_RULES": "robots=off"}).say()
    assert worker.store.nodes[NAME].settings == {"ADSERVER_RULES": "robots=off"}


@pytest.mark.parametrize("ahead", [-172_800.0, -10.5, 3_600.0])
async def test_a_clock_that_is_not_the_stores_is_told(
    worker: Worker, capsys: pytest.CaptureFixture[str], ahead: float
) -> None:
    worker.store.now = NOW - ahead
    presence = Presence(worker.state, worker.store, NAME)
    for _ in range(3):
        await presence.say()
    assert worker.store.nodes[NAME].ahead == worker.gauge("clock_ahead_seconds") == ahead
    said = capsys.readouterr().out
    assert said.count("clock_differs") == 1, "and not each second"
    assert str(ahead) in said


@pytest.mark.parametrize("ahead", [-9.9, 0.0, 9.9])
async def test_a_clock_that_is_nearly_the_stores_is_not_complained_of(
    worker: Worker, capsys: pytest.CaptureFixture[str], ahead: float
) -> None:
    worker.store.now = NOW - ahead
    presence = Presence(worker.state, worker.store, NAME)
    worker.store.away = True
    await presence.say()
    assert worker.gauge("clock_ahead_seconds") is None, "nobody has said what time it is"
    worker.store.away = False
    await presence.say()
    assert worker.gauge("clock_ahead_seconds") == pytest.approx(ahead)
    assert "clock_differs" not in capsys.readouterr().out


async def test_a_store_that_was_emptied_is_given_its_identity_back(worker: Worker) -> None:
    async with worker.running():
        await eventually(lambda: worker.store.identity == IDENTITY)
        worker.store.identity = ""
        await eventually(lambda: worker.store.identity == IDENTITY)


async def test_another_store_than_ours_is_told(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.store.identity = "another"
    async with worker.running():
        await eventually(lambda: worker.store.asked["identity"] > 1)
    assert "store_is_another" in capsys.readouterr().out


async def test_what_was_counted_last_is_written_and_told_at_the_end(worker: Worker) -> None:
    collected = Collected()
    async with await collected.listen(worker.path):
        async with worker.running():
            await eventually(lambda: collected.workers == 1)
            worker.state.counting.tally(NOW, ROW)
            worker.state.meter.counts["context_ignored_total"]["too_long",] += 1
        assert sum(worker.counts.rows.values()) == 1
        await eventually(lambda: collected.workers == 0)
        last = Worker(Path(worker.path).parent)
        async with last.running():
            await eventually(lambda: collected.workers == 1)
            dump = await collected.dump()
            assert [value for _, value in dump["context_ignored_total"]] == [1]


async def test_nothing_is_shipped_to_another_store(worker: Worker) -> None:
    async with worker.running():
        await eventually(lambda: worker.store.identity == IDENTITY)
        worker.store.identity = "another"
        await eventually(lambda: worker.shipping.suspended)
        worker.state.counting.tally(NOW, ROW)
        await worker.state.counting.flush()
        await worker.shipping.look_after()
        assert sum(worker.counts.rows.values()) == 0
        worker.store.identity = IDENTITY
        await eventually(lambda: sum(worker.counts.rows.values()) == 1)


async def test_a_worker_ends_though_the_store_is_away(worker: Worker) -> None:
    async with worker.running():
        await eventually(lambda: worker.gauge("generation") == 1)
        worker.store.away = worker.counts.away = True
        worker.state.counting.tally(NOW, ROW)
    assert worker.counts.rows == {}


async def test_work_that_failed_is_done_again() -> None:
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        raise RuntimeError("once more")

    task = asyncio.create_task(forever(0.0, work))
    await eventually(lambda: done >= 3)
    await cancel([task])


async def test_a_cancellation_that_was_lost_is_repeated() -> None:
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await cancel([task])
    assert task.cancelled()
    assert lost == 1


async def test_nothing_to_cancel_is_cancelled_at_once() -> None:
    await cancel([])


async def test_a_worker_leaves_with_its_parent() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        await leave_with_parent(os.getppid())()
        assert not told.is_set()
        await leave_with_parent(parent=1 if os.getppid() != 1 else 2)()
        async with asyncio.timeout(10):
            await told.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)

"""Samples of contexts leave a worker beside requests, and wait while the store is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.errors import StoreUnavailable
from adserver.core.samples import SAMPLES_A_DAY, Taken
from adserver.serving.presence import Presence
from adserver.serving.sampling import Sampling
from adserver.serving.worker import Beside
from tests.factories import NOW, catalog, generation, slot
from tests.serving.memory import MemoryWorker

PAGE = Context(url="https://blog.example/")


@dataclass
class MemorySamples:
    """`core.ports.serving.Samples`; fails so many times from the second call on."""

    refusals: int = 0
    told: list[Taken] = field(default_factory=list)

    async def add(self, taken: Taken, most: int) -> float:
        assert most == SAMPLES_A_DAY
        if self.told and self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("away")
        self.told.append(taken)
        return 1.0


@pytest.fixture
async def worker(tmp_path: Path) -> MemoryWorker:
    made = MemoryWorker(tmp_path / "journal")
    made.store.publish(generation(catalog(slots=(slot(), slot("post-bottom")))))
    return made


def ask(worker: MemoryWorker, *slots: str) -> None:
    served = worker.state.live.served
    assert served
    for name in slots:
        decision, reading = decide(served.snapshot, name, PAGE, NOW, 0.5), served.reader.of(PAGE)
        if decision.placement is None:
            worker.state.note_empty(served, decision, reading, NOW)
        else:
            worker.state.give(served.fill(decision.placement, reading), reading, NOW)


async def test_every_request_of_a_slot_that_exists_is_noted(worker: MemoryWorker) -> None:
    samples = MemorySamples()
    sampling = Sampling(worker.state.sampler, samples, worker.state.live, lambda: NOW)
    await sampling.flush()  # nothing is served yet
    await worker.state.live.refresh(NOW)
    served = worker.state.live.served
    assert served
    ask(worker, "post-top", "post-top", "post-bottom", "no-such-slot")
    await sampling.flush()
    assert sorted((one.slot, one.seen, len(one.samples)) for one in samples.told) == [
        (1, 2, 2),
        (2, 1, 1),
    ]


async def test_empty_slots_are_requests_too(worker: MemoryWorker) -> None:
    nobody = replace(catalog(), campaigns=())
    worker.store.publish(generation(nobody, 2))
    samples = MemorySamples()
    await worker.state.live.refresh(NOW)
    ask(worker, "post-top")
    await Sampling(worker.state.sampler, samples, worker.state.live, lambda: NOW).flush()
    assert [one.seen for one in samples.told] == [1]


async def test_what_the_store_has_not_taken_is_sent_again(worker: MemoryWorker) -> None:
    samples = MemorySamples(refusals=1)
    sampling = Sampling(worker.state.sampler, samples, worker.state.live, lambda: NOW)
    await worker.state.live.refresh(NOW)
    ask(worker, "post-top", "post-bottom")
    await sampling.flush()
    assert len(samples.told) == 1
    ask(worker, "post-top", "post-bottom")
    await sampling.flush()
    assert sum(one.seen for one in samples.told) == 4
    assert sum(len(one.samples) for one in samples.told) == 4


async def test_a_worker_brings_its_samples_beside_requests(
    worker: MemoryWorker, tmp_path: Path
) -> None:
    samples = MemorySamples()
    state = worker.state
    state.sampler.note(1, PAGE, 0.5)
    beside = Beside(
        state,
        worker.store,
        worker.counts,
        worker.journals,
        worker.shipping,
        Presence(state, worker.store, "node:8080/0"),
        str(tmp_path / "admin.sock"),
        "store",
        Sampling(state.sampler, samples, state.live, lambda: NOW),
    )
    async with beside.running():
        async with asyncio.timeout(20):
            while not samples.told:  # noqa: ASYNC110 - what runs beside has no event to wait for
                await asyncio.sleep(0.005)
    assert [one.seen for one in samples.told] == [1]

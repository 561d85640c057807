"""From journals to the store: once, whatever the store, the network and other workers do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from adserver.core import batch
from adserver.core.batch import Mark, Shipment
from adserver.core.errors import JournalError, StoreUnavailable
from adserver.core.events import Event, Kind, Outcome
from adserver.core.hour import hour_at
from adserver.core.ports.serving import Source, Told
from adserver.core.record import Content, pack_event
from adserver.serving import shipping as module
from adserver.serving.journal import RETENTION_SECONDS
from adserver.serving.journal_files import QUARANTINE
from adserver.serving.journals import Journals
from adserver.serving.shipping import Shipping
from tests.factories import NOW, ZONE
from tests.serving.memory import EPOCH, WRITER, MemoryCounts, MemoryWorker
from tests.serving.test_worker import eventually

ROW = ("s", 1, 1, 1)


@pytest.fixture(params=[1, 16])
async def worker(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MemoryWorker]:
    """On one shard, and on the sixteen of a Cluster."""
    worker = MemoryWorker(tmp_path / "journal", counts=MemoryCounts(shards=request.param))
    worker.begin()
    yield worker
    worker.counts.away = worker.counts.loses_answers = False
    worker.counts.open.set()
    await worker.finish()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_DELAY_SECONDS", 0.002)


def event(serial: int = 1, kind: Kind = Kind.IMPRESSION) -> Event:
    campaign = WRITER + (serial >> 1)  # of the shard that its bitmap is of
    return Event(kind, WRITER, serial << 15, creative=1, slot=1, site=1, campaign=campaign)


async def send(worker: MemoryWorker, *serials: int) -> None:
    joined = [worker.state.counting.join(event(serial)) for serial in serials]
    told = [one if isinstance(one, Outcome) else await one for one in joined]
    assert set(told) == {Outcome.ACCEPTED}


def impressions(worker: MemoryWorker) -> int:
    return sum(n for (_, row), n in worker.counts.rows.items() if row[0] == "i")


async def stored(worker: MemoryWorker, many: int) -> None:
    await eventually(lambda: impressions(worker) >= many)
    assert impressions(worker) == many


async def all_idle(worker: MemoryWorker) -> None:
    await eventually(lambda: all(held.idle for held in worker.shipping._held))


def noted(worker: MemoryWorker) -> int:
    return sum(worker.state.meter.counts["impressions_total"].values())


async def test_what_is_durable_follows_to_the_store_and_is_noted(worker: MemoryWorker) -> None:
    await send(worker, 1, 2, 3)
    await stored(worker, 3)
    await eventually(lambda: noted(worker) == 3)
    assert worker.state.meter.gauges["store_up"][()] == 1
    assert worker.state.meter.histograms["store_command_duration_seconds"]["count",]


async def test_tallies_follow_as_well(worker: MemoryWorker) -> None:
    worker.state.counting.tally(NOW, ROW)
    await worker.state.counting.flush()
    await eventually(lambda: sum(worker.counts.rows.values()) == 1)


async def test_what_is_said_of_a_journal_is_how_far_the_store_has_it(tmp_path: Path) -> None:
    worker = MemoryWorker(tmp_path)
    worker.begin()
    own = Source(WRITER, EPOCH)
    assert worker.shipping.spoken(0, None) == [(own, 0, 0.0, False)]
    worker.counts.open.clear()
    await send(worker, 1)
    assert worker.shipping.own is not None
    last = worker.shipping.own.last.sequence
    [said] = worker.shipping.spoken(0, (last, NOW))
    assert said.through == 0.0, "it is on its way"
    worker.counts.open.set()
    await all_idle(worker)
    for passed in (None, (last + 1, NOW + 1)):
        assert worker.shipping.spoken(0, passed) == [(own, last, NOW, False)]
    await worker.finish()


async def test_of_an_adopted_journal_nothing_more_comes_once_the_store_has_it(
    worker: MemoryWorker,
) -> None:
    await leave_behind(worker.journals, 1)
    worker.counts.open.clear()
    await worker.shipping.look_after()
    shards = range(worker.counts.shards)
    assert not any(worker.shipping.spoken(shard, None)[1].done for shard in shards)
    worker.counts.open.set()
    await all_idle(worker)
    for shard in shards:
        own, adopted = worker.shipping.spoken(shard, None)
        assert (own.done, adopted.done, adopted.through) == (False, True, 0.0)


async def test_while_a_shipment_is_away_the_next_one_gathers(tmp_path: Path) -> None:
    worker = MemoryWorker(tmp_path)
    worker.begin()
    worker.counts.open.clear()
    await send(worker, 1)
    await eventually(lambda: worker.counts.shipments)
    for serial in (2, 3, 4):
        await send(worker, serial)
    worker.counts.open.set()
    await stored(worker, 4)
    assert [len(one.parts) for one in worker.counts.shipments] == [1, 3]
    await worker.finish()


async def test_what_comes_while_a_stream_rests_travels_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_SECONDS", 0.5)
    worker = MemoryWorker(tmp_path)
    worker.begin()
    await send(worker, 1)
    await stored(worker, 1)
    for serial in (2, 3, 4):
        await send(worker, serial)
    await stored(worker, 4)
    assert [len(one.parts) for one in worker.counts.shipments] == [1, 3]
    await worker.finish()


async def test_a_stream_that_is_behind_does_not_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_SECONDS", 3_600.0)
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.01)
    monkeypatch.setattr(batch, "MAX_EVENTS_PER_BATCH", 2)
    worker = MemoryWorker(tmp_path)
    worker.begin()
    worker.shipping.suspended = True
    for serial in range(7):
        await send(worker, serial)
    worker.shipping.suspended = False
    for held in worker.shipping._held:
        held.wake()
    await stored(worker, 7)
    assert [len(one.parts) for one in worker.counts.shipments] == [2, 2, 2, 1]
    await worker.finish()


async def test_a_folder_that_cannot_be_looked_into_does_not_keep_ledgers_from_being_doubted(
    worker: MemoryWorker,
) -> None:
    await send(worker, 1)
    await stored(worker, 1)
    (worker.folder / "00000001-00000001" / "owner").mkdir(parents=True)
    worker.counts.ledgers.clear()  # the store rolls back
    worker.counts.rows.clear()
    worker.counts.seen.clear()
    await worker.shipping.look_after()
    await stored(worker, 1)
    assert worker.state.meter.gauges["journal_bytes"][()] > 0


@pytest.mark.usefixtures("quick")
async def test_a_store_that_is_away_gets_everything_when_it_is_back(worker: MemoryWorker) -> None:
    worker.counts.away = True
    await send(worker, 1, 2)
    meter = worker.state.meter
    await eventually(lambda: meter.counts["store_errors_total"]["connection",] >= 2)
    assert meter.gauges["store_up"][()] == 0
    await send(worker, 3)
    await worker.shipping.look_after()
    assert meter.gauges["journal_events"][()] == 3
    worker.counts.away = False
    await stored(worker, 3)
    await all_idle(worker)
    await worker.shipping.look_after()
    assert meter.gauges["store_up"][()] == 1
    assert meter.gauges["journal_events"][()] == 0
    assert meter.gauges["journal_bytes"][()] > 0


@pytest.mark.usefixtures("quick")
async def test_an_answer_that_was_lost_is_neither_counted_nor_noted_twice(
    worker: MemoryWorker,
) -> None:
    worker.counts.loses_answers = True
    await send(worker, 1, 2)
    await stored(worker, 2)
    assert noted(worker) == 0
    worker.counts.loses_answers = False
    await eventually(lambda: noted(worker) == 2)
    await send(worker, 3)
    await stored(worker, 3)
    await eventually(lambda: noted(worker) == 3)
    assert worker.state.meter.counts["store_errors_total"]["timeout",] >= 1


def empty(counts: MemoryCounts) -> None:
    counts.ledgers.clear()
    counts.rows.clear()
    counts.seen.clear()


async def test_a_store_that_was_emptied_is_filled_again_without_being_asked(
    worker: MemoryWorker,
) -> None:
    await send(worker, 1, 2, 3)
    await stored(worker, 3)
    await all_idle(worker)
    empty(worker.counts)
    await worker.shipping.look_after()
    await stored(worker, 3)


async def test_a_store_that_rolled_back_goes_on_from_where_it_was(worker: MemoryWorker) -> None:
    await send(worker, 1)
    await stored(worker, 1)
    await all_idle(worker)
    before = (
        dict(worker.counts.ledgers),
        Counter(worker.counts.rows),
        set(worker.counts.seen),
    )
    await send(worker, 2)
    await send(worker, 3)
    await stored(worker, 3)
    worker.counts.ledgers, worker.counts.rows, worker.counts.seen = before
    await send(worker, 4)
    await worker.shipping.look_after()
    await stored(worker, 4)


async def leave_behind(journals: Journals, events: int, epoch: int = 9) -> Source:
    journal = journals.create(WRITER + 1, epoch)
    for serial in range(events):
        packed = pack_event(
            Event(Kind.IMPRESSION, WRITER + 1, serial << 15, 1, 1, 1, WRITER + (serial >> 1))
        )
        journal.write(Content.EVENTS, packed, hour_at(NOW, ZONE))
    journals.leave(journal, shipped=False)
    return Source(WRITER + 1, epoch)


async def test_what_a_dead_worker_left_is_adopted_and_sent(worker: MemoryWorker) -> None:
    await leave_behind(worker.journals, 5)
    await worker.shipping.look_after()
    await stored(worker, 5)
    assert len(worker.shipping.sources) == 2


async def test_what_the_dead_worker_had_sent_itself_is_not_sent_again(
    worker: MemoryWorker,
) -> None:
    source = await leave_behind(worker.journals, 5)
    for shard in range(worker.counts.shards):
        worker.counts.ledgers[source, shard] = Told(Mark(6, 0), [])
    await worker.shipping.look_after()
    await all_idle(worker)
    assert impressions(worker) == 0


async def test_an_adopted_journal_is_removed_when_the_store_had_it_for_long_enough(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    await leave_behind(worker.journals, 5)
    await worker.shipping.look_after()
    await stored(worker, 5)
    for later, held in ((0, 2), (RETENTION_SECONDS - 1, 2), (1, 1)):
        now += later
        # The store is asked once more before anything goes, and looked after behind its answer.
        for _ in range(3):
            await all_idle(worker)
            await worker.shipping.look_after()
        assert len(worker.shipping.sources) == held
    assert [path.name for path in worker.journals.root.iterdir()] == ["00000007-00000001"]


async def test_adopted_journals_are_bounded(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ADOPTED", 2)
    for epoch in range(4):
        await leave_behind(worker.journals, 1, epoch)
    await worker.shipping.look_after()
    assert len(worker.shipping.sources) == 3


async def test_two_that_ship_in_one_name_are_refused_loudly(worker: MemoryWorker) -> None:
    await send(worker, 1)
    await stored(worker, 1)
    for shard in range(worker.counts.shards):
        worker.counts.ledgers[Source(WRITER, EPOCH), shard] = Told(Mark(99, 1), [])
    await worker.shipping.look_after()
    await eventually(lambda: worker.shipping.own is None)
    assert list((worker.journals.root / QUARANTINE).iterdir())
    with pytest.raises(JournalError, match="given up"):
        await worker.state.counting.join(event(2))  # type: ignore[misc]
    await worker.shipping.look_after()
    assert worker.state.meter.gauges["journals_quarantined"][()] == 1


async def test_events_older_than_their_tickets_live_are_not_sent(worker: MemoryWorker) -> None:
    worker.counts.open.clear()
    await send(worker, 1)
    worker.shipping._clock = lambda: 4e9
    await send(worker, 2)
    worker.counts.open.set()
    await all_idle(worker)
    assert impressions(worker) <= 1
    assert worker.shipping.own is not None
    assert any(file.spoilt for file in worker.shipping.own.files)


async def test_of_more_dead_workers_than_can_be_watched_every_one_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ADOPTED", 2)
    worker = MemoryWorker(tmp_path)
    for number in range(6):
        dead = worker.journals.create(WRITER + 1 + number, EPOCH)
        one = event()._replace(writer=dead.writer)
        dead.write(Content.EVENTS, pack_event(one), hour_at(NOW, ZONE))
        dead.close()
    worker.begin()
    while impressions(worker) < 6:
        await worker.shipping.look_after()
        await all_idle(worker)
        assert len(worker.shipping.sources) <= 1 + 2
    # Those that had to go are watched again as soon as there is room.
    monkeypatch.setattr(module, "MAX_ADOPTED", 6)
    await worker.shipping.look_after()
    assert len(worker.shipping.sources) == 1 + 6
    await worker.finish()


class FullCounts(MemoryCounts):
    """Answers what is asked, and refuses to be written to: out of memory, or read-only."""

    async def apply(self, source: Source, shard: int, shipment: Shipment) -> Told:
        self.shipments.append(shipment)
        raise StoreUnavailable("OOM command not allowed")


async def test_a_store_that_answers_and_takes_nothing_is_asked_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.001)
    worker = MemoryWorker(tmp_path, counts=FullCounts())
    worker.begin()
    begun = time.monotonic()
    await send(worker, 1)
    await eventually(lambda: len(worker.counts.shipments) == 8)
    assert time.monotonic() - begun >= sum(0.001 * 2**n for n in range(7))
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.0)
    await worker.finish()


@pytest.mark.usefixtures("quick")
async def test_a_worker_that_leaves_does_not_wait_for_a_store_that_is_away(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.05)
    worker.counts.away = True
    await send(worker, 1, 2)
    await worker.finish()
    worker.counts.away = False
    after = Shipping(worker.counts, worker.journals, worker.state.meter, worker.state.live.note)
    await after.look_after()
    await stored(worker, 2)
    await after.finish()


async def test_a_worker_that_leaves_ships_what_it_has(tmp_path: Path) -> None:
    worker = MemoryWorker(tmp_path)
    worker.begin()
    await send(worker, 1, 2)
    await worker.finish()
    assert impressions(worker) == 2
    assert (tmp_path / "00000007-00000001" / "shipped").exists()


async def test_more_than_memory_takes_is_read_from_the_journal(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.core.batch.MAX_PARTS_QUEUED", 3)
    monkeypatch.setattr("adserver.serving.journal.MAX_PARTS_READ", 4)
    worker.counts.open.clear()
    for serial in range(20):
        await send(worker, serial)
    worker.counts.open.set()
    await stored(worker, 20)

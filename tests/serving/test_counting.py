"""The shell around group commit: who waits, for how long, and what is written again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adserver.core.batch import MAX_EVENTS_PER_BATCH
from adserver.core.commit import MAX_EVENTS_WAITING
from adserver.core.errors import JournalError, TooManyWaiting
from adserver.core.events import Event, Kind, Outcome, Tally
from adserver.core.parts import Written
from adserver.core.record import Content, read_events, read_tallies
from adserver.serving import counting as module
from adserver.serving import patience
from adserver.serving.counting import Counting
from adserver.serving.journals import Journals
from adserver.serving.patience import MAX_CLICK_WAIT_SECONDS, Waiter
from adserver.serving.seen import SharedSeen
from tests.factories import NOW, ZONE
from tests.serving.disk import Disk
from tests.serving.memory import JOURNAL_BYTES, LIFE_SECONDS

ROW = ("r", 0, 1, 1)
HOUR_SECONDS = 3_600
WRITER = 7


class Bench:
    """A worker's counting on a real journal, and what it told of each record."""

    def __init__(
        self, folder: Path, disk: Disk, *, always: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self.disk = disk
        self.journals = Journals(folder, JOURNAL_BYTES, LIFE_SECONDS, mapped=not always)
        self.told: list[Written] = []
        self.counting = Counting(
            lambda: ZONE, self.told.extend, SharedSeen(), always=always, clock=clock
        )

    def begin(self, epoch: int = 1) -> None:
        self.journal = self.journals.create(WRITER, epoch)
        self.counting.begin(self.journal)

    @property
    def batches(self) -> list[list[int]]:
        """Serials of the events of each record that is durable."""
        return [
            [event.serial for event in read_events(one.payload)]
            for one in self.told
            if one.content is Content.EVENTS
        ]

    @property
    def serials(self) -> list[int]:
        return [serial for batch in self.batches for serial in batch]

    @property
    def rows(self) -> Counter[tuple[str, Tally]]:
        found: Counter[tuple[str, Tally]] = Counter()
        for one in self.told:
            if one.content is Content.TALLIES:
                for row, count in read_tallies(one.payload).items():
                    found[one.hour.name, row] += count
        return found

    async def settled(self) -> None:
        """Until nothing waits to be made durable; the worker goes on."""
        while self.counting._driver is not None:
            await self.counting._driver


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    disk.install(monkeypatch)
    return disk


@pytest.fixture
async def bench(tmp_path: Path, disk: Disk) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path, disk, always=True)
    bench.begin()
    yield bench
    disk.open.set()
    await bench.counting.finish()


@pytest.fixture
async def lazy(tmp_path: Path, disk: Disk) -> AsyncIterator[Bench]:
    """The same with `journal_sync: interval`."""
    bench = Bench(tmp_path, disk, always=False)
    bench.begin()
    yield bench
    await bench.counting.finish()


def event(serial: int = 1, kind: Kind = Kind.IMPRESSION) -> Event:
    return Event(kind, WRITER, serial, creative=1, slot=1, site=1)


async def syncing(disk: Disk, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while disk.syncs < times:  # noqa: ASYNC110 - a thread has no event to wait for
            await asyncio.sleep(0.001)


async def test_how_far_a_journal_is_is_told_by_what_had_been_accepted_before(
    tmp_path: Path, disk: Disk
) -> None:
    """All that was accepted until then is in that record, or in one before."""
    now = NOW
    bench = Bench(tmp_path, disk, always=True, clock=lambda: now)
    assert bench.counting.passed is None, "there is no journal yet"
    bench.begin()
    assert bench.counting.passed == (0, NOW)
    disk.open.clear()
    bench.counting.join(event(1))
    assert bench.counting.passed is None, "of what is on its way nothing is known"
    await syncing(disk)
    now = NOW + 1
    bench.counting.join(event(2))
    now = NOW + 2
    disk.open.set()
    await bench.settled()
    assert bench.serials == [1, 2]
    assert bench.counting.passed == (bench.journal.durable.sequence, NOW + 2)
    await bench.counting.finish()


async def test_an_event_is_answered_when_it_is_durable(bench: Bench) -> None:
    bench.disk.open.clear()
    waiter = bench.counting.join(event())
    await syncing(bench.disk)
    assert isinstance(waiter, Waiter)
    assert not waiter.done
    assert bench.told == []
    bench.disk.open.set()
    assert await waiter is Outcome.ACCEPTED
    assert bench.batches == [[1]]


async def test_a_second_arrival_is_a_duplicate_and_is_not_written(bench: Bench) -> None:
    assert await bench.counting.join(event()) is Outcome.ACCEPTED
    assert bench.counting.join(event()) is Outcome.DUPLICATE
    assert await bench.counting.join(event(kind=Kind.CLICK)) is Outcome.ACCEPTED
    assert bench.batches == [[1], [1]]


async def test_of_two_alike_on_their_way_the_second_is_a_duplicate(bench: Bench) -> None:
    together = await asyncio.gather(*(bench.counting.join(event()) for _ in range(3)))
    assert together == [Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert bench.batches == [[1, 1, 1]], "which the store counts once"


async def test_what_arrives_together_shares_one_sync(bench: Bench) -> None:
    await asyncio.gather(*(bench.counting.join(event(n)) for n in range(5)))
    assert bench.batches == [[0, 1, 2, 3, 4]]
    assert bench.disk.syncs == 1


async def test_while_a_batch_is_synced_the_next_one_gathers(bench: Bench) -> None:
    bench.disk.open.clear()
    first = bench.counting.join(event(0))
    await syncing(bench.disk)
    others = [bench.counting.join(event(n)) for n in range(1, 4)]
    bench.disk.open.set()
    await asyncio.gather(first, *others)
    assert bench.batches == [[0], [1, 2, 3]]


async def test_more_than_a_batch_leaves_in_several(bench: Bench) -> None:
    many = MAX_EVENTS_PER_BATCH + 1
    await asyncio.gather(*(bench.counting.join(event(n)) for n in range(many)))
    assert [len(batch) for batch in bench.batches] == [MAX_EVENTS_PER_BATCH, 1]
    assert bench.serials == list(range(many))


async def test_a_failed_sync_is_told_to_everybody_in_the_batch(bench: Bench) -> None:
    await bench.counting.join(event(9))
    bench.disk.fails = 1
    waiters = [bench.counting.join(event(n)) for n in range(3)]
    told = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(one) for one in told] == [JournalError] * 3
    assert await bench.counting.join(event(0)) is Outcome.ACCEPTED
    assert bench.batches == [[9], [0]]
    assert len(bench.journal.files) == 2, "nothing is written behind what may be lost"


async def test_what_was_refused_is_not_in_the_journal_that_is_found(bench: Bench) -> None:
    await bench.counting.join(event(1))
    bench.disk.fails = 1
    with pytest.raises(JournalError, match="may not be on disk"):
        await bench.counting.join(event(2))
    await bench.counting.join(event(3))
    bench.journals.leave(bench.journal, shipped=False)
    found = bench.journals.adopt(NOW)
    assert found is not None
    parts, until = found.read(0, found.last.sequence, 0, 1)
    serials = [e.serial for part in parts for e in read_events(part.events)]
    assert serials == [1, 3]
    assert until == found.last.sequence


@pytest.mark.parametrize("short", [None, 5])
async def test_a_full_disk_refuses_and_a_disk_with_room_goes_on(
    bench: Bench, short: int | None
) -> None:
    await bench.counting.join(event(1))
    bench.disk.full, bench.disk.short = short is None, short
    with pytest.raises(JournalError, match=r"cannot write|cannot begin"):
        await bench.counting.join(event(2))
    bench.disk.full = False
    assert await bench.counting.join(event(2)) is Outcome.ACCEPTED
    assert bench.batches == [[1], [2]]


async def test_a_full_disk_is_told_once_a_second(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.disk.full = True
    for now in (1_000.0, 1_000.5, 1_000.9, 1_001.0):
        monkeypatch.setattr(module.time, "monotonic", lambda now=now: now)
        with pytest.raises(JournalError):
            await bench.counting.join(event())
    assert capsys.readouterr().out.count("journal_failed") == 2


async def test_without_a_journal_events_are_refused_and_tallies_wait(
    tmp_path: Path, disk: Disk
) -> None:
    bench = Bench(tmp_path, disk, always=True)
    with pytest.raises(JournalError, match="no journal"):
        await bench.counting.join(event())
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    bench.begin()
    assert await bench.counting.join(event()) is Outcome.ACCEPTED
    await bench.counting.finish()
    assert sum(bench.rows.values()) == 1


async def test_a_journal_that_was_given_up_is_followed_by_another(bench: Bench) -> None:
    bench.disk.open.clear()
    waiter = bench.counting.join(event(1))
    await syncing(bench.disk)
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()  # written behind the batch that is on its way
    bench.journal.give_up()
    bench.begin(epoch=2)
    bench.disk.open.set()
    assert isinstance(waiter, Waiter)
    with pytest.raises(JournalError, match="given up"):
        await waiter
    assert await bench.counting.join(event(1)) is Outcome.ACCEPTED
    await bench.counting.flush()
    await bench.settled()
    assert bench.batches == [[1]]
    assert sum(bench.rows.values()) == 1


async def test_the_impatient_are_answered_in_time_and_counted_all_the_same(bench: Bench) -> None:
    bench.disk.open.clear()
    clicks = [bench.counting.join(event(n, Kind.CLICK), patient=False) for n in (1, 2)]
    patient = bench.counting.join(event(3))
    async with asyncio.timeout(20 * MAX_CLICK_WAIT_SECONDS + 5):
        assert await asyncio.gather(*clicks) == [None, None]
    assert not patient.done
    bench.disk.open.set()
    assert await patient is Outcome.ACCEPTED
    assert bench.serials == [1, 2, 3]


async def test_the_impatient_learn_their_outcome_where_it_comes_in_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_CLICK_WAIT_SECONDS", 30.0)
    click = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await click is Outcome.ACCEPTED


async def test_each_of_the_impatient_waits_its_own_time(bench: Bench) -> None:
    bench.disk.open.clear()
    first = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await first is None
    second = bench.counting.join(event(2, Kind.CLICK), patient=False)
    await asyncio.sleep(0)
    assert not second.done
    assert await second is None


async def test_an_impatient_one_that_was_not_counted_complains_to_nobody(bench: Bench) -> None:
    bench.disk.open.clear()
    bench.disk.fails = 1
    click = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await click is None
    bench.disk.open.set()
    await bench.settled()
    assert bench.told == []


async def test_past_the_limit_an_event_is_refused_at_once(bench: Bench) -> None:
    bench.disk.open.clear()
    bench.counting.join(event())
    await syncing(bench.disk)
    waiters = [bench.counting.join(event(n + 2)) for n in range(MAX_EVENTS_WAITING)]
    with pytest.raises(TooManyWaiting):
        bench.counting.join(event(0))
    bench.disk.open.set()
    await asyncio.gather(*waiters)


async def test_a_waiter_that_left_does_not_stop_the_others(bench: Bench) -> None:
    gone, stays = bench.counting.join(event(1)), bench.counting.join(event(2))
    assert isinstance(gone, Waiter)
    leaves = asyncio.ensure_future(gone)
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays is Outcome.ACCEPTED
    assert bench.batches == [[1, 2]]


async def test_an_answer_that_fails_does_not_stop_the_others(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = bench.counting.join(event(1)), bench.counting.join(event(2))
    assert isinstance(first, Waiter)
    first.then(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    assert await second is Outcome.ACCEPTED
    assert "answer_failed" in capsys.readouterr().out


async def test_who_asks_when_it_is_known_is_told_at_once(bench: Bench) -> None:
    waiter = bench.counting.join(event())
    assert isinstance(waiter, Waiter)
    assert await waiter is Outcome.ACCEPTED
    told: list[object] = []
    waiter.then(told.append)
    assert told == [Outcome.ACCEPTED]


async def test_in_interval_mode_an_answer_does_not_wait_for_the_disk(lazy: Bench) -> None:
    lazy.disk.open.clear()
    assert lazy.counting.join(event(1)) is Outcome.ACCEPTED
    assert lazy.counting.join(event(1)) is Outcome.DUPLICATE
    assert (lazy.journal.last.sequence, lazy.batches) == (2, []), "the hour, and the event"
    await asyncio.sleep(0)
    assert lazy.batches == [[1]]
    assert lazy.disk.syncs == 0
    lazy.disk.open.set()
    await lazy.counting.flush()
    assert lazy.disk.syncs == 1


async def test_in_interval_mode_a_full_disk_refuses(lazy: Bench) -> None:
    lazy.disk.full = True
    with pytest.raises(JournalError):
        lazy.counting.join(event(1))
    lazy.disk.full = False
    assert lazy.counting.join(event(1)) is Outcome.ACCEPTED


async def test_in_interval_mode_a_failed_sync_goes_on_in_another_file(lazy: Bench) -> None:
    lazy.counting.join(event(1))
    lazy.disk.fails = 1
    await lazy.counting.flush()
    lazy.counting.join(event(2))
    await asyncio.sleep(0)
    assert len(lazy.journal.files) == 2
    assert lazy.batches == [[1], [2]]


async def test_tallies_are_added_up_and_written_once_a_flush(bench: Bench) -> None:
    for _ in range(3):
        bench.counting.tally(NOW, ROW)
    for _ in range(2):
        await bench.counting.flush()
        await bench.settled()
    assert list(bench.rows.values()) == [3]
    assert len(bench.told) == 1


@pytest.mark.parametrize("fault", ["write", "sync"])
async def test_a_flush_that_failed_is_written_again_whole(bench: Bench, fault: str) -> None:
    bench.disk.full, bench.disk.fails = fault == "write", int(fault == "sync")
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    await bench.settled()
    assert bench.told == []
    bench.disk.full = False
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    await bench.settled()
    assert sum(bench.rows.values()) == 2


async def test_tallies_written_behind_a_batch_that_failed_are_written_again(bench: Bench) -> None:
    bench.disk.open.clear()
    waiter = bench.counting.join(event(1))
    await syncing(bench.disk)
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    bench.disk.fails = 1
    bench.disk.open.set()
    assert isinstance(waiter, Waiter)
    with pytest.raises(JournalError):
        await waiter
    await bench.counting.flush()
    await bench.settled()
    assert list(bench.rows.values()) == [1]


async def test_tallies_belong_to_the_hour_in_which_they_happened(bench: Bench) -> None:
    bench.disk.full = True
    for hours in range(3):
        bench.counting.tally(NOW + hours * HOUR_SECONDS, ROW)
        await bench.counting.flush()
    bench.disk.full = False
    await bench.counting.flush()
    await bench.settled()
    hours = [f"2026-11-02T{hour}+0100" for hour in ("10", "11", "12")]
    assert bench.rows == Counter({(hour, ROW): 1 for hour in hours})


async def test_distinct_rows_in_memory_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TALLIES", 10)
    bench.disk.full = True
    for creative in range(20):
        bench.counting.tally(NOW, ("s", creative, 1, 1))
    await bench.counting.flush()
    bench.disk.full = False
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    await bench.settled()
    assert [row for _, row in bench.rows] == [ROW], "the twenty were too many"


async def test_a_thousand_rows_are_one_record_and_more_are_several(bench: Bench) -> None:
    for creative in range(1_500):
        bench.counting.tally(NOW, ("s", creative, 1, 1))
    await bench.counting.flush()
    await bench.settled()
    assert len(bench.told) == 2
    assert len(bench.rows) == 1_500


async def test_a_worker_that_ends_writes_what_it_has(tmp_path: Path, disk: Disk) -> None:
    bench = Bench(tmp_path, disk, always=True)
    bench.begin()
    bench.counting.tally(NOW, ROW)
    waiter = bench.counting.join(event())
    await bench.counting.finish()
    assert isinstance(waiter, Waiter)
    assert waiter.done
    assert bench.batches == [[1]]
    assert sum(bench.rows.values()) == 1

"""The shell around group commit: who waits, for how long, and what is sent again."""

from __future__ import annotations

import asyncio

import pytest

from adserver.core.batch import MAX_EVENTS_PER_BATCH, MAX_EVENTS_WAITING
from adserver.core.errors import StoreUnavailable, TooManyWaiting
from adserver.core.events import Event, Kind, Outcome
from adserver.metrics import Meter
from adserver.serving import counting as module
from adserver.serving.counting import MAX_CLICK_WAIT_SECONDS, Counting
from tests.factories import NOW, ZONE
from tests.serving.memory import MemoryCounts

ROW = ("r", 0, 1, 1)
HOUR_SECONDS = 3_600
WRITER = 7


class Bench:
    """A worker's counting on a store in memory, and what it told of each event."""

    def __init__(self) -> None:
        self.counts = MemoryCounts()
        self.meter = Meter()
        self.noted: list[tuple[int, Outcome]] = []
        self.counting = Counting(
            self.counts,
            WRITER,
            self.meter,
            lambda: ZONE,
            lambda event, outcome: self.noted.append((event.serial, outcome)),
        )

    def stored(self) -> dict[tuple[str, int, int, int], int]:
        found: dict[tuple[str, int, int, int], int] = {}
        for (_, row), count in self.counts.rows.items():
            found[row] = found.get(row, 0) + count
        return found


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def event(serial: int = 1, kind: Kind = Kind.IMPRESSION) -> Event:
    return Event(kind, WRITER, serial, creative=1, slot=1, site=1)


async def rounds(many: int = 3) -> None:
    """Let the event loop do what it can do without waiting."""
    for _ in range(many):
        await asyncio.sleep(0)


async def test_an_event_is_answered_with_its_outcome_and_noted(bench: Bench) -> None:
    assert await bench.counting.join(event()) is Outcome.ACCEPTED
    assert await bench.counting.join(event()) is Outcome.DUPLICATE
    assert bench.noted == [(1, Outcome.ACCEPTED), (1, Outcome.DUPLICATE)]
    assert bench.meter.gauges["store_up"][()] == 1


async def test_what_arrives_together_leaves_together(bench: Bench) -> None:
    await asyncio.gather(*(bench.counting.join(event(n)) for n in range(5)))
    assert [len(batch) for batch in bench.counts.batches] == [5]


async def test_while_a_batch_is_away_the_next_one_gathers(bench: Bench) -> None:
    bench.counts.open.clear()
    first = bench.counting.join(event(0))
    await rounds()
    others = [bench.counting.join(event(n)) for n in range(1, 4)]
    await rounds()
    assert [len(batch) for batch in bench.counts.batches] == [1]
    bench.counts.open.set()
    await asyncio.gather(first, *others)
    assert [len(batch) for batch in bench.counts.batches] == [1, 3]


async def test_more_than_a_batch_leaves_in_several(bench: Bench) -> None:
    many = MAX_EVENTS_PER_BATCH + 1
    await asyncio.gather(*(bench.counting.join(event(n)) for n in range(many)))
    assert [len(batch) for batch in bench.counts.batches] == [MAX_EVENTS_PER_BATCH, 1]
    assert [serial for serial, _ in bench.noted] == list(range(many))


async def test_a_store_that_is_away_is_told_to_everybody_in_the_batch(bench: Bench) -> None:
    bench.counts.away = True
    waiters = [bench.counting.join(event(n)) for n in range(3)]
    told = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(one) for one in told] == [StoreUnavailable] * 3
    assert bench.noted == []
    assert bench.meter.gauges["store_up"][()] == 0
    assert bench.meter.counts["store_errors_total"]["connection",] == 1
    bench.counts.away = False
    assert await bench.counting.join(event(0)) is Outcome.ACCEPTED
    assert bench.meter.gauges["store_up"][()] == 1


async def test_only_the_batch_that_failed_is_refused(bench: Bench) -> None:
    bench.counts.refusals = 1
    bench.counts.open.clear()
    first = bench.counting.join(event(1))
    await rounds()
    second = bench.counting.join(event(2))
    bench.counts.open.set()
    with pytest.raises(StoreUnavailable):
        await first
    assert await second is Outcome.ACCEPTED


async def test_an_answer_that_was_lost_makes_the_next_try_a_duplicate(bench: Bench) -> None:
    bench.counts.loses_answers = True
    with pytest.raises(StoreUnavailable):
        await bench.counting.join(event())
    assert bench.meter.counts["store_errors_total"]["timeout",] == 1
    bench.counts.loses_answers = False
    assert await bench.counting.join(event()) is Outcome.DUPLICATE


async def test_the_impatient_are_answered_in_time_and_counted_all_the_same(bench: Bench) -> None:
    bench.counts.open.clear()
    loop = asyncio.get_running_loop()
    started = loop.time()
    clicks = [bench.counting.join(event(n, Kind.CLICK), patient=False) for n in (1, 2)]
    patient = bench.counting.join(event(3))
    assert await asyncio.gather(*clicks) == [None, None]
    assert loop.time() - started >= MAX_CLICK_WAIT_SECONDS
    assert not patient.done()
    bench.counts.open.set()
    assert await patient is Outcome.ACCEPTED
    assert [serial for serial, _ in bench.noted] == [1, 2, 3]


async def test_the_impatient_learn_their_outcome_where_it_comes_in_time(bench: Bench) -> None:
    await bench.counting.join(event(1))
    click = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await click is Outcome.ACCEPTED


async def test_each_of_the_impatient_waits_its_own_time(bench: Bench) -> None:
    bench.counts.open.clear()
    first = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await first is None
    second = bench.counting.join(event(2, Kind.CLICK), patient=False)
    await rounds()
    assert not second.done()
    assert await second is None
    bench.counts.open.set()
    await bench.counting.finish()


async def test_an_impatient_one_that_was_not_counted_complains_to_nobody(bench: Bench) -> None:
    bench.counts.away = True
    bench.counts.open.clear()
    click = bench.counting.join(event(1, Kind.CLICK), patient=False)
    assert await click is None
    bench.counts.open.set()
    await bench.counting.finish()
    assert bench.noted == []


async def test_past_the_limit_an_event_is_refused_at_once(bench: Bench) -> None:
    bench.counts.open.clear()
    bench.counting.join(event())
    await rounds()
    waiters = [bench.counting.join(event(n)) for n in range(MAX_EVENTS_WAITING)]
    with pytest.raises(TooManyWaiting):
        bench.counting.join(event())
    bench.counts.open.set()
    await asyncio.gather(*waiters)


async def test_a_waiter_that_left_does_not_stop_the_others(bench: Bench) -> None:
    gone, stays = bench.counting.join(event(1)), bench.counting.join(event(2))
    gone.cancel()
    assert await stays is Outcome.ACCEPTED
    assert len(bench.noted) == 2


async def test_tallies_are_added_up_and_written_once_a_flush(bench: Bench) -> None:
    for _ in range(3):
        bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    await bench.counting.flush()
    assert bench.stored() == {ROW: 3}
    assert bench.counts.sent == [1]


@pytest.mark.parametrize("fault", ["away", "loses_answers"])
async def test_a_flush_that_failed_is_sent_again_as_it_was(bench: Bench, fault: str) -> None:
    setattr(bench.counts, fault, True)
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    setattr(bench.counts, fault, False)
    await bench.counting.flush()
    await bench.counting.flush()
    assert bench.counts.sent[:2] == [1, 1]
    assert bench.stored() == {ROW: 2}
    assert sum(bench.meter.counts["store_errors_total"].values()) == 2


async def test_tallies_belong_to_the_hour_in_which_they_happened(bench: Bench) -> None:
    bench.counts.away = True
    for hours in range(3):
        bench.counting.tally(NOW + hours * HOUR_SECONDS, ROW)
        await bench.counting.flush()
    bench.counts.away = False
    await bench.counting.flush()
    await bench.counting.flush()
    assert sorted(bench.counts.rows.items()) == [
        ((f"2026-11-02T{hour}+0100", ROW), 1) for hour in ("10", "11", "12")
    ]


async def test_while_the_store_is_away_for_days_what_waits_stays_bounded(bench: Bench) -> None:
    bench.counts.away = True
    hours = module.MAX_UNSENT * 2
    for hour in range(hours):
        bench.counting.tally(NOW + hour * HOUR_SECONDS, ROW)
    await bench.counting.flush()
    bench.counts.away = False
    await bench.counting.flush()
    await bench.counting.flush()
    assert bench.stored() == {ROW: hours}
    assert len(bench.counts.rows) <= module.MAX_UNSENT + 1


async def test_distinct_rows_in_memory_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TALLIES", 10)
    bench.counts.away = True
    for _ in range(2):
        for creative in range(20):
            bench.counting.tally(NOW, ("s", creative, 1, 1))
        await bench.counting.flush()
    bench.counts.away = False
    await bench.counting.flush()
    assert sum(bench.stored().values()) == 20, "the second twenty were too many"


async def test_a_worker_that_ends_writes_what_it_has(bench: Bench) -> None:
    bench.counts.away = True
    bench.counting.tally(NOW, ROW)
    await bench.counting.flush()
    bench.counts.away = False
    bench.counting.tally(NOW + HOUR_SECONDS, ROW)
    waiter = bench.counting.join(event())
    await bench.counting.finish()
    assert waiter.done()
    assert bench.stored() == {ROW: 2}

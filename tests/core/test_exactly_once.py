"""Whatever is lost, late, doubled or rolled back on the way: each durable record counts once.

Random walks: workers die and others adopt their journal, requests and answers are lost, requests
arrive much later or again, the store loses the last that it was told. At every step the store
has the journal's first records, each once; in the end it has them all.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from adserver.core.batch import NOTHING, Mark, Need, Shipment, Stream
from tests.core.streams import LedgerStore, MemoryJournal, drive

STEPS = 150


class Walk:
    """One journal, the store, and whoever ships the one to the other."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.journal = MemoryJournal()
        self.store = LedgerStore()
        self.stream = Stream(NOTHING)
        self.ours = True  # else it was adopted: nobody writes to it any more
        self.hour = 0
        # Every state that the store was in, and every request that was ever sent.
        self.past: list[tuple[Mark, tuple[int, ...]]] = [(NOTHING, ())]
        self.sent: list[Shipment] = []
        self.reading: tuple[int, int] | None = None
        # How likely each thing is differs from walk to walk: the rare need their company.
        things: list[Callable[[], None]] = [
            self.records_become_durable,
            self.the_stream_takes_a_step,
            self.the_stream_takes_a_step,
            self.a_second_passes,
            self.a_request_arrives_late_or_again,
            self.the_store_rolls_back,
            self.an_hour_ends,
        ]
        self.things = things
        self.weights = [self.random.choice([1, 4, 16]) for _ in things]
        self.many = self.random.choice([1, 3, 300])
        self.death = self.random.choice([0, 0.01, 0.1])

    def go(self) -> None:
        for thing in self.random.choices(self.things, self.weights, k=STEPS):
            note(thing.__name__)
            thing()
            if self.reading is None and self.random.random() < self.death:
                self.the_worker_dies_and_another_adopts_its_journal()
            self.nothing_counts_twice_or_out_of_order()
        self.all_is_counted_in_the_end()

    def records_become_durable(self) -> None:
        for _ in range(self.random.randint(1, self.many) if self.ours else 0):
            events = self.random.choice([0, 1, 1, 1, 400, 1_000])
            made = self.journal.append(events, self.random.choice([0, 0, 1, 600]), self.hour)
            self.stream.add(self.journal.end, made)

    def an_hour_ends(self) -> None:
        self.hour += 1

    def the_stream_takes_a_step(self) -> None:
        if self.reading is not None:
            self.stream.read(*self.journal.read(*self.reading))
            self.reading = None
            return
        step, fate = self.stream.step(), self.random.choice(["answered", "lost", "answer lost"])
        if step is None:
            assert not self.stream.step()
        elif step is Need.PARTS:
            self.reading = self.stream.position, self.stream.end
        elif step is Need.LEDGER:
            self.stream.told(self.store.ledger) if fate == "answered" else self.stream.failed()
        else:
            self.ship(step, fate)

    def ship(self, shipment: Shipment, fate: str) -> None:
        self.sent.append(shipment)
        said = self.arrive(shipment) if fate != "lost" else NOTHING
        if fate == "answered":
            self.stream.told(said)
        else:
            self.stream.failed()

    def arrive(self, shipment: Shipment) -> Mark:
        said = self.store.apply(shipment)
        if self.past[-1] != (said, self.store.counted):
            self.past.append((said, self.store.counted))
        return said

    def a_second_passes(self) -> None:
        self.stream.doubt()

    def a_request_arrives_late_or_again(self) -> None:
        if self.sent:
            self.arrive(self.random.choice(self.sent))

    def the_store_rolls_back(self) -> None:
        to = self.random.choice([0, self.random.randrange(len(self.past)), len(self.past) - 1])
        self.store.ledger, self.store.counted = self.past[to]
        del self.past[to + 1 :]

    def the_worker_dies_and_another_adopts_its_journal(self) -> None:
        note("the worker dies")
        self.stream, self.ours = Stream(None, self.journal.end), False

    def nothing_counts_twice_or_out_of_order(self) -> None:
        counted = list(self.store.counted)
        assert counted == self.journal.parts[: len(counted)]
        assert not self.stream.idle or self.stream.position == self.journal.end

    def all_is_counted_in_the_end(self) -> None:
        if self.reading is not None:
            self.the_stream_takes_a_step()
        self.stream.doubt()
        drive(self.stream, self.journal, self.store)
        assert self.stream.idle
        assert list(self.store.counted) == self.journal.parts


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_every_durable_record_is_counted_once_in_the_end(seed: int) -> None:
    Walk(seed).go()

"""One run: a world's requests drawn one by one, in virtual time, by the functions that serve.

The draw is `core.pacing.choose`; whole decisions choose alike at three times the price, as
`pacing_decided.py` shows.

Time goes in steps. In each, one node in turn refreshes its rates from counters that are one step
old, the beacons that are due come in, and the step's requests go to the nodes in turn, each with a
draw of its own, against the true room: a goal is hard, as leases make it. Nothing is averaged, so
nothing has to be excused; what is coarser than in life makes it harder: a node refreshes once in
`refresh_seconds`, not once in five seconds, from counters a step old (20 s, small 60 s), not 1 to
3 s, and a beacon counts at the end of its step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from statistics import NormalDist

from adserver.core.forecast import HOUR_SECONDS
from adserver.core.pacing import choose
from benchmarks.pacing_pacers import Pacer, Serving
from benchmarks.pacing_sales import LOST
from benchmarks.pacing_world import BEGIN, BOTTOM_DELAY, TOP_DELAY, World, poisson

# After this long without its beacon, an ad's room is given back, and the beacon no longer counts.
LAPSE_SECONDS = 600
LEVEL_EVERY_SECONDS = 300
# Entries of a table that delays are drawn from: one draw instead of a logarithm and two.
DELAYS = 4096


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the goals.

    requests: of all slots; served: ads handed out; lapsed: those whose beacon was lost or late.
    """

    goals: Sequence[int]
    delivered: Sequence[int]
    requests: int
    served: int
    lapsed: int

    def within(self, tolerance: float) -> float:
        """The share of campaigns that ended within this share of their goal."""
        near = [abs(d - g) <= tolerance * g for g, d in self._pairs()]
        return sum(near) / len(near)

    def undelivered(self) -> float:
        return sum(max(0, g - d) for g, d in self._pairs()) / sum(self.goals)

    def over(self) -> int:
        return sum(max(0, d - g) for g, d in self._pairs())

    def _pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.goals, self.delivered, strict=True))


# Of one cell: its slot's name, its slot's delays, who may have its requests, scarcest first, and
# which kind of reader they are.
Cell = tuple[str, list[int], list[int], int]


def run(world: World, make: Callable[[World], Pacer] = Serving) -> Outcome:
    return played(Run(world, make(world)))


def played(one: Run) -> Outcome:
    for hour in range(len(one.world.hours)):
        one.hour(hour)
    return one.outcome()


class Run:
    def __init__(self, world: World, pacer: Pacer) -> None:
        self.world, self.pacer, shape = world, pacer, world.shape
        self.rng = Random(f"run {shape.name} {world.load} {world.seed}")
        self.step = shape.refresh_seconds // shape.nodes
        self.steps_an_hour = HOUR_SECONDS // self.step
        self.delays = [
            delay_table(*(BOTTOM_DELAY if scrolled else TOP_DELAY), self.step)
            for _, _, scrolled in shape.slots
        ]
        self.goals = [booking.goal for booking in world.bookings]
        self.delivered, self.reserved = [0] * len(self.goals), [0] * len(self.goals)
        self.seen = (self.delivered[:], self.reserved[:])
        self.full: set[int] = set()  # without room; no lease has any, which every node knows
        self.rates = [pacer.rates(*self.seen, BEGIN) for _ in range(shape.nodes)]
        # What is due at a step, by the step's number: c's beacon is c, the lapse of its room ~c.
        self.due: list[list[int]] = [[] for _ in range(LAPSE_SECONDS // self.step + 3)]
        self.tick = self.requests = self.served = self.lapsed = 0
        self.now: float = BEGIN

    def hour(self, hour: int) -> None:
        begin = BEGIN + hour * HOUR_SECONDS
        self.now = begin
        cells, weights = self.cells(hour, begin)
        self.rates_changed(range(len(self.rates)))
        counts = {name: 0 for name, _, _ in self.world.shape.slots}
        for part in range(self.steps_an_hour):
            now = self.now = begin + part * self.step
            if part and part * self.step % LEVEL_EVERY_SECONDS < self.step:
                self.pacer.look(begin, now, counts)
            self.refresh(now)
            self.arrive()
            many = poisson(weights[-1] / self.steps_an_hour, self.rng)
            self.serve(self.rng.choices(cells, cum_weights=weights, k=many), counts)
            self.tick += 1
        self.pacer.hour_is_over(begin, counts, self.delivered)

    def cells(self, hour: int, begin: float) -> tuple[list[Cell], list[float]]:
        """The hour's cells, with the running sum of their requests."""
        live = [b.since <= begin < b.until for b in self.world.bookings]
        ranks = self.pacer.ranks()
        cells: list[Cell] = []
        requests = []
        for slot, kinds in enumerate(self.world.cells):
            for kind, (share, may) in enumerate(kinds):
                order = sorted((c for c in may if live[c]), key=ranks.__getitem__)
                cells.append((self.world.shape.slots[slot][0], self.delays[slot], order, kind))
                requests.append(self.world.hours[hour][slot] * share)
        return cells, list(accumulate(requests))

    def refresh(self, now: float) -> None:
        """One node's turn; counters are as they were a step ago."""
        rates = self.pacer.rates(*self.seen, now)
        for c in self.full:
            rates[c] = 0.0
        node = self.tick % len(self.rates)
        self.rates[node] = rates
        self.rates_changed([node])
        self.seen = (self.delivered[:], self.reserved[:])

    def arrive(self) -> None:
        place = self.tick % len(self.due)
        for c in self.due[place]:
            if c >= 0:
                self.reserved[c] -= 1
                self.delivered[c] += 1
            else:
                self.reserved[~c] -= 1
                self.full.discard(~c)
                self.lapsed += 1
        self.due[place] = []

    def serve(self, requests: list[Cell], counts: dict[str, int]) -> None:
        draw, nodes = self.rng.random, len(self.rates)
        self.requests += len(requests)
        for number, cell in enumerate(requests):
            name, delays = cell[:2]
            counts[name] += 1
            c = self.choose(number % nodes, cell, draw())
            if c is None:
                continue
            self.served += 1
            self.reserved[c] += 1
            if self.delivered[c] + self.reserved[c] >= self.goals[c]:
                self.full.add(c)
                for rates in self.rates:
                    rates[c] = 0.0
                self.rates_changed(range(nodes))
            delay = delays[int(draw() * DELAYS)]
            when, what = (delay, c) if delay > 0 else (-delay, ~c)
            self.due[(self.tick + when) % len(self.due)].append(what)

    def choose(self, node: int, cell: Cell, draw: float) -> int | None:
        return choose(cell[2], self.rates[node], draw)

    def rates_changed(self, nodes: Sequence[int]) -> None:
        """For who keeps more than the rates."""

    def outcome(self) -> Outcome:
        """With the beacons that are still on their way: their room is reserved."""
        for c in (c for due in self.due for c in due if c >= 0):
            self.delivered[c] += 1
        return Outcome(self.goals, self.delivered, self.requests, self.served, self.lapsed)


def delay_table(median: float, sigma: float, step: int) -> list[int]:
    """Steps until a beacon comes, for an even draw; negative: until its room lapses instead."""
    lapse = LAPSE_SECONDS // step + 1
    lost = round(DELAYS * LOST)
    table = [-lapse] * lost
    for i in range(DELAYS - lost):
        seconds = median * math.exp(sigma * NormalDist().inv_cdf((i + 0.5) / (DELAYS - lost)))
        table.append(1 + int(seconds // step) if seconds < LAPSE_SECONDS else -lapse)
    return table

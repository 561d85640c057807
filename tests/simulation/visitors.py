"""Who presents events: new ones, the same ones again, and the same one everywhere at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adserver.core.events import Event, Kind

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World

# Blocks of tickets, so that all shards are met.
BLOCKS = 6
SLOTS = 3
# The numbers of creatives of tickets begin here; below are those of tallies.
FIRST_TICKET = 1_000
TALLIED = 20


class Ticket(NamedTuple):
    """issued: UTC seconds of the clock of whoever issued it."""

    writer: int
    serial: int
    creative: int
    issued: float

    def event(self, kind: Kind) -> Event:
        place = self.creative % SLOTS + 1
        # A bitmap is of one shard's campaigns.
        campaign = self.writer + (self.serial >> 16)
        return Event(kind, self.writer, self.serial, self.creative, place, 1, campaign)


class Visitors:
    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: list[Ticket] = []
        self._presented: list[tuple[Ticket, Kind]] = []

    def come(self) -> None:
        """A few of them, to whoever serves."""
        rng, workers = self._world.rng, self._world.workers
        if not workers:
            return
        for _ in range(rng.choice([1, 1, 2, 4, 8])):
            worker = rng.choice(workers)
            self._tally(worker)
            ticket = self._ticket(worker)
            kind = rng.choice(list(Kind))
            if self._presented and rng.random() < 0.3:
                ticket, kind = rng.choice(self._presented)
                if len(self._presented) % 3 == 0:  # another event of the same ad
                    kind = Kind((kind + 1) % len(Kind))
            self._presented.append((ticket, kind))
            everywhere = rng.random() < 0.1
            for one in workers if everywhere else [worker]:
                self._present(one, ticket, kind)

    def _ticket(self, worker: Worker) -> Ticket:
        number = len(self._tickets)
        block = self._world.rng.randrange(BLOCKS)
        issued = worker.node.time()
        ticket = Ticket(worker.writer, block << 16 | number, FIRST_TICKET + number, issued)
        self._tickets.append(ticket)
        return ticket

    def _present(self, worker: Worker, ticket: Ticket, kind: Kind) -> None:
        if worker.node.time() - ticket.issued > self._world.plan.life:
            return  # `expired`, which is decided before counting
        patient = kind is not Kind.CLICK
        event = ticket.event(kind)
        worker.loop.call_soon(lambda: worker.present(event, patient=patient))

    def _tally(self, worker: Worker) -> None:
        rng = self._world.rng
        creative = rng.randrange(TALLIED)
        row = ("s", creative, 1, 1) if creative else ("n.no_campaign", 0, 1, 1)
        worker.loop.call_soon(lambda: worker.tally(row))

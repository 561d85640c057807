"""The same run by whole decisions, as workers make them: a compiled snapshot for each node, paced
by its rates, and rooms. It chooses what the quick run chooses, which a test holds."""

from __future__ import annotations

from collections.abc import Sequence

from adserver.core.decision import decide
from adserver.core.goals import Limits, Unit
from adserver.core.leases import Room
from adserver.core.rates import Rates
from adserver.core.snapshot import compile_snapshot
from adserver.core.steps import finish
from benchmarks.pacing_catalog import context_of
from benchmarks.pacing_pacers import Serving
from benchmarks.pacing_run import Cell, Run
from benchmarks.pacing_world import World, kinds_of_reader


class Decided(Run):
    def __init__(self, world: World, pacer: Serving) -> None:
        super().__init__(world, pacer)
        self.serving = pacer
        self.snapshots = [compile_snapshot(pacer.live) for _ in range(world.shape.nodes)]
        self.contexts = [context_of(kind) for kind, _ in kinds_of_reader()]
        self.number = {name: c for c, name in enumerate(pacer.names)}
        self.rooms = {
            name: Room(pacer.live.numbers[f"campaign/{name}"], Limits(Unit.IMPRESSIONS, goal))
            for name, goal in zip(pacer.names, self.goals, strict=True)
        }

    def rates_changed(self, nodes: Sequence[int]) -> None:
        for c, name in enumerate(self.serving.names):
            self.rooms[name].left = self.goals[c] - self.delivered[c] - self.reserved[c]
        for node in nodes:
            rates = dict(zip(self.serving.names, self.rates[node], strict=True))
            finish(self.snapshots[node].pacing(Rates(rates, self.serving.order)))

    def arrive(self) -> None:
        super().arrive()
        self.rates_changed(())

    def choose(self, node: int, cell: Cell, draw: float) -> int | None:
        slot, context = cell[0], self.contexts[cell[3]]
        decision = decide(self.snapshots[node], slot, context, self.now, draw, None, self.rooms)
        if decision.placement is None:
            return None
        name = decision.placement.campaign.name
        self.rooms[name].left -= 1
        return self.number[name]

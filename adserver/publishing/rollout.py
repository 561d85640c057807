"""A rollout: which nodes serve a new generation already, and which are still behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adserver.core.nodes import ALIVE_SECONDS, NodeState


@dataclass(frozen=True, slots=True)
class Arrival:
    """A node that serves the generation (or a later one), and how long that took."""

    node: str
    generation: int
    seconds: float


def alive(nodes: Sequence[NodeState], now: float) -> list[NodeState]:
    """The nodes that are there at `now`, UTC seconds."""
    return [node for node in nodes if now - node.seen_at <= ALIVE_SECONDS]


@dataclass(slots=True)
class Rollout:
    generation: int
    arrived: dict[str, Arrival] = field(default_factory=dict)
    behind: list[NodeState] = field(default_factory=list)

    def look(self, nodes: Sequence[NodeState], now: float, elapsed: float) -> list[Arrival]:
        """Take note of who is where after `elapsed` seconds; who has arrived since last time."""
        there = alive(nodes, now)
        self.behind = [node for node in there if node.generation < self.generation]
        new = [
            Arrival(node.name, node.generation, elapsed)
            for node in there
            if node.generation >= self.generation and node.name not in self.arrived
        ]
        self.arrived.update((one.node, one) for one in new)
        return new

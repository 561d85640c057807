"""What the store knows of nodes: their workers, and the keys that they may sign with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

# A worker says every second that it is there; one that has missed five is not serving.
ALIVE_SECONDS = 5.0
# Clocks that are set by the network differ by milliseconds; a flight is late by no more than this.
CLOCK_SECONDS = 10.0
# Stands between a node's name and its start; no host's name has it.
APART = "~"


@dataclass(frozen=True, slots=True)
class NodeState:
    """One worker as the store sees it; `seen_at` and `since` are UTC seconds.

    since: by its node's clock. seen_at: as the store has noted it, by the clock of whoever asks.
    signs_with: its signing key's fingerprint. ahead: how far its node's clock is ahead of the
    store's, seconds, by what the store said last; behind if negative. settings: those that all
    nodes are to have alike and that are not as they are by default, by name. start: which start of
    its node it is of, as two machines may have one name.
    """

    name: str
    generation: int
    since: float
    seen_at: float
    signs_with: str = ""
    ahead: float = 0.0
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    start: str = ""

    @property
    def node(self) -> str:
        """Whose worker it is: `web-1:8080` of `web-1:8080/0`."""
        return self.name.rpartition("/")[0] or self.name

    @property
    def key(self) -> str:
        """Nobody else's."""
        return f"{self.name}{APART}{self.start}" if self.start else self.name

    @property
    def is_told_apart(self) -> bool:
        """Whether another node has its name, so that this one says of which start it is."""
        return bool(self.start) and self.node.endswith(APART + self.start)


def told_apart(nodes: Iterable[NodeState]) -> list[NodeState]:
    """By name. Where nodes that are there have one name, each has its start behind it; who was
    there before its successor of that name is left out."""
    by_name: dict[str, list[NodeState]] = {}
    for one in nodes:
        by_name.setdefault(one.name, []).append(one)
    found: list[NodeState] = []
    for same in by_name.values():
        last = max(one.seen_at for one in same)
        there = [one for one in same if one.seen_at >= last - ALIVE_SECONDS]
        found += map(named_apart, there) if len(there) > 1 else there
    return sorted(found, key=lambda one: one.name)


def named_apart(one: NodeState) -> NodeState:
    node, slash, number = one.name.rpartition("/")
    return replace(one, name=f"{node}{APART}{one.start}{slash}{number}")


def ahead_of(asked: float, answered: float, said: float) -> float:
    """How far a clock is ahead of another one, at least, seconds; behind if negative.

    The other one said its time between two looks at this one: what the call took explains as much.
    """
    if said < asked:
        return asked - said
    return min(0.0, answered - said)


@dataclass(frozen=True, slots=True)
class Differing:
    """A setting that is not the same on all nodes. nodes: by value, "" where it is the default."""

    setting: str
    nodes: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return "; ".join(
            f"{value or 'the default'} on {', '.join(names)}" for value, names in self.nodes.items()
        )


def differing(nodes: Iterable[NodeState]) -> list[Differing]:
    """By the settings' names; nodes in the order in which they come."""
    by_node = {one.node: one.settings for one in nodes}
    found = []
    for setting in sorted({name for settings in by_node.values() for name in settings}):
        by_value: dict[str, tuple[str, ...]] = {}
        for node, settings in by_node.items():
            value = settings.get(setting, "")
            by_value[value] = (*by_value.get(value, ()), node)
        if len(by_value) > 1:
            found.append(Differing(setting, by_value))
    return found


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A signing key that nodes may use, by its fingerprint; `added_at` is UTC seconds."""

    fingerprint: str
    added_at: float
    added_by: str

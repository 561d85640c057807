"""Which nodes serve a new generation."""

from __future__ import annotations

from adserver.core.nodes import NodeState
from adserver.publishing.rollout import ALIVE_SECONDS, Rollout, alive
from tests.factories import NOW


def node(name: str, generation: int, seen_at: float = NOW) -> NodeState:
    return NodeState(name, generation, since=NOW, seen_at=seen_at)


def test_a_node_is_there_up_to_five_seconds_after_it_was_seen():
    seen, silent = node("a", 1, NOW - ALIVE_SECONDS), node("b", 1, NOW - ALIVE_SECONDS - 0.1)
    assert alive([seen, silent], NOW) == [seen]


def test_a_node_that_serves_the_generation_has_arrived_once():
    rollout = Rollout(7)
    assert [a.node for a in rollout.look([node("a", 7), node("b", 6)], NOW, 0.2)] == ["a"]
    assert [b.name for b in rollout.behind] == ["b"]
    (late,) = rollout.look([node("a", 7), node("b", 7)], NOW, 0.7)
    assert (late.node, late.seconds) == ("b", 0.7)
    assert not rollout.behind


def test_a_later_generation_is_as_good():
    rollout = Rollout(7)
    assert rollout.look([node("a", 8)], NOW, 0.1)
    assert not rollout.behind


def test_nobody_waits_for_a_node_that_is_gone():
    rollout = Rollout(7)
    rollout.look([node("a", 6, NOW - 60)], NOW, 0.1)
    assert not rollout.behind

"""How far a clock is ahead of another one, and which nodes have other settings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.nodes import ALIVE_SECONDS, NodeState, ahead_of, differing, told_apart
from tests.factories import NOW


@given(
    ahead=st.floats(-1e6, 1e6),
    there=st.floats(0, 30),
    back=st.floats(0, 30),
)
def test_it_is_told_but_for_what_the_call_took(ahead: float, there: float, back: float) -> None:
    """there, back: seconds on the way to the other clock, and from it."""
    asked, answered = NOW + ahead, NOW + there + back + ahead
    found = ahead_of(asked, answered, NOW + there)
    assert abs(found) <= abs(ahead) + 1e-6, "never more than it is"
    assert found * ahead >= 0
    assert abs(found - ahead) <= there + back + 1e-6


def test_a_slow_call_makes_no_clock_wrong() -> None:
    assert ahead_of(NOW, NOW + 60, NOW + 59) == 0.0
    assert ahead_of(NOW, NOW + 60, NOW + 61) == -1.0
    assert ahead_of(NOW, NOW + 60, NOW - 1) == 1.0


def worker(name: str, **settings: str) -> NodeState:
    return NodeState(name, 1, NOW, NOW, settings=settings)


def test_workers_are_of_nodes() -> None:
    assert [worker(name).node for name in ("web:8080/0", "web:8080/11", "web")] == [
        "web:8080",
        "web:8080",
        "web",
    ]


def test_settings_that_all_nodes_have_do_not_differ() -> None:
    assert differing([]) == []
    assert differing([worker("a/0", life="1"), worker("a/1", life="1")]) == []
    assert differing([worker("a/0", life="1"), worker("b/0", life="1")]) == []


def test_settings_that_differ_are_told_by_value_and_node() -> None:
    nodes = [
        worker("a/0", life="1", rules="robots=off"),
        worker("a/1", life="1", rules="robots=off"),
        worker("b/0", rules="robots=off"),
        worker("c/0", life="1", rules="robots=dry_run"),
    ]
    life, rules = differing(nodes)
    assert (life.setting, rules.setting) == ("life", "rules")
    assert dict(life.nodes) == {"1": ("a", "c"), "": ("b",)}
    assert str(life) == "1 on a, c; the default on b"
    assert str(rules) == "robots=off on a, b; robots=dry_run on c"


def seen(name: str, start: str, ago: float = 0.0) -> NodeState:
    return NodeState(name, 1, NOW, NOW - ago, start=start)


def names(*nodes: NodeState) -> list[str]:
    return [one.name for one in told_apart(nodes)]


def test_two_nodes_of_one_name_are_two() -> None:
    one, other = seen("web:8080/0", "4f2a"), seen("web:8080/0", "b61c", 1.0)
    assert one.key != other.key
    found = told_apart([seen("api:8080/0", "77aa"), other, one])
    assert [node.name for node in found] == ["api:8080/0", "web:8080~4f2a/0", "web:8080~b61c/0"]
    assert [node.node for node in found] == ["api:8080", "web:8080~4f2a", "web:8080~b61c"]
    assert [node.is_told_apart for node in found] == [False, True, True]


def test_workers_of_one_node_need_not_be_told_apart() -> None:
    assert names(seen("web:8080/1", "4f2a"), seen("web:8080/0", "4f2a")) == [
        "web:8080/0",
        "web:8080/1",
    ]


def test_a_node_that_was_started_again_takes_the_place_of_the_one_that_was_killed() -> None:
    gone = seen("web:8080/0", "4f2a", ALIVE_SECONDS + 1)
    assert told_apart([gone, seen("web:8080/0", "b61c")]) == [seen("web:8080/0", "b61c")]
    assert told_apart([gone]) == [gone], "nobody has"


def test_what_says_no_start_is_as_it_was() -> None:
    old = NodeState("web", 1, NOW, NOW)
    assert old.key == "web"
    assert told_apart([old]) == [old]
    assert not old.is_told_apart

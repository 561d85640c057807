"""How far a clock is ahead of another one, and which nodes have other settings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.nodes import NodeState, ahead_of, differing
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

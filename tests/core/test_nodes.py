"""How far a clock is ahead of another one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.nodes import ahead_of
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

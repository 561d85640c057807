"""The publisher's own agents: which patterns can be used."""

from __future__ import annotations

import pytest

from adserver.core.internal import MAX_PATTERN_CHARACTERS, MAX_PATTERNS, read_patterns


def test_patterns_are_separated_by_commas() -> None:
    found = list(read_patterns(" LeComptoirMonitor, Kiosk*Lobby (2),"))
    assert found == ["LeComptoirMonitor", "Kiosk*Lobby (2)"]
    assert list(read_patterns("")) == []


def test_so_many_and_so_long_and_no_more() -> None:
    longest = "x" * MAX_PATTERN_CHARACTERS
    assert len(list(read_patterns(",".join([longest] * MAX_PATTERNS)))) == MAX_PATTERNS
    with pytest.raises(ValueError, match="65 patterns, at most 64"):
        list(read_patterns(",".join(["kiosk"] * (MAX_PATTERNS + 1))))
    with pytest.raises(ValueError, match="has over 128 characters"):
        list(read_patterns(longest + "x"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("*", "would be in too many agents; write 4 letters at least"),
        ("a*b*c", "would be in too many agents"),
        ("Möbel", "agents are written in ASCII"),
        ("ki\x00osk", "agents are written in ASCII"),
        ("Mozilla", "is in the agents of readers; name what is yours alone"),
        ("iphone", "is in the agents of readers"),
    ],
)
def test_what_would_be_in_readers_agents_is_refused(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(read_patterns(written))

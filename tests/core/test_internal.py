"""The publisher's own agents: which patterns can be used."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from adserver.core.internal import (
    MAX_PATTERN_CHARACTERS,
    MAX_PATTERNS,
    is_everybodys,
    read_network,
    read_patterns,
)


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
        ("Mozilla", "agents of readers: Chrome on Windows's is such; name what is yours alone"),
        ("iphone", "is in the agents of readers"),
        ("Chrome", "is in the agents of readers"),
        ("Chrome/143.0.1", "is in the agents of readers"),
        ("Safari/537.36", "is in the agents of readers"),
        ("Firefox/", "is in the agents of readers"),
        ("AppleWebKit*Chrome", "is in the agents of readers"),
        ("Edg/1", "is in the agents of readers: Edge's"),
        ("CriOS", "is in the agents of readers: Chrome on an iPhone's"),
        ("SamsungBrowser", "is in the agents of readers: Samsung Internet's"),
        ("(X11; CrOS", "is in the agents of readers: Chrome on ChromeOS's"),
    ],
)
def test_what_would_be_in_readers_agents_is_refused(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(read_patterns(written))


@pytest.mark.parametrize("pattern", ["Chrome*Kiosk", "Safari*Chrome*Lobby", "Chrome*AppleWebKit"])
def test_parts_of_a_pattern_are_looked_for_one_after_the_other(pattern: str) -> None:
    assert list(read_patterns(pattern)) == [pattern]


@pytest.mark.parametrize("text", ["192.0.2.0/24", "10.0.0.0/8", "2001:db8::/16", "fc00::/7"])
def test_a_network_that_somebody_can_have_is_read(text: str) -> None:
    assert read_network(text) == ip_network(text, strict=False)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "128.0.0.0/1", "8.0.0.0/7", "::/0", "2000::/3"])
def test_a_network_that_is_everybodys_is_refused(text: str) -> None:
    assert is_everybodys(ip_network(text))
    with pytest.raises(ValueError, match="readers are in it, and none of them would count"):
        read_network(text)

"""The publisher's own: networks and agents by which staff and monitors are told from readers.

What would hold for readers is refused: nothing would count any more, and nobody would be told.

A pattern is looked for anywhere in an agent, whatever the case; `*` is any run of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

MAX_PATTERNS = 64
MAX_PATTERN_CHARACTERS = 128
# Of fewer letters, a pattern is in every second browser's agent.
MIN_LETTERS = 4
# What readers have; versions do not matter.
APPLE, CHROME = "AppleWebKit/605.1.15 (KHTML, like Gecko)", "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS, MACINTOSH = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"
ANDROID, IPHONE = "Linux; Android 10; K", "iPhone; CPU iPhone OS 18_7 like Mac OS X"
BROWSERS = {
    name: f"Mozilla/5.0 ({system}) {rest}"
    for name, system, rest in (
        ("Chrome on Windows", WINDOWS, f"{CHROME} Chrome/142.0.0.0 Safari/537.36"),
        ("Chrome on a Mac", MACINTOSH, f"{CHROME} Chrome/142.0.0.0 Safari/537.36"),
        ("Chrome on Linux", "X11; Linux x86_64", f"{CHROME} Chrome/142.0.0.0 Safari/537.36"),
        ("Chrome on ChromeOS", "X11; CrOS x86_64 14541.0.0", f"{CHROME} Chrome/142.0 Safari/537"),
        ("Chrome on Android", ANDROID, f"{CHROME} Chrome/142.0.0.0 Mobile Safari/537.36"),
        ("Chrome on an iPhone", IPHONE, f"{APPLE} CriOS/142.0.1 Mobile/15E148 Safari/604.1"),
        ("Edge", WINDOWS, f"{CHROME} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"),
        ("Edge on Android", ANDROID, f"{CHROME} Chrome/142.0 Mobile Safari/537.36 EdgA/142.0.0.0"),
        ("Opera", WINDOWS, f"{CHROME} Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0"),
        (
            "Samsung Internet",
            ANDROID,
            f"{CHROME} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
        ),
        ("Safari", MACINTOSH, f"{APPLE} Version/26.0 Safari/605.1.15"),
        ("Safari on an iPhone", IPHONE, f"{APPLE} Version/26.0 Mobile/15E148 Safari/604.1"),
        (
            "Safari on an iPad",
            "iPad; CPU OS 18_7 like Mac OS X",
            f"{APPLE} Version/26.0 Mobile/15E148 Safari/604.1",
        ),
        ("Firefox on Windows", f"{WINDOWS}; rv:145.0", "Gecko/20100101 Firefox/145.0"),
        ("Firefox on a Mac", "Macintosh; Intel Mac OS X 10.15; rv:145.0", "Gecko Firefox/145.0"),
        ("Firefox on Linux", "X11; Ubuntu; Linux x86_64; rv:145.0", "Gecko/20100101 Firefox/145.0"),
        ("Firefox on Android", "Android 15; Mobile; rv:145.0", "Gecko/145.0 Firefox/145.0"),
        ("Firefox on an iPhone", IPHONE, f"{APPLE} FxiOS/145.0 Mobile/15E148 Safari/605.1.15"),
    )
}
# Nobody has wider ones of their own, but for those that are in no route of the internet.
WIDEST = {4: 8, 6: 16}
NOBODYS: tuple[Network, ...] = (IPv6Network("fc00::/7"), IPv6Network("fe80::/10"))


def read_patterns(text: str) -> Iterator[str]:
    """Of `LeComptoirMonitor, Uptime*probe`. ValueError says what cannot be used."""
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    if len(patterns) > MAX_PATTERNS:
        raise ValueError(f"{len(patterns)} patterns, at most {MAX_PATTERNS}")
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARACTERS:
            raise ValueError(f"{pattern[:20]!r}… has over {MAX_PATTERN_CHARACTERS} characters")
        if not (pattern.isascii() and pattern.isprintable()):
            raise ValueError(f"{pattern!r}: agents are written in ASCII")
        if sum(map(str.isalnum, pattern)) < MIN_LETTERS:
            raise ValueError(
                f"{pattern!r} would be in too many agents; write {MIN_LETTERS} letters at least"
            )
        if browser := browser_of(pattern):
            raise ValueError(
                f"{pattern!r} is in the agents of readers: {browser}'s is such; name what is yours "
                "alone"
            )
        yield pattern


def browser_of(pattern: str) -> str:
    """A browser that readers have and that the pattern holds for, in any version; "" if none."""
    parts = any_version(pattern).split("*")
    found = (name for name, agent in BROWSERS.items() if in_order(parts, any_version(agent)))
    return next(found, "")


def in_order(parts: Iterable[str], text: str) -> bool:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def any_version(text: str) -> str:
    return re.sub("[0-9]+", "0", text.lower())


def read_network(text: str) -> Network:
    """One of the publisher's own. ValueError for what is none, or is everybody's."""
    network = ip_network(text, strict=False)
    if is_everybodys(network):
        raise ValueError(
            f"{text} is not a network of yours: readers are in it, and none of them would count; "
            f"expected /{WIDEST[network.version]} or narrower"
        )
    return network


def is_everybodys(network: Network) -> bool:
    """Whether it is so wide that it is of no owner."""
    wide = network.prefixlen < WIDEST[network.version]
    return wide and not any(within(network, one) for one in NOBODYS)


def within(network: Network, other: Network) -> bool:
    return network.version == other.version and (
        other.prefixlen <= network.prefixlen and network.network_address in other
    )

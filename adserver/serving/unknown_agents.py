"""Agents that are no browser's and no known app's: `bot`, where the operator says so."""

from __future__ import annotations

from functools import lru_cache

from adserver.serving.invalid import Facts
from adserver.serving.robots import AGENT_MEMO, MAX_AGENT_BYTES, set_of

KNOWN = set_of(
    (
        # All browsers with pictures, and the apps that show pages with one.
        r"mozilla/[0-9]",
        r"^opera/[0-9]",
        # Phones of before that, and browsers that speak for them.
        r"profile/midp|configuration/cldc|^ucweb|^nokia|^blackberry",
        # Browsers without pictures, which have readers.
        r"^(?:lynx|w3m|e?links|dillo|netsurf)[ /(]",
        # What apps of Android and of Apple say if their makers write nothing of their own.
        r"^dalvik/[0-9]",
        r"cfnetwork/[0-9.]+ darwin/",
        # And what they write then: a name, a version, the system.
        r"^[^ /()]+/[0-9][^()]*\((?:[^)]*[ ;])?"
        r"(?:android|ios|ipados|iphone|ipad|macos|windows|linux)",
    )
)


@lru_cache(AGENT_MEMO)
def names_no_browser(agent: bytes) -> bool:
    return KNOWN(agent) is None


def unknown_agent(facts: Facts) -> bool:
    return names_no_browser(facts.headers.get(b"user-agent", b"")[:MAX_AGENT_BYTES])

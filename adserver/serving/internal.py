"""The publisher's own: staff and monitors, by where they are and by their agents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import re2

from adserver.serving.invalid import Facts, Holds
from adserver.serving.peers import Networks, within
from adserver.serving.robots import AGENT_MEMO, MAX_AGENT_BYTES, set_of

Address = Callable[[Facts], bytes | None]


def internal(networks: Networks, agents: Sequence[str], address: Address) -> Holds:
    """The rule. agents: patterns, as `core.internal` reads them. address: of the reader, packed;
    None where it is not known, which is in no network."""
    is_ours, ours = within(networks), remembered(agents)

    def holds(facts: Facts) -> bool:
        if ours(facts.headers.get(b"user-agent", b"")[:MAX_AGENT_BYTES]):
            return True
        packed = address(facts) if networks else None
        return packed is not None and is_ours(packed)

    return holds


def remembered(agents: Sequence[str]) -> Callable[[bytes], bool]:
    if not agents:
        return lambda _: False
    match = set_of(".*".join(map(re2.escape, one.split("*"))) for one in agents)
    return lru_cache(AGENT_MEMO)(lambda agent: match(agent) is not None)

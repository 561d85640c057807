"""Settings that all nodes of a store are to have alike, and whether this one has them as others do.

A ticket that one node issues counts at any other, by that one's rules and its idea of a ticket's
life. So where these differ, what counts depends on who is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

import structlog

from adserver.core.errors import StoreUnavailable
from adserver.core.invalid import BY_DEFAULT, Mode
from adserver.core.nodes import NodeState, differing
from adserver.core.rate_limits import DEFAULTS
from adserver.publishing.rollout import alive
from adserver.settings import Settings
from adserver.store.address import shards_of
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import client
from adserver.store.keys import Keys

log = structlog.get_logger(__name__)

# Of a value, as it is said to others each second; a longer one is told from others by its digest.
LONGEST = 100
DIGEST_DIGITS = 8


def alike_of(settings: Settings) -> Mapping[str, str]:
    """Those that are not as they are by default, by the names of the environment."""
    default = Settings.model_fields["ticket_life"].default
    said = {
        "ADSERVER_TICKET_LIFE": [str(settings.ticket_life)] * (settings.ticket_life != default),
        "ADSERVER_RULES": [
            f"{rule}={mode}"
            for rule, mode in settings.rules
            if mode is not BY_DEFAULT.get(rule, Mode.OFF)
        ],
        "ADSERVER_RATE_LIMITS": [
            f"{name}={limit}" for name, limit in settings.rate_limits if limit != DEFAULTS[name]
        ],
        "ADSERVER_INTERNAL_NETWORKS": map(str, settings.internal_networks),
        "ADSERVER_INTERNAL_AGENTS": settings.internal_agents,
    }
    texts = {name: ",".join(sorted(parts)) for name, parts in said.items()}
    return {name: shortened(text) for name, text in texts.items() if text}


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]})"


def warn_of_differences(settings: Settings, store: str, name: str) -> None:
    """Said and not refused: they differ for a while wherever a setting is changed node by node.

    store: its address. name: of this node, which may have been there a moment ago.
    """
    try:
        with client(store) as connection:
            keys = Keys(settings.namespace, shards_of(settings.redis))
            nodes = StoredCatalogs(connection, keys).nodes()
    except StoreUnavailable:
        return  # `adserver status` says it
    warn(alike_of(settings), alive(nodes, time.time()), name)


def warn(ours: Mapping[str, str], nodes: Sequence[NodeState], name: str) -> None:
    others = [node for node in nodes if node.node != name]
    here = NodeState(name, 0, 0.0, 0.0, settings=ours)
    for one in differing([here, *others]):
        log.warning(
            "settings_differ",
            setting=one.setting,
            here=ours.get(one.setting, "the default"),
            all=str(one),
            why="what counts depends on which node is asked",
            do="give all nodes the same value",
        )

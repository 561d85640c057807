"""Which rules against invalid traffic a worker asks, by the operator's settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from adserver.core.errors import SettingsError
from adserver.core.internal import Network, is_everybodys
from adserver.core.invalid import Mode, Rule
from adserver.core.rate_limits import RateLimits
from adserver.core.suspension import Suspension
from adserver.metrics.meter import Meter
from adserver.serving.counting import Counting
from adserver.serving.internal import internal
from adserver.serving.invalid import Holds, Invalid
from adserver.serving.pages import elsewhere
from adserver.serving.rates import Rates, Shared
from adserver.serving.readers import Readers
from adserver.serving.served import Served
from adserver.serving.unknown_agents import unknown_agent
from adserver.settings import Settings

if TYPE_CHECKING:
    from adserver.wiring.node import Node

log = structlog.get_logger(__name__)

# The rules that need what a node's workers count together.
COUNTING = (Rule.RATE_LIMITED, Rule.CLICKS_MANY_CAMPAIGNS)


def invalid_of(
    node: Node, served: Callable[[], Served | None], counting: Counting, meter: Meter
) -> Invalid:
    modes = dict(node.settings.rules)
    readers = Readers(
        node.settings.trusted_peers,
        meter,
        suspension=Suspension(never=node.settings.suspend_rules == "never"),
        named=node.settings.internal_networks,
    )
    more: dict[Rule, Holds] = {
        Rule.FOREIGN_PAGE: elsewhere(served),
        Rule.UNKNOWN_AGENTS: unknown_agent,
    }
    networks, agents = node.settings.internal_networks, node.settings.internal_agents
    if networks or agents:
        more[Rule.INTERNAL] = internal(networks, agents, readers.address)
    if all(modes.get(rule, Mode.OFF) is Mode.OFF for rule in COUNTING):
        return Invalid(modes, more, node.robots)
    rates = rates_of(node, readers, counting)
    return Invalid(modes, more | rates.rules, node.robots, beside=[rates.look])


def check_rules(settings: Settings) -> None:
    """SettingsError where a rule is asked for that would look at nothing."""
    named = settings.internal_networks or settings.internal_agents
    if dict(settings.rules).get(Rule.INTERNAL, Mode.OFF) is not Mode.OFF and not named:
        raise SettingsError(
            "--rules names `internal`, and nothing says who is; set ADSERVER_INTERNAL_NETWORKS or "
            "ADSERVER_INTERNAL_AGENTS, or leave the rule out"
        )


def warn_of_peers(trusted: Sequence[Network]) -> None:
    """Said and not refused: a node that only a proxy reaches may have one of any address."""
    for network in trusted:
        if is_everybodys(network):
            log.warning(
                "everybody_is_believed",
                trusted=str(network),
                why="whoever asks from there says which address and country a reader has, so that "
                "rules by address, targeting by country and internal networks can be evaded",
                do="name only your proxies in --trusted-peers (ADSERVER_TRUSTED_PEERS)",
            )


def rates_of(node: Node, readers: Readers, counting: Counting) -> Rates:
    shared = Shared(node.rates, Path(node.folder) / "rates.lock")
    limits = RateLimits(dict(node.settings.rate_limits))
    return Rates(limits, readers, counting.knows, shared)

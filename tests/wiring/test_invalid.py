"""Which rules a worker asks, by what the operator has set."""

from __future__ import annotations

from mmap import mmap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from adserver.core.errors import SettingsError
from adserver.core.events import Kind
from adserver.core.invalid import REASON, Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.suspension import LEAST_EVENTS
from adserver.core.ticket import Ticket
from adserver.metrics.meter import Meter
from adserver.serving.rates import MEMORY_BYTES
from adserver.serving.robots import Robots
from adserver.settings import Settings
from adserver.wiring.invalid import check_rules, invalid_of, warn_of_peers

ROBOTS = Robots()


def invalid(folder: Path, meter: Meter | None = None, **settings: str) -> Any:
    node: Any = SimpleNamespace(
        robots=ROBOTS,
        settings=Settings(**settings),
        folder=str(folder),
        rates=mmap(-1, MEMORY_BYTES),
    )
    counting: Any = SimpleNamespace(knows=lambda bit: False)
    return invalid_of(node, lambda: None, counting, meter or Meter())


def test_rules_that_count_are_made_only_where_they_are_asked_for(tmp_path: Path) -> None:
    assert invalid(tmp_path).beside == ()
    assert not (tmp_path / "rates.lock").exists()
    asked = invalid(tmp_path, rules="clicks_many_campaigns=dry_run")
    assert asked.reasons(Mode.DRY_RUN) == (Discard.RATE_LIMITED,)
    assert len(asked.beside) == 1


@pytest.mark.parametrize(
    "rule",
    [Rule.UNKNOWN_AGENTS, Rule.FOREIGN_PAGE, Rule.CONSENT, Rule.RATE_LIMITED, Rule.UNMATCHED],
)
def test_each_rule_can_be_asked_for(tmp_path: Path, rule: Rule) -> None:
    asked = invalid(tmp_path, rules=f"{rule}=discard")
    assert asked.reasons(Mode.DISCARD)[-1] == REASON[rule]


def test_ones_own_are_discarded_once_some_are_named(tmp_path: Path) -> None:
    assert Discard.INTERNAL not in invalid(tmp_path).reasons(Mode.DISCARD)
    asked = invalid(tmp_path, internal_agents="LeComptoirMonitor")
    assert Discard.INTERNAL in asked.reasons(Mode.DISCARD)
    asked = invalid(tmp_path, internal_networks="192.0.2.0/24", rules="internal=dry_run")
    assert asked.reasons(Mode.DRY_RUN) == (Discard.INTERNAL,)


def test_a_rule_that_would_look_at_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="ADSERVER_INTERNAL_NETWORKS or ADSERVER_INTERNAL"):
        check_rules(Settings(rules="internal=discard"))
    check_rules(Settings(rules="internal=off"))
    check_rules(Settings(rules="internal=discard", internal_networks="192.0.2.0/24"))


def test_an_agent_that_readers_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="is in the agents of readers"):
        Settings(internal_agents="Mozilla")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_a_network_that_readers_are_in_is_refused(network: str) -> None:
    with pytest.raises(ValidationError, match="readers are in it, and none of them would count"):
        Settings(internal_networks=f"192.0.2.0/24,{network}")


def test_where_any_client_is_believed_that_is_said() -> None:
    with capture_logs() as told:
        warn_of_peers(Settings(trusted_peers="10.0.0.0/8,fc00::/7").trusted_peers)
    assert told == []
    with capture_logs() as told:
        warn_of_peers(Settings(trusted_peers="10.0.0.0/8,0.0.0.0/0,::/0").trusted_peers)
    assert [(one["event"], one["log_level"], one["trusted"]) for one in told] == [
        ("everybody_is_believed", "warning", "0.0.0.0/0"),
        ("everybody_is_believed", "warning", "::/0"),
    ]


@pytest.mark.parametrize(("word", "suspended"), [("auto", 1), ("never", 0)])
def test_rules_by_address_are_suspended_unless_all_proxies_are_known(
    tmp_path: Path, word: str, suspended: int
) -> None:
    meter = Meter()
    rules = "robots=off,rate_limited=discard"
    asked = invalid(tmp_path, meter, rules=rules, suspend_rules=word)
    scope = {"client": ("192.0.2.1", 1), "headers": [(b"x-forwarded-for", b"203.0.113.1")]}
    for serial in range(LEAST_EVENTS):
        asked.judge(scope, Ticket(1, serial, 1, 1, 1, 0, 0, 1, 1, 0), Kind.IMPRESSION)
    assert meter.gauges["address_rules_suspended"][()] == suspended


def test_a_limit_that_there_is_not_is_told() -> None:
    assert Settings(rate_limits="click.address.hour=5").rate_limits == (("click.address.hour", 5),)
    with pytest.raises(ValidationError, match="there is no limit 'clicks'"):
        Settings(rate_limits="clicks=5")

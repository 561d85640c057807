"""A real Prometheus with the rules, beside two real nodes: quiet while all is well, not after."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.scraping import Prometheus, prometheus_of
from tests.journeys.small_blog import campaign, write_blog
from tests.rules import RULE_FILES, alerts, rules
from tests.servers import Running, adserver_running, until

pytestmark = pytest.mark.usefixtures("unmeasured")

SHOWN = 5


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Running]]:
    """Two, with one store: what is joined over nodes has to be joined over more than one."""
    bookings = {"tea": campaign("top", tier="standard"), "coffee": campaign("side", state="paused")}
    config = write_blog(tmp_path / "config", ["top", "side"], bookings)
    second = tmp_path / "second"
    second.mkdir()
    with (
        adserver_running(config, tmp_path) as one,
        adserver_running(config, second, env={"ADSERVER_REDIS": one.redis}, apply=False) as other,
    ):
        yield [one, other]


@pytest.fixture
def prometheus(nodes: list[Running], tmp_path: Path) -> Iterator[Prometheus]:
    """It has seen both nodes before their traffic and after."""
    targets = [node.admin.removeprefix("http://") for node in nodes]
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with prometheus_of(folder, *targets, rules=RULE_FILES) as prometheus:
        until(lambda: len(prometheus.ask("adserver_build_info")) == len(nodes))
        for node in nodes:
            send_traffic(node)
        until(lambda: prometheus.ask('slot:adserver_decisions_sold:increase1h{slot="top"} > 0'))
        yield prometheus


def send_traffic(node: Running) -> None:
    for _ in range(SHOWN):
        decision = node.get("/decisions?slots=top").json()["decisions"][0]
        assert node.get(decision["impression_url"]).status_code == 200
        assert node.get(decision["click_url"]).status_code == 302


def states(prometheus: Prometheus) -> dict[str, str]:
    """Alert → inactive, pending (for less than its `for`) or firing."""
    return {
        rule["name"]: rule["state"] for rule in prometheus.rules() if rule["type"] == "alerting"
    }


def test_rules_are_evaluated_without_an_error_and_speak_when_a_node_leaves(
    prometheus: Prometheus, nodes: list[Running]
) -> None:
    for recorded in (rule["record"] for rule in rules() if "record" in rule):
        until(lambda recorded=recorded: prometheus.ask(recorded))
    assert until(lambda: prometheus.ask('event:adserver_events:increase1h{event="click"} > 0'))
    well = {rule["alert"]: "inactive" for rule in alerts()}
    assert states(prometheus) == well

    nodes[1].process.send_signal(signal.SIGTERM)
    nodes[1].process.wait()
    until(lambda: states(prometheus) == well | {"NodeGone": "pending"})

    evaluated = prometheus.rules()
    assert len(evaluated) == len(rules())
    assert {(rule["health"], rule.get("lastError", "")) for rule in evaluated} == {("ok", "")}

"""Settings that all nodes are to have alike, told where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.nodes import NodeState
from adserver.settings import Settings
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import async_client
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from adserver.wiring.alike import LONGEST, alike_of, warn, warn_of_differences

HERE = "web-1:8080"


def test_what_is_as_it_is_by_default_is_not_said() -> None:
    assert alike_of(Settings()) == {}
    written = "robots=discard, unmatched=off, internal=discard"
    limits = "click.address.minute=60"
    assert alike_of(Settings(ticket_life=86_400, rules=written, rate_limits=limits)) == {}


def test_what_is_not_is_said_in_one_order() -> None:
    one, other = "unmatched=discard, robots=off", "robots=off,unmatched=discard"
    said = {
        "ADSERVER_TICKET_LIFE": "3600",
        "ADSERVER_RULES": "robots=off,unmatched=discard",
        "ADSERVER_RATE_LIMITS": "campaigns.address.hour=1,click.address.minute=30",
        "ADSERVER_INTERNAL_NETWORKS": "192.0.2.0/24,2001:db8:1::/48",
        "ADSERVER_INTERNAL_AGENTS": "Kiosk*Lobby,LeComptoirMonitor",
    }
    for rules in (one, other):
        settings = Settings(
            ticket_life=3_600,
            rules=rules,
            rate_limits="click.address.minute=30, campaigns.address.hour=1",
            internal_networks="2001:db8:1::/48,192.0.2.0/24",
            internal_agents="LeComptoirMonitor,Kiosk*Lobby",
        )
        assert alike_of(settings) == said


def test_long_ones_are_cut_and_told_apart_all_the_same() -> None:
    many = [f"192.0.2.{n}/32" for n in range(100)]
    texts = [
        alike_of(Settings(internal_networks=",".join(some)))["ADSERVER_INTERNAL_NETWORKS"]
        for some in (many, many[:-1])
    ]
    assert texts[0] != texts[1]
    assert all(len(text) < LONGEST + 20 for text in texts)


def test_a_node_that_starts_says_where_it_differs(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        NodeState("web-2:8080/0", 1, 0, 0, settings={"ADSERVER_TICKET_LIFE": "3600"}),
        NodeState(f"{HERE}/0", 1, 0, 0, settings={"ADSERVER_RULES": "robots=off"}),
    ]
    warn({}, nodes, HERE)
    [line] = capsys.readouterr().out.splitlines()
    assert "settings_differ" in line
    assert "the default on web-1:8080; 3600 on web-2:8080" in line
    warn({"ADSERVER_TICKET_LIFE": "3600"}, nodes, HERE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("life", [3_600, 7_200])
async def test_what_the_others_have_is_in_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], life: int
) -> None:
    ours = Settings(ticket_life=3_600)
    theirs = alike_of(Settings(ticket_life=life))
    with Embedded(tmp_path).used(stop_if_last=True) as url:
        async with async_client(url) as connection:
            live = StoredLiveCatalog(connection, Keys(ours.namespace, 1))
            await live.report_node(NodeState("web-2:8080/0", 1, 0, 0, settings=theirs))
        warn_of_differences(ours, url, HERE)
    said = capsys.readouterr().out
    assert ("3600 on web-1:8080; 7200 on web-2:8080" in said) == (life != 3_600)
    assert ("settings_differ" in said) == (life != 3_600)


def test_a_store_that_is_away_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_differences(Settings(ticket_life=3_600), f"unix://{tmp_path}/none.sock", HERE)
    assert "settings_differ" not in capsys.readouterr().out

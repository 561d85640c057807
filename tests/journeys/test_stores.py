"""A store over the years: backed up while it serves, moved to another, and served from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, own_environment, run_command, until
from tests.topology import redis_running

pytestmark = pytest.mark.usefixtures("unmeasured")

SLOT = "top"
FIRST, SECOND = 20, 5


def show(ads: Running, times: int) -> list[str]:
    """So many impressions, counted; their beacons."""
    beacons = [
        ads.get(f"/decisions?slots={SLOT}").json()["decisions"][0]["impression_url"]
        for _ in range(times)
    ]
    assert {event(ads, beacon) for beacon in beacons} == {"accepted"}
    return beacons


def event(ads: Running, beacon: str) -> str:
    return ads.get(beacon).raise_for_status().headers["X-Ad-Event"]


def impressions(ads: Running) -> int:
    found: int = report(ads)["total"]["impressions"]
    return found


def goes_on(ads: Running, beacon: str) -> bool:
    """What was counted is there, and known for what it is when it comes again."""
    event(ads, beacon)
    made = report(ads)
    assert made["total"]["impressions"] <= FIRST + SECOND
    return made["total"]["impressions"] == FIRST + SECOND and bool(
        made["discarded"]["impression"].get("duplicate")
    )


def delivered(ads: Running, campaign: str) -> bool:
    line = f'adserver_campaign_delivered{{campaign="{campaign}",unit="impressions"}}'
    return f"{line} {FIRST + SECOND}.0" in ads.metrics()


def test_a_store_is_backed_up_while_it_serves_and_then_moved(tmp_path: Path) -> None:
    config = write_blog(tmp_path / "config", [SLOT], {"one": campaign(SLOT)})
    file = tmp_path / "one.backup"
    with adserver_running(config, tmp_path) as ads:
        old = ads.env["ADSERVER_REDIS"]
        beacons = show(ads, FIRST)
        until(lambda: impressions(ads) == FIRST)
        assert ads.cli("store", "backup", file).returncode == 0
        assert ads.cli("store", "check").returncode == 0
        for words in (
            ["restore", str(file), "--replace", "--yes"],
            ["move", "--from", old, "--to", f"embedded:{tmp_path / 'other'}"],
        ):
            refused = ads.cli("store", *words)
            assert refused.returncode == 2
            assert "serve from this store" in refused.stderr
        assert impressions(ads) == FIRST

    with redis_running() as server:
        environment = own_environment(config, tmp_path, {})
        moved = run_command(
            tmp_path, environment, "store", "move", "--from", old, "--to", server.url
        )
        assert moved.returncode == 0, moved.stderr
        for command in ("serve", "report", "apply"):
            refused = run_command(tmp_path, environment, command)
            assert refused.returncode == 2, command
            assert f"this store has moved to {server.url}" in refused.stderr
        there = {"ADSERVER_REDIS": server.url}
        with adserver_running(config, tmp_path, env=there, apply=False) as ads:
            show(ads, SECOND)
            until(lambda: goes_on(ads, beacons[0]))
            until(lambda: delivered(ads, "one"))
            assert ads.cli("store", "check").returncode == 0
        run_command(tmp_path, environment, "store", "stop")


def test_a_backup_is_served_from_where_it_was_put(tmp_path: Path) -> None:
    config = write_blog(tmp_path / "config", [SLOT], {"one": campaign(SLOT)})
    file = tmp_path / "one.backup"
    (tmp_path / "new").mkdir()
    with adserver_running(config, tmp_path) as ads:
        beacons = show(ads, FIRST)
        until(lambda: impressions(ads) == FIRST)
        assert ads.cli("store", "backup", file).returncode == 0
    environment = own_environment(config, tmp_path / "new", {})
    assert run_command(tmp_path, environment, "store", "restore", file).returncode == 0
    with adserver_running(config, tmp_path / "new", apply=False) as ads:
        show(ads, SECOND)
        until(lambda: goes_on(ads, beacons[0]))

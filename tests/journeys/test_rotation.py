"""Tickets outlive what they were made with: the signing key, the campaign, the process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, own_environment, run_command
from tests.serving.tickets import CLICKED

pytestmark = pytest.mark.usefixtures("unmeasured")

LINK = "https://shop.example/landing"
FORGED = "discarded; reason=forged"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    campaigns = {"coffee": campaign("top", link=LINK), "tea": campaign("side")}
    return write_blog(tmp_path / "config", ["top", "side"], campaigns)


@contextmanager
def signing_with(config: Path, *keys: str) -> Iterator[Running]:
    """The node, (re)started with these keys in its file; its store stays the same."""
    env = with_keys(config, *keys)
    first = not (config.parent / "var").exists()
    with adserver_running(config, config.parent, env=env, apply=first) as ads:
        yield ads


def with_keys(config: Path, *keys: str) -> dict[str, str]:
    file = config.parent / "keys"
    file.touch(0o600)
    file.write_text("\n".join(keys))
    return {"ADSERVER_SECRET_KEY": "", "ADSERVER_SECRET_KEY_FILE": str(file)}


def add_keys(config: Path, *keys: str) -> int:
    """The exit code of `adserver keys add`."""
    env = own_environment(config, config.parent, with_keys(config, *keys))
    return run_command(config.parent, env, "keys", "add").returncode


def decided(ads: Running, slot: str = "top") -> dict[str, Any]:
    decision: dict[str, Any] = ads.get(f"/decisions?slots={slot}").json()["decisions"][0]
    return decision


def check_counts(ads: Running, decision: dict[str, Any]) -> None:
    shown = ads.get(decision["impression_url"])
    assert (shown.status_code, shown.headers["x-ad-event"]) == (200, "accepted")
    clicked = ads.get(decision["click_url"])
    assert (clicked.status_code, clicked.headers["location"]) == (302, LINK)
    assert clicked.headers["x-ad-event"] in CLICKED


def check_refused(ads: Running, decision: dict[str, Any]) -> None:
    for address in (decision["impression_url"], decision["click_url"]):
        refused = ads.get(address)
        assert (refused.status_code, refused.headers["x-ad-event"]) == (404, FORGED)
        assert "location" not in refused.headers


def test_an_old_keys_tickets_count_until_the_key_is_dropped(config: Path) -> None:
    old, new = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    with signing_with(config, old) as ads:
        before, late = decided(ads), decided(ads)
    assert add_keys(config, new, old) == 0
    with signing_with(config, new, old) as ads:
        check_counts(ads, before)
        after = decided(ads)
    with signing_with(config, new) as ads:
        check_refused(ads, late)
        check_counts(ads, after)  # signed with the new key, then: the second never signs
        counted = report(ads)["total"]
    assert (counted["impressions"], counted["clicks"]) == (2, 2)


def test_the_ads_of_a_campaign_that_is_gone_still_count_and_land(config: Path) -> None:
    with adserver_running(config, config.parent) as ads:
        decision, late = decided(ads), decided(ads)
        (config / "campaigns" / "coffee.yaml").unlink()
        done = ads.cli("apply", "--yes", "--prune", "--wait")
        assert done.returncode == 0, done.stderr
        assert not decided(ads)["filled"]
        check_counts(ads, decision)
    with adserver_running(config, config.parent, apply=False) as ads:
        check_counts(ads, late)
        (row,) = report(ads, "--campaign", "coffee")["rows"]
    assert (row["served"], row["impressions"], row["clicks"], row["unmatched"]) == (2, 2, 2, 0)

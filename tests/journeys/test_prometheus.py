"""A real Prometheus scrapes a real node: what was sent is what its queries answer."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adserver.core.catalog import Flight, Goal, Pace
from adserver.core.pacing import Verdict
from tests.dashboard import dashboard_expressions
from tests.goals import sell
from tests.journeys.scraping import Prometheus, prometheus_of
from tests.journeys.small_blog import campaign, write_blog
from tests.programs import needs
from tests.servers import Running, adserver_running, own_environment, run_command, until

pytestmark = pytest.mark.usefixtures("unmeasured")

BOOKED = {"top": "coffee", "side": "tea"}
# What the requester sends; everything below is counted from these.
SLOTS = {"top": 7, "side": 5, "bottom": 4, "nope": 3}
SHOWN = {"top": 6, "side": 4}
VIEWED = 2
CLICKED = {"top": 3, "side": 1}
SHOWN_AGAIN = 2
CLICKED_AGAIN = 1
FORGED = 5
GOAL = 60
# Begun a while ago, and as soon as possible: all of it is expected by now.
FLIGHT = Flight(1_700_000_000.0, 7_000_000_000.0, "UTC")
TOKEN = "a token that these tests alone know of"


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("scraped")
    campaigns = {name: campaign(slot) for slot, name in BOOKED.items()}
    config = write_blog(tmp / "config", ["top", "side", "bottom"], campaigns)
    # Without a dry run nothing would be discarded, and there would be no series of it.
    rules = {"ADSERVER_RULES": "unknown_agents=dry_run"}
    with adserver_running(config, tmp, "--workers", "2", env=rules) as ads:
        sell(ads.redis, "coffee", goal=Goal(impressions=GOAL), flight=FLIGHT, pacing=Pace.ASAP)
        until(lambda: "adserver_campaign_verdict{" in ads.metrics())
        until(lambda: "adserver_generation 2.0" in ads.metrics())
        yield ads


@pytest.fixture(scope="module")
def prometheus(ads: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has seen the node before the traffic, and again when all of it was answered."""
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus_of(folder, ads.admin.removeprefix("http://")) as prometheus:
        until(prometheus.scraped_at)
        send_traffic(ads)
        sent = time.time()
        until(lambda: prometheus.scraped_at() > sent)
        yield prometheus


def send_traffic(ads: Running) -> None:
    for slot, count in SLOTS.items():
        for _ in range(count):
            ask(ads, f"/slots/{slot}", 404 if slot == "nope" else 200)
    for slot, count in SHOWN.items():
        shown = [decided(ads, slot) for _ in range(count)]
        clicked = shown[: CLICKED[slot]]
        again = slot == "top"
        for one in [*shown, *(shown[:SHOWN_AGAIN] if again else [])]:
            ask(ads, one["impression_url"], 200)
        for one in shown[:VIEWED]:
            ask(ads, one["viewable_url"], 200)
        for one in [*clicked, *(clicked[:CLICKED_AGAIN] if again else [])]:
            ask(ads, one["click_url"], 302)
    for _ in range(FORGED):
        ask(ads, f"/i/{'A' * 56}", 404)


def ask(ads: Running, path: str, status: int) -> httpx.Response:
    """On a connection of its own, so that it goes to any of the workers."""
    answer = ads.get(path, headers={"Connection": "close"})
    assert answer.status_code == status, answer
    return answer


def decided(ads: Running, slot: str) -> dict[str, Any]:
    decision: dict[str, Any] = ask(ads, f"/decisions?slots={slot}", 200).json()["decisions"][0]
    return decision


def test_prometheus_counts_what_was_sent(prometheus: Prometheus) -> None:
    campaigns = {(BOOKED[slot],): count for slot, count in SHOWN.items()}
    assert prometheus.table("adserver_impressions_total", "campaign") == campaigns
    viewed = {(name,): VIEWED for name in BOOKED.values()}
    assert prometheus.table("adserver_viewable_impressions_total", "campaign") == viewed
    clicked = {(slot, BOOKED[slot]): count for slot, count in CLICKED.items()}
    assert prometheus.table("adserver_clicks_total", "slot", "campaign") == clicked


def test_prometheus_counts_what_did_not_count(prometheus: Prometheus) -> None:
    labels = ("event", "slot", "reason")
    assert prometheus.table("adserver_events_discarded_total", *labels) == {
        ("impression", "top", "duplicate"): SHOWN_AGAIN,
        ("click", "top", "duplicate"): CLICKED_AGAIN,
        ("impression", "unknown", "forged"): FORGED,
    }


def test_prometheus_counts_every_decision_and_why_slots_stayed_empty(
    prometheus: Prometheus,
) -> None:
    assert prometheus.table("adserver_decisions_total", "slot", "outcome") == {
        ("top", "fill"): SLOTS["top"] + SHOWN["top"],
        ("side", "fill"): SLOTS["side"] + SHOWN["side"],
        ("bottom", "empty"): SLOTS["bottom"],
        ("unknown", "empty"): SLOTS["nope"],
    }
    assert prometheus.table("adserver_no_fill_total", "slot", "reason") == {
        ("bottom", "no_campaign"): SLOTS["bottom"],
        ("unknown", "unknown_slot"): SLOTS["nope"],
    }


def test_prometheus_counts_every_request(prometheus: Prometheus) -> None:
    labels = ("route", "code")
    assert prometheus.table("adserver_http_requests_total", *labels) == {
        ("/slots", "200"): SLOTS["top"] + SLOTS["side"] + SLOTS["bottom"],
        ("/slots", "404"): SLOTS["nope"],
        ("/decisions", "200"): sum(SHOWN.values()),
        ("/i", "200"): sum(SHOWN.values()) + SHOWN_AGAIN,
        ("/i", "404"): FORGED,
        ("/v", "200"): 2 * VIEWED,
        ("/c", "302"): sum(CLICKED.values()) + CLICKED_AGAIN,
    }


def test_the_stores_numbers_are_the_same(prometheus: Prometheus) -> None:
    """Read from the store once a second at most, so a scrape later than the others."""
    wanted = {
        **{(BOOKED[slot], "impressions"): count for slot, count in SHOWN.items()},
        **{(BOOKED[slot], "clicks"): count for slot, count in CLICKED.items()},
    }
    until(lambda: prometheus.table("adserver_campaign_delivered", "campaign", "unit") == wanted)


def test_a_goal_is_told_with_how_far_it_is_and_should_be(prometheus: Prometheus) -> None:
    assert prometheus.table("adserver_campaign_goal", "campaign", "unit") == {
        ("coffee", "impressions"): GOAL
    }
    percent = {("coffee",): 100 * SHOWN["top"] // GOAL}
    ratio = "adserver_campaign_delivered_ratio * 100"
    until(lambda: prometheus.table(ratio, "campaign") == percent)
    said = prometheus.ask("adserver_campaign_verdict == 1")
    assert [one["metric"]["verdict"] for one in said] == ["behind"]
    assert len(prometheus.ask("adserver_campaign_verdict")) == len(Verdict)
    assert prometheus.ask("adserver_campaign_expected_ratio > 0.9")


def test_every_expression_of_the_dashboard_finds_something(prometheus: Prometheus) -> None:
    until(lambda: prometheus.ask("count_over_time(up[1m]) > 2"))  # a rate needs two
    expressions = list(dashboard_expressions())
    assert expressions
    silent = [pair for pair in expressions if not prometheus.ask(pair[1])]
    assert silent == []


def test_promtool_finds_nothing_wrong_with_the_metrics(ads: Running) -> None:
    done = subprocess.run(
        [needs("promtool"), "check", "metrics"],
        input=ads.metrics(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_beyond_loopback_the_metrics_need_the_token(tmp_path: Path) -> None:
    host = own_address()
    config = write_blog(tmp_path / "config", ["top"], {"coffee": campaign("top")})
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    env = {"ADSERVER_ADMIN_HOST": "0.0.0.0", "ADSERVER_ADMIN_TOKEN_FILE": str(token)}
    with adserver_running(config, tmp_path, env=env) as ads:
        metrics = f"http://{host}:{ads.admin.rpartition(':')[2]}/metrics"
        for wrong in ({}, {"Authorization": "Bearer guess"}, {"X-Forwarded-For": "127.0.0.1"}):
            refused = httpx.get(metrics, headers=wrong)
            assert refused.status_code == 401
            assert "adserver_" not in refused.text
        answer = httpx.get(metrics, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert "adserver_build_info" in answer.text
        assert httpx.get(f"{ads.admin}/metrics").status_code == 200


def own_address() -> str:
    """This machine's address towards others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("NO NETWORK: who may read the metrics from elsewhere was not tested")
        host: str = sock.getsockname()[0]
    if host.startswith("127."):
        pytest.skip("ONLY LOOPBACK: who may read the metrics from elsewhere was not tested")
    return host


def test_serve_refuses_to_show_its_metrics_to_everybody(tmp_path: Path) -> None:
    env = own_environment(tmp_path, tmp_path, {})
    done = run_command(tmp_path, env, "serve", "--admin-host", "0.0.0.0")
    assert done.returncode == 2
    for name in ("--admin-host 0.0.0.0", "ADSERVER_ADMIN_TOKEN_FILE", "ADSERVER_ADMIN_ALLOW"):
        assert name in done.stderr
    assert not (tmp_path / "var" / "store").exists()

"""Rules against invalid traffic, set by the operator, on a real node: what counts and what does
not, and what would not, in the report and in the metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.journeys.small_blog import campaign, write_blog
from tests.servers import READER, Running, adserver_running, until

ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OFFICE = "203.0.113.7"


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("invalid")
    config = write_blog(tmp / "config", ["top"], {"tea": campaign("top")})
    env = {
        "ADSERVER_RULES": "robots=dry_run,unknown_agents=discard",
        "ADSERVER_INTERNAL_NETWORKS": "203.0.113.0/24",
        "ADSERVER_INTERNAL_AGENTS": "GazetteMonitor",
        "ADSERVER_TRUSTED_PEERS": "127.0.0.0/8",
    }
    with adserver_running(config, tmp, env=env) as running:
        yield running


def shown(ads: Running, agent: str, address: str = "198.51.100.9") -> str:
    """What becomes of an impression of an ad that this agent was given."""
    headers = {"user-agent": agent, "x-forwarded-for": address}
    page = ads.get("/slots/top", headers=headers)
    assert page.headers["x-ad-decision"].startswith("fill; campaign=tea"), "whoever asks"
    found = re.search(r"/i/[\w-]+", page.text)
    assert found
    answer = ads.get(found[0], headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    return answer.headers["x-ad-event"]


def test_each_event_is_judged_by_the_rules_that_were_set(ads: Running) -> None:
    assert shown(ads, READER) == "accepted"
    assert shown(ads, ROBOT) == "accepted", "tried only"
    assert shown(ads, "") == "discarded; reason=bot"
    assert shown(ads, "GazetteMonitor/2 (Linux)") == "discarded; reason=internal"
    assert shown(ads, READER, OFFICE) == "discarded; reason=internal"

    def reported() -> dict:
        return json.loads(ads.cli("report", "--format", "json").stdout)

    until(lambda: reported()["total"]["gross"] == 5)
    made = reported()
    assert made["total"]["served"] == 5
    assert made["total"]["impressions"] == 2
    assert made["discarded"]["impression"] == {"internal": 2, "bot": 1}
    assert made["dry_run"] == {"impression": {"bot": 1}, "click": {}}
    metrics = ads.metrics()
    label = '{event="impression",reason="bot",slot="top"}'
    assert f"adserver_events_would_discard_total{label} 1.0" in metrics
    assert f"adserver_events_discarded_total{label} 1.0" in metrics
    assert re.search(r'^adserver_robots_list_info\{version="[0-9.]+"\} 1.0$', metrics, re.MULTILINE)

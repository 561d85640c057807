"""`adserver status` as a table and as JSON."""

from __future__ import annotations

import orjson

from adserver.core.catalog import Flight, Goal
from adserver.core.events import Metric
from adserver.core.ports import NodeState
from tests.cli.command import adserver
from tests.factories import NOW, ZONE, MemoryStore, campaign, catalog, row, store

DAY = 86_400


def busy() -> MemoryStore:
    memory = store(catalog())
    memory.clock = NOW
    memory.counted = [
        row(Metric.IMPRESSION, 1_234),
        row(Metric.IMPRESSION, 1, hour=int(NOW) - 3 * DAY),
        row(Metric.REQUEST, 2_000),
        row(Metric.NO_FILL, 500, reason="no_campaign"),
        row(Metric.REQUEST, 7, hour=int(NOW) - 3 * DAY),
    ]
    memory.workers = [
        NodeState("web-1", 1, since=NOW, seen_at=NOW),
        NodeState("web-2", 0, since=NOW, seen_at=NOW),
        NodeState("gone", 1, since=NOW, seen_at=NOW - DAY),
    ]
    return memory


def test_json_is_as_documented():
    assert orjson.loads(adserver("status", "--format", "json", store=busy()).stdout) == {
        "generation": 1,
        "campaigns": [
            {
                "campaign": "brulerie",
                "state": "running",
                "delivered": 1_235,
                "expected": None,
                "goal": None,
                "unit": "impressions",
                "verdict": "running",
            }
        ],
        "slots": [
            {
                "slot": "post-top",
                "requests": 2_000,
                "fill": 0.75,
                "reasons": {"no_campaign": 500},
            }
        ],
    }


def test_text_tells_the_generation_campaigns_slots_and_nodes():
    shown = adserver("status", store=busy()).stdout
    assert "Generation 1, applied 0 s ago by ana@blog" in shown
    assert "brulerie  running      1,235                  impressions  running" in shown
    assert "post-top        2,000  75.0%  no_campaign 500" in shown
    assert "web-1           1\n" in shown
    assert "web-2           0  behind" in shown
    assert "gone" not in shown


def test_a_goal_is_told_beside_what_is_expected_by_now():
    """Half of its flight is over, and all of its days are alike."""
    begin = NOW - 10 * DAY
    sold = campaign(
        "sold", goal=Goal(impressions=2_400), flight=Flight(begin, begin + 20 * DAY, ZONE)
    )
    memory = store(catalog(sold))
    memory.traffic.learn(lambda hour: 100, 28)
    memory.counted = [row(Metric.IMPRESSION, 700)]
    (told,) = orjson.loads(adserver("status", "--format", "json", store=memory).stdout)["campaigns"]
    assert told == {
        "campaign": "sold",
        "state": "running",
        "delivered": 700,
        "expected": 1_200,
        "goal": 2_400,
        "unit": "impressions",
        "verdict": "behind",
    }
    shown = adserver("status", store=memory).stdout
    assert "sold      running        700     1,200  2,400  impressions  behind" in shown


def test_before_anything_is_live_it_says_what_to_do():
    result = adserver("status", store=store())
    assert result.exit_code == 0
    assert "adserver apply" in result.stdout
    answer = orjson.loads(adserver("status", "--format", "json", store=store()).stdout)
    assert answer == {"generation": 0, "campaigns": [], "slots": []}

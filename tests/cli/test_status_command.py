"""`adserver status` as a table and as JSON."""

from __future__ import annotations

import orjson
import pytest

from adserver.core.catalog import Flight, Goal
from adserver.core.events import Metric
from adserver.core.nodes import NodeState
from adserver.core.pauses import Pause, Target
from tests.cli.command import adserver
from tests.factories import NOW, ZONE, campaign, catalog, row, text_creative
from tests.memory import MemoryStore, store

DAY = 86_400
CONTRACT = ("campaign", "state", "delivered", "expected", "goal", "unit", "verdict")


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
                "advertiser": "Brûlerie du Port",
                "tier": "standard",
                "today": 1_234,
                "max_per_day": None,
                "max_total": None,
                "impressions": 1_235,
                "clicks": 0,
                "ctr": 0.0,
                "days_left": None,
                "paused": None,
                "paused_parts": [],
            }
        ],
        "slots": [
            {
                "slot": "post-top",
                "requests": 2_000,
                "fill": 0.75,
                "reasons": {"no_campaign": 500},
                "gross": 1_234,
                "repeated": 0,
                "looks_cached": False,
                "discarded": {},
                "paused": None,
            }
        ],
        "pauses": [],
        "nodes": [
            {"name": "web-1", "generation": 1, "ahead": 0.0, "remark": ""},
            {"name": "web-2", "generation": 0, "ahead": 0.0, "remark": "behind"},
        ],
        "differs": [],
    }


def test_text_tells_the_generation_campaigns_slots_and_nodes():
    shown = adserver("status", store=busy()).stdout
    assert "Generation 1, applied 0 s ago by ana@blog" in shown
    assert "brulerie  running      1,235                  impressions  running" in shown
    assert "post-top        2,000  75.0%  no_campaign 500" in shown
    assert "web-1           1\n" in shown
    assert "web-2           0  behind" in shown
    assert "gone" not in shown


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (-172_800.0, "its clock is 2 d behind the store's: set it right"),
        (11.0, "its clock is 11 s ahead of the store's: set it right"),
        (9.9, ""),
        (0.0, ""),
    ],
)
def test_a_node_whose_clock_is_wrong_is_named(ahead: float, said: str):
    memory = busy()
    memory.workers = [
        NodeState("web-1", 1, NOW, NOW, ahead=ahead),
        NodeState("web-2", 0, NOW, NOW, ahead=-172_800.0),
    ]
    lines = adserver("status", store=memory).stdout.splitlines()
    assert [line for line in lines if line.startswith("web-")] == [
        f"web-1           1  {said}".rstrip(),
        "web-2           0  behind, its clock is 2 d behind the store's: set it right",
    ]


def test_two_machines_of_one_name_are_told():
    memory = busy()
    memory.workers = [NodeState("web:8080~4f2a/0", 1, NOW, NOW, start="4f2a")]
    assert "another machine has its name and port" in adserver("status", store=memory).stdout


def test_settings_that_nodes_do_not_have_alike_are_told():
    memory = busy()
    memory.workers = [
        NodeState("web-1:8080/0", 1, NOW, NOW, settings={"ADSERVER_TICKET_LIFE": "3600"}),
        NodeState("web-2:8080/0", 1, NOW, NOW),
        NodeState("gone:8080/0", 1, NOW, NOW - DAY, settings={"ADSERVER_RULES": "robots=off"}),
    ]
    shown = adserver("status", store=memory).stdout
    [line] = [line for line in shown.splitlines() if "differs" in line]
    assert line.startswith("ADSERVER_TICKET_LIFE differs, so that what counts depends on")
    assert "3600 on web-1:8080; the default on web-2:8080." in line
    assert "differs" not in adserver("status", store=busy()).stdout
    answer = orjson.loads(adserver("status", "--format", "json", store=memory).stdout)
    assert answer["differs"] == [
        {
            "setting": "ADSERVER_TICKET_LIFE",
            "nodes": {"3600": ["web-1:8080"], "": ["web-2:8080"]},
        }
    ]


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
    assert {name: told[name] for name in (*CONTRACT, "days_left")} == {
        "campaign": "sold",
        "state": "running",
        "delivered": 700,
        "expected": 1_200,
        "goal": 2_400,
        "unit": "impressions",
        "verdict": "behind",
        "days_left": 10.0,
    }
    shown = adserver("status", store=memory).stdout
    assert "sold      running        700     1,200  2,400  impressions  behind" in shown


def test_before_anything_is_live_it_says_what_to_do():
    result = adserver("status", store=store())
    assert result.exit_code == 0
    assert "adserver apply" in result.stdout
    answer = orjson.loads(adserver("status", "--format", "json", store=store()).stdout)
    assert answer.pop("generation") == 0
    assert answer == {key: [] for key in ("campaigns", "slots", "pauses", "nodes", "differs")}


def test_what_is_paused_is_told_first_and_in_its_line():
    memory = busy()
    for text in ("advertiser:Brûlerie du Port", "slot:post-top"):
        target = Target.read(text)
        memory.pauses.kept[target] = Pause(target, NOW - 60, NOW + 2 * DAY, "ana@desk", "complaint")
    lines = adserver("status", store=memory).stdout.splitlines()
    held = "by ana@desk, since 09:59, until Wed 4 Nov 10:00: complaint"
    assert lines[1:3] == [
        f"Paused: advertiser:Brûlerie du Port, {held}",
        f"Paused: slot:post-top, {held}",
    ]
    [line] = [line for line in lines if line.startswith("brulerie")]
    assert " paused " in line
    assert line.endswith(f"paused: advertiser:Brûlerie du Port, {held}")
    answer = orjson.loads(adserver("status", "--format", "json", store=memory).stdout)
    expected = {
        "target": "advertiser:Brûlerie du Port",
        "since": "2026-11-02T09:59:00+01:00",
        "until": "2026-11-04T10:00:00+01:00",
        "by": "ana@desk",
        "message": "complaint",
    }
    assert answer["campaigns"][0]["paused"] == answer["pauses"][0] == expected
    assert answer["slots"][0]["paused"]["target"] == "slot:post-top"


def test_what_is_paused_of_a_campaign_that_goes_on_is_in_its_line():
    memory = store(catalog(campaign(creatives=(text_creative("x"), text_creative("y")))))
    target = Target.read("brulerie/x")
    memory.pauses.kept[target] = Pause(target, NOW - 60, None, "ana@desk")
    assert "  without brulerie/x\n" in adserver("status", store=memory).stdout


def test_what_was_discarded_in_a_day_is_told_with_its_reasons():
    memory = store(catalog())
    memory.counted = [
        row(Metric.IMPRESSION, 900, hour=int(NOW) - 3_600),
        row(Metric.IMPRESSION, 80, hour=int(NOW) - 3_600, reason="bot"),
        row(Metric.IMPRESSION, 20, hour=int(NOW) - 3_600, reason="internal"),
        row(Metric.WOULD_IMPRESSION, 500, hour=int(NOW) - 3_600, reason="rate_limited"),
    ]
    shown = adserver("status", store=memory).stdout
    said = "Discarded (24 h): 10.0% of 1,000 impressions (bot 8.0%, internal 2.0%)"
    assert said in shown.splitlines()
    memory.counted = memory.counted[:1]
    assert "Discarded" not in adserver("status", store=memory).stdout


def test_a_slot_whose_pages_look_cached_is_told_with_where_to_read_on():
    memory = busy()
    memory.counted.append(row(Metric.IMPRESSION, 900, reason="duplicate"))
    shown = adserver("status", store=memory).stdout
    assert "post-top looks cached: more than a fifth" in shown
    assert "slots.md#cached-pages" in shown


def test_a_slot_says_its_three_commonest_reasons_and_how_many_more_there_are():
    memory = busy()
    reasons = ("paused", "ended", "draft", "off_hours")
    memory.counted += [row(Metric.NO_FILL, n, reason=reason) for n, reason in enumerate(reasons, 1)]
    shown = adserver("status", store=memory).stdout
    assert "no_campaign 500, off_hours 4, draft 3, 2 more\n" in shown


@pytest.mark.parametrize("words", [["--watch"], ["--watch", "5"], ["--watch", "--format", "json"]])
def test_there_is_nothing_to_watch_without_a_terminal(words: list[str]):
    result = adserver("status", *words, store=busy())
    assert result.exit_code == 2
    assert "--watch is for a terminal" in result.stderr

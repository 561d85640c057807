"""`adserver available`: a number with a range, who has the rest, or why nothing can be said."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from adserver.core.catalog import Campaign, Clause, ContextKey, Device, Flight, Goal, Tier
from adserver.core.context import Context
from adserver.core.events import Metric
from adserver.core.samples import Sample
from tests.cli.command import adserver
from tests.factories import NOW, ZONE, campaign, catalog, row, site, slot
from tests.memory import MemoryStore, store

DECEMBER = ("--first-day", "2026-12-01", "--last-day", "2026-12-31")
SITE = site(context=(ContextKey("section", one_of=("tech", "culture")), ContextKey("tags")))
# 1 to 31 December in Paris.
IN_DECEMBER = Flight(1_796_079_600.0, 1_798_758_000.0, ZONE)


def goal(name: str, impressions: int, **changes: Any) -> Campaign:
    return campaign(name, goal=Goal(impressions=impressions), flight=IN_DECEMBER, **changes)


def known(*campaigns: Campaign, days: int = 56, samples: int = 200) -> MemoryStore:
    """Four thousand requests a day, a quarter of them of section tech."""
    memory = store(catalog(*campaigns, site=SITE, slots=(slot(), slot("post-bottom"))))
    memory.traffic.learn(lambda hour: 250 if hour >= 8 else 0, days)
    memory.samples.by_slot[1] = [
        Sample(
            Context(
                site="blog",
                url=f"https://blog.example/{n % 2}/a",
                device=Device.MOBILE if n % 2 else Device.DESKTOP,
                facts=(("section", ("tech" if n % 4 == 0 else "culture",)),),
            ),
            100.0,
        )
        for n in range(samples)
    ]
    return memory


def asked(memory: MemoryStore, *words: str) -> dict[str, Any]:
    result = adserver("available", "post-top", *words, "--format", "json", store=memory)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


def test_json_is_as_documented():
    answer = asked(known(goal("sold", 62_000)), *DECEMBER, "section=tech")
    assert answer.pop("low") < answer["available"] < answer.pop("high")
    assert answer == {
        "slot": "post-top",
        "first_day": "2026-12-01",
        "last_day": "2026-12-31",
        "targeting": {"section": ["tech"]},
        "available": pytest.approx(31_000 - 15_500, rel=0.02),
        "unit": "impressions",
        "requests": pytest.approx(124_000, rel=0.01),
        "share": 0.25,
        "supply": pytest.approx(31_000, rel=0.01),
        "shown": 1.0,
        "days": 56,
        "samples": 200,
        "competing": [
            {
                "campaign": "sold",
                "tier": "standard",
                "state": "ready",
                "takes": pytest.approx(15_500, rel=0.01),
            }
        ],
        "problem": "",
        "warnings": [],
    }


def test_can_i_sell_120_000_in_december():
    answer = asked(known(), *DECEMBER)
    assert answer["low"] < 120_000 < answer["available"], "perhaps, and not for sure"
    assert asked(known(goal("sold", 62_000)), *DECEMBER)["available"] == pytest.approx(
        62_000, rel=0.02
    )


def test_without_days_it_is_the_next_thirty():
    answer = asked(known())
    assert (answer["first_day"], answer["last_day"]) == ("2026-11-02", "2026-12-01")
    assert answer["requests"] == pytest.approx(29.75 * 4_000, rel=0.01), "since ten o'clock"
    later = asked(known(), "--first-day", "2026-12-30")
    assert later["last_day"] == "2027-01-28"


def test_what_is_delivered_and_what_is_not_shown_counts():
    memory = known(goal("sold", 62_000))
    memory.counted = [row(Metric.SERVED, 40_000), row(Metric.IMPRESSION, 31_000)]
    answer = asked(memory, *DECEMBER)
    assert answer["shown"] == 0.775
    assert answer["competing"][0]["takes"] == pytest.approx(31_000, rel=0.01)
    assert answer["available"] == pytest.approx(124_000 * 0.775 - 31_000, rel=0.01)


def test_a_goal_in_clicks_needs_as_many_impressions_as_its_clicks_have_cost():
    clicks = campaign("clicks", goal=Goal(clicks=310), flight=IN_DECEMBER)
    memory = known(clicks)
    memory.counted = [
        row(Metric.SERVED, 31_000),
        row(Metric.IMPRESSION, 31_000),
        row(Metric.CLICK, 155),
    ]
    assert asked(memory, *DECEMBER)["competing"][0]["takes"] == pytest.approx(31_000, rel=0.01)
    memory.counted = []
    [takes] = [one["takes"] for one in asked(memory, *DECEMBER)["competing"]]
    assert takes == pytest.approx(124_000, rel=0.01), "nobody knows, so all it may have"


def test_several_values_mean_any_and_patterns_are_patterns():
    memory = known()
    assert asked(memory, "section=tech,culture")["share"] == 1
    assert asked(memory, "section=tech", "section=culture")["share"] == 1
    assert asked(memory, "url=/0/*", "device=desktop")["share"] == 0.5
    assert asked(memory, "device=mobile", "section=tech")["share"] == 0


def test_a_fact_that_no_sample_has_is_pointed_out():
    result = adserver("available", "post-top", "country=FR", store=known())
    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: none of the 200 samples has a country")


def test_a_slot_of_another_competitor_is_part_of_its_supply():
    memory = known(goal("sold", 62_000, targeting=(Clause("section", any=("tech",)),)))
    memory.traffic.histories[2] = memory.traffic.histories[1]
    memory.samples.by_slot[2] = memory.samples.by_slot[1]
    assert asked(memory, *DECEMBER)["competing"][0]["takes"] == pytest.approx(31_000, rel=0.05)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (0, "less than a day of post-top is counted; a forecast needs 7 days"),
        (1, "only 1 day of post-top is counted; a forecast needs 7 days"),
        (3, "only 3 days of post-top are counted; a forecast needs 7 days"),
    ],
)
def test_a_history_that_is_too_short_is_said_so(days: int, told: str):
    memory = known(days=days)
    result = adserver("available", "post-top", store=memory)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {told}.\n")
    as_json = adserver("available", "post-top", "--format", "json", store=memory)
    answer = orjson.loads(as_json.stdout)
    assert as_json.exit_code == 1
    assert answer["problem"] == told
    assert {answer[key] for key in ("available", "low", "high", "requests", "share")} == {None}


def test_too_few_samples_say_nothing_of_a_targeting():
    memory = known(samples=29)
    assert asked(memory, *DECEMBER)["available"] > 0
    result = adserver("available", "post-top", "section=tech", store=memory)
    assert result.exit_code == 1
    assert "only 29 requests of post-top were sampled" in result.stderr


def test_without_any_sample_competitors_are_taken_to_want_everything():
    memory = known(goal("sold", 62_000, targeting=(Clause("country", any=("FR",)),)), samples=0)
    answer = asked(memory, *DECEMBER)
    assert answer["competing"][0]["takes"] == pytest.approx(62_000, rel=0.01)
    [warning] = answer["warnings"]
    assert warning.startswith("no requests were sampled")


def test_text_is_for_whoever_sells():
    sold = known(
        goal("sold", 62_000),
        campaign("sponsor", tier=Tier.SPONSORSHIP, goal=Goal(share=0.1), flight=IN_DECEMBER),
        campaign("weights"),
    )
    lines = adserver("available", "post-top", *DECEMBER, "section=tech", store=sold).stdout
    head, _, number, _, how, _, *table = lines.splitlines()
    assert head == "post-top, 2026-12-01 to 2026-12-31, section tech"
    assert number.startswith("12,3")
    assert " impressions can be sold; in eight cases of ten it is " in number
    assert " requests x 25.0% wanted x 100.0% shown, by 56 days and 200 samples." in how
    assert [line.split()[:2] for line in table] == [
        ["campaign", "tier"],
        ["sold", "standard"],
        ["sponsor", "sponsorship"],
        ["weights", "standard"],
    ]
    assert table[-1].endswith("what is left")


def test_of_a_single_day_without_competitors_the_text_is_short():
    day = ("--first-day", "2026-12-01", "--last-day", "2026-12-01")
    lines = adserver("available", "post-top", *day, store=known(campaign(slots=("none",)))).stdout
    assert lines.startswith("post-top, 2026-12-01\n")
    assert lines.endswith("No campaign competes for them.\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--first-day", "soon"), "--first-day: 'soon' is not a day; write 2026-12-01"),
        (("--last-day", "2026-11-01", "--first-day", "2026-10-31"), "is over"),
        (("--last-day", "2026-11-02", "--first-day", "2026-11-03"), "lies before"),
        (("--last-day", "2027-12-01"), "at most 366 days"),
        (("section",), "'section' is not KEY=VALUE"),
        (("sektion=tech",), "unknown key `targeting.sektion`; did you mean `section`?"),
        (("section=sport",), "no page can have `sport`"),
        (("device=phone",), "no page can have `phone`"),
        (("section=",), "expected a list of values"),
    ],
)
def test_what_cannot_be_asked_is_a_matter_of_usage(words: tuple[str, ...], told: str):
    result = adserver("available", "post-top", *words, store=known())
    assert result.exit_code == 2
    assert told in result.stderr


def test_an_unknown_slot_is_told_with_the_nearest():
    result = adserver("available", "post-tpo", store=known())
    assert result.exit_code == 1
    assert result.stderr == "Error: there is no slot 'post-tpo'.\nDid you mean 'post-top'?\n"


def test_before_anything_is_live_it_says_what_to_do():
    result = adserver("available", "post-top", store=store())
    assert result.exit_code == 1
    assert "adserver apply" in result.stderr


def test_a_day_in_which_nobody_served_is_no_slump():
    memory = known()
    steady = asked(memory, *DECEMBER)
    for begin in list(memory.traffic.hours):
        if NOW - 20 * 86_400 < begin < NOW - 18 * 86_400:
            del memory.traffic.hours[begin]
    gap = asked(memory, *DECEMBER)
    assert gap["high"] - gap["low"] < 1.6 * (steady["high"] - steady["low"])

"""`adserver why` as a table and as JSON."""

from __future__ import annotations

from dataclasses import replace

import orjson

from adserver.core.catalog import ContextKey, Flight, Frequency, Goal, Period, State, Tier
from adserver.core.events import Metric
from adserver.core.pauses import Pause, Target
from adserver.core.ports.commands import Reserved
from tests.cli.command import adserver
from tests.factories import NOW, ZONE, campaign, catalog, image_creative, row
from tests.memory import store

TWO = catalog(campaign("a"), campaign("b", creatives=(image_creative(),)))


def asked(*words: str) -> dict[str, object]:
    result = adserver("why", *words, "--format", "json", store=store(TWO))
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_json_is_as_documented():
    assert asked("post-top", "device=mobile") == {
        "slot": "post-top",
        "at": "2026-11-02T10:00:00+01:00",
        "candidates": [
            {
                "campaign": "a",
                "tier": "standard",
                "reason": "won",
                "detail": "nobody else in its tier",
                "probability": 1.0,
            },
            {
                "campaign": "b",
                "tier": "standard",
                "reason": "wrong_size",
                "detail": "no creative for mobile 320x100",
                "probability": 0.0,
            },
        ],
    }


def test_the_time_may_be_another_one_of_the_sites_zone():
    assert asked("post-top", "--at", "2026-07-01T09:00")["at"] == "2026-07-01T09:00:00+02:00"


def test_one_campaign_may_be_asked_about():
    assert [c["campaign"] for c in asked("post-top", "--campaign", "b")["candidates"]] == ["b"]


def test_campaigns_of_the_page_may_be_excluded():
    reasons = {c["campaign"]: c["reason"] for c in asked("post-top", "exclude=a,c")["candidates"]}
    assert reasons == {"a": "excluded", "b": "won"}


def test_campaigns_may_have_been_seen_to_their_cap_where_they_have_one():
    often = campaign("a", frequency=Frequency(3, Period.DAY))
    live = store(catalog(often, campaign("b")))
    words = ("why", "post-top", "capped=a,b", "capped=gone", "--format", "json")
    result = adserver(*words, store=live)
    reasons = {c["campaign"]: c["reason"] for c in orjson.loads(result.stdout)["candidates"]}
    assert reasons == {"a": "frequency", "b": "won"}
    ignored = [line.split(" is ")[0] for line in result.stderr.splitlines()]
    assert ignored == ["Warning: capped=b", "Warning: capped=gone"]


def test_a_draw_is_one_of_those_that_a_page_might_have():
    reasons = [c["reason"] for c in asked("post-top", "--draw")["candidates"]]
    assert reasons == ["won", "lost_draw"]


def test_text_is_a_table():
    shown = adserver("why", "post-top", store=store(TWO)).stdout
    assert shown.startswith("post-top on desktop at 2026-11-02T10:00:00+01:00\n")
    assert "a         standard  won              50.0%  weight 1 of 2" in shown


def test_a_slot_without_candidates_says_so():
    empty = catalog(campaign(slots=("elsewhere",)))
    assert "no_campaign" in adserver("why", "post-top", store=store(empty)).stdout


def test_keys_that_nothing_uses_are_named_and_ignored():
    result = adserver("why", "post-top", "section=tech", store=store(TWO))
    assert result.exit_code == 0
    assert "'section' is ignored" in result.stderr


def test_values_that_no_page_can_have_are_named_with_those_that_there_are():
    keys = (ContextKey("section", ("tech", "sports")), ContextKey("tags"))
    live = store(catalog(*TWO.campaigns, site=replace(TWO.site, context=keys)))
    words = ("section=sport,Tech,zzz", "tags=anything", "country=FRA")
    result = adserver("why", "post-top", *words, store=live)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "Warning: section=sport is ignored, as site.yaml does not declare it: "
        "did you mean `sports`?",
        "Warning: section=zzz is ignored, as site.yaml does not declare it: "
        "there are `tech`, `sports`",
        "Warning: some values are ignored: unusable_value.",
    ]


def test_an_unknown_slot_is_told_with_the_nearest():
    result = adserver("why", "post-tpo", store=store(TWO))
    assert result.exit_code == 1
    assert result.stderr == "Error: there is no slot 'post-tpo'.\nDid you mean 'post-top'?\n"


def test_a_campaign_that_is_not_booked_here_is_a_problem():
    elsewhere = catalog(campaign("a"), campaign("b", slots=("elsewhere",)))
    result = adserver("why", "post-top", "--campaign", "b", store=store(elsewhere))
    assert result.exit_code == 1
    assert "not booked" in result.stderr


def test_what_cannot_be_read_is_a_matter_of_usage():
    for words in (["device=phone"], ["section"], ["--at", "tomorrow"]):
        assert adserver("why", "post-top", *words, store=store(TWO)).exit_code == 2


def test_before_anything_is_live_it_says_what_to_do():
    result = adserver("why", "post-top", store=store())
    assert result.exit_code == 1
    assert "adserver apply" in result.stderr


def test_how_far_campaigns_are_and_their_rates_are_those_of_now():
    month = Flight(NOW - 14 * 86_400, NOW + 14 * 86_400, ZONE)
    sold = campaign("a", goal=Goal(impressions=40_320), flight=month)
    full = campaign("b", goal=Goal(impressions=1_000))
    live = store(catalog(sold, full))
    live.traffic.learn(lambda hour: 120, days=28)
    live.counted = [row(Metric.IMPRESSION, 20_160), row(Metric.IMPRESSION, 990, creative=2)]
    live.leases.kept = {2: Reserved(10)}
    result = adserver("why", "post-top", "--format", "json", store=live)
    assert result.exit_code == 0, result.output
    first, second = orjson.loads(result.stdout)["candidates"]
    assert (first["campaign"], first["reason"]) == ("a", "won")
    assert 0.5 < first["probability"] < 0.8
    assert first["detail"].startswith("rate ")
    assert ": 20,160 of 40,320 delivered, 20,160 due by now; 20,160 left of " in first["detail"]
    assert (second["reason"], second["detail"]) == (
        "goal_met",
        "990 of 1,000 delivered, 10 on their way",
    )


def paused(memory, *targets: str, until: float | None = None) -> None:
    for text in targets:
        target = Target.read(text)
        memory.pauses.kept[target] = Pause(target, NOW - 3_600, until, "ana@desk", "réclamation")


def test_who_has_paused_a_campaign_and_why_is_told():
    memory = store(catalog(campaign("a"), campaign("b"), campaign("c", state=State.PAUSED)))
    paused(memory, "a")
    paused(memory, "advertiser:Brûlerie du Port", until=NOW + 7_200)
    result = adserver("why", "post-top", "--format", "json", store=memory)
    details = {
        c["campaign"]: (c["reason"], c["detail"]) for c in orjson.loads(result.stdout)["candidates"]
    }
    house = (
        "`advertiser:Brûlerie du Port` is paused by ana@desk, Mon 2 Nov 09:00 (Paris), until Mon "
        "2 Nov 12:00 (Paris): réclamation"
    )
    own = "`a` is paused by ana@desk, Mon 2 Nov 09:00 (Paris): réclamation"
    assert details == {
        "a": ("paused", f"{own}; {house}"),
        "b": ("paused", house),
        "c": ("paused", "its file says `state: paused`"),
    }
    later = adserver(
        "why", "post-top", "--at", "2026-11-02T12:00", "--format", "json", store=memory
    )
    reasons = {c["campaign"]: c["reason"] for c in orjson.loads(later.stdout)["candidates"]}
    assert reasons == {"a": "paused", "b": "won", "c": "paused"}


def test_goals_are_explained_by_the_rates_without_what_is_paused():
    """As workers reckon: of the requests that a sponsor leaves who is not there."""
    begin = NOW - 10 * 86_400
    flight = Flight(begin, begin + 20 * 86_400, ZONE)
    sponsor = campaign("sponsor", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    memory = store(catalog(campaign("sold", goal=Goal(impressions=2_400), flight=flight), sponsor))
    memory.traffic.learn(lambda hour: 100, 28)

    def rate() -> str:
        result = adserver("why", "post-top", "--campaign", "sold", "--format", "json", store=memory)
        return orjson.loads(result.stdout)["candidates"][0]["detail"]

    before = rate()
    paused(memory, "sponsor")
    assert "left of 24,000 requests" in rate()
    assert "left of 12,000 requests" in before

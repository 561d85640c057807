"""How campaigns and slots are doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace

from adserver.core.bought import delivered_by_unit
from adserver.core.catalog import Campaign, Flight, Goal, Hours, Slot, State, Tier
from adserver.core.events import Metric, Row
from adserver.core.goals import limits_of
from adserver.core.leases import Grant, Room
from adserver.core.outlook import Outlook
from adserver.core.pacing import Verdict
from adserver.core.pauses import Pause, Target
from adserver.publishing.status import CampaignStatus, Known, Status, status
from tests.factories import (
    NOW,
    ZONE,
    campaign,
    catalog,
    delivered,
    generation,
    numbers,
    row,
    slot,
    text_creative,
)

HOUR = 3_600
DAY = 24 * HOUR
WEEKDAYS = (0, 1, 2, 3, 4)


def made(
    *campaigns: Campaign,
    rows: tuple[Row, ...] = (),
    outlooks: Mapping[str, Outlook] | None = None,
    pauses: Sequence[Pause] = (),
    rooms: Mapping[str, Room] | None = None,
    slots: tuple[Slot, ...] = (slot(),),
) -> Status:
    live = generation(catalog(*campaigns, slots=slots), number=7)
    by_unit = delivered_by_unit(live.numbers, delivered(rows))
    return status(Known(live, by_unit, outlooks or {}, rows, tuple(pauses), rooms or {}), NOW)


def plain(told: CampaignStatus) -> tuple[object, ...]:
    return astuple(told)[:7]


def judged(one: Campaign, outlook: Outlook, *rows: Row) -> CampaignStatus:
    (told,) = made(one, rows=rows, outlooks={one.name: outlook}).campaigns
    return told


def only(one: Campaign, *rows: Row) -> CampaignStatus:
    (told,) = made(one, rows=rows).campaigns
    return told


def words(one: Campaign, *rows: Row) -> tuple[str, str]:
    told = only(one, *rows)
    return told.state, told.verdict


def flight(since: float | None = None, until: float | None = None) -> Flight:
    return Flight(since, until, ZONE)


def test_a_campaign_that_shows_is_running():
    told = only(campaign(), row(Metric.IMPRESSION, 12), row(Metric.IMPRESSION, 3, reason="bot"))
    assert plain(told) == ("brulerie", "running", 12, None, None, "impressions", "running")


def test_a_goal_says_how_far_it_is_and_should_be():
    sold = campaign(goal=Goal(impressions=1_000))
    told = judged(sold, Outlook(300, Verdict.BEHIND), row(Metric.IMPRESSION, 200))
    assert plain(told) == ("brulerie", "running", 200, 300, 1_000, "impressions", "behind")


def test_a_goal_in_clicks_counts_clicks():
    sold = campaign(goal=Goal(clicks=50))
    rows = (row(Metric.IMPRESSION, 200), row(Metric.CLICK, 12))
    told = judged(sold, Outlook(10, Verdict.ON_COURSE), *rows)
    assert plain(told) == ("brulerie", "running", 12, 10, 50, "clicks", "on course")


def test_a_goal_that_is_off_its_hours_or_over_is_judged_and_a_paused_one_is_paused():
    goal = Goal(impressions=1_000)
    over = judged(campaign(goal=goal, flight=flight(until=NOW)), Outlook(1_000, Verdict.SHORT))
    assert (over.state, over.verdict) == ("ended", "ended short")
    evenings = campaign(goal=goal, hours=(Hours(WEEKDAYS, 18 * 60, 20 * 60),))
    closed = judged(evenings, Outlook(10, Verdict.AHEAD))
    assert (closed.state, closed.verdict) == ("off_hours", "ahead")
    paused = judged(campaign(goal=goal, state=State.PAUSED), Outlook(10, Verdict.BEHIND))
    assert (paused.state, paused.expected, paused.verdict) == ("paused", 10, "paused")
    to_come = campaign(goal=goal, flight=flight(since=NOW + DAY))
    assert judged(to_come, Outlook(0, Verdict.NOT_STARTED)).verdict == "starts 3 Nov"


def test_a_goal_of_which_nothing_can_be_said_is_as_any_campaign():
    told = judged(campaign(goal=Goal(impressions=9)), Outlook(None, None))
    assert (told.goal, told.expected, told.verdict) == (9, None, "no impression yet")


def test_a_campaign_that_might_show_and_never_did_says_so():
    assert words(campaign()) == ("running", "no impression yet")


def test_a_campaign_to_come_says_when():
    assert words(campaign(flight=flight(since=NOW + DAY))) == ("not_started", "starts 3 Nov")


def test_a_campaign_that_is_over_has_ended():
    assert words(campaign(flight=flight(until=NOW))) == ("ended", "ended")


def test_a_draft_is_a_draft_and_a_paused_campaign_paused():
    assert words(campaign(state=State.DRAFT)) == ("draft", "draft")
    assert words(campaign(state=State.PAUSED)) == ("paused", "paused")


def test_off_its_hours_a_campaign_says_when_it_is_back():
    evenings = campaign(hours=(Hours(WEEKDAYS, 18 * 60, 20 * 60),))
    assert words(evenings) == ("off_hours", "off hours until 18:00")
    tuesdays = campaign(hours=(Hours((1,), 18 * 60, 20 * 60),))
    assert words(tuesdays) == ("off_hours", "off hours until Tue 18:00")


def test_hours_that_come_only_after_the_flight_are_no_hours():
    over = campaign(hours=(Hours((1,), 0, 60),), flight=flight(until=NOW + HOUR))
    assert words(over) == ("off_hours", "off hours to its end")


def test_a_house_campaign_that_no_slot_takes_says_why_it_never_shows():
    state, verdict = words(campaign(tier=Tier.HOUSE))
    assert state == "running"
    assert "on_empty" in verdict


def test_what_a_creative_delivered_before_it_was_taken_out_still_counts():
    before = catalog(campaign(creatives=(text_creative("old"), text_creative("new"))))
    live = generation(catalog(campaign(creatives=(text_creative("new"),))))
    rows = (row(Metric.IMPRESSION, 5, creative=1), row(Metric.IMPRESSION, 6, creative=2))
    by_unit = delivered_by_unit(numbers(before), delivered(rows))
    (told,) = status(Known(live, by_unit), NOW).campaigns
    assert told.delivered == 11


def test_a_slot_has_its_requests_their_fill_and_why_the_rest_was_empty():
    told = made(
        rows=(
            row(Metric.REQUEST, 10),
            row(Metric.NO_FILL, 1, reason="draft"),
            row(Metric.NO_FILL, 3, reason="off_hours"),
        )
    ).slots[0]
    assert (told.slot, told.requests, told.fill) == ("post-top", 10, 0.6)
    assert list(told.reasons.items()) == [("off_hours", 3), ("draft", 1)]


def test_a_slot_that_nobody_asked_for_has_no_fill():
    (told,) = made().slots
    assert (told.requests, told.fill, told.reasons) == (0, None, {})


def test_more_empty_answers_than_requests_are_no_fill_and_not_less():
    assert (
        made(rows=(row(Metric.REQUEST), row(Metric.NO_FILL, 2, reason="draft"))).slots[0].fill == 0
    )


def test_slots_stand_in_the_order_of_their_file():
    live = generation(catalog(slots=(slot("z"), slot("a"))))
    told = status(Known(live, delivered_by_unit(live.numbers, {})), NOW)
    assert [one.slot for one in told.slots] == ["z", "a"]


def test_what_an_ad_is_worth_to_its_readers_and_how_long_it_has() -> None:
    goal = campaign(goal=Goal(clicks=50), flight=flight(NOW - DAY, NOW + 1.5 * DAY))
    rows = (row(Metric.IMPRESSION, 200), row(Metric.CLICK, 3), row(Metric.CLICK, 9, reason="bot"))
    told = only(goal, *rows)
    assert (told.impressions, told.clicks, told.ctr, told.today) == (200, 3, 0.015, 3)
    assert (told.days_left, told.tier, told.advertiser) == (1.5, "standard", "Brûlerie du Port")
    silent = only(campaign())
    assert (silent.ctr, silent.days_left) == (None, None)
    assert only(campaign(flight=flight(until=NOW - DAY))).days_left == 0.0


def test_today_begins_at_the_campaigns_midnight() -> None:
    """It is ten in the morning in Paris, and six in the evening in Tokyo."""
    rows = tuple(row(Metric.IMPRESSION, 1, hour=int(NOW) - hours * HOUR) for hours in range(25))
    assert only(campaign(), *rows).today == 11
    assert only(campaign(flight=Flight(None, None, "Asia/Tokyo")), *rows).today == 19


def room(one: Campaign, today: int, delivered_so_far: int = 0) -> Room:
    limits = limits_of(one)
    assert limits is not None
    made = Room(1, limits)
    made.granted(Grant(0, 0, 0, None, limits.a_day - today, delivered_so_far, 0))
    return made


def test_limits_are_told_beside_what_they_leave() -> None:
    daily = campaign(max_per_day=60, max_total=100)
    (told,) = made(daily, rooms={"brulerie": room(daily, 45)}).campaigns
    assert (told.today, told.max_per_day, told.max_total) == (45, 60, 100)
    assert told.verdict == "no impression yet"
    (full,) = made(daily, rooms={"brulerie": room(daily, 60)}).campaigns
    assert full.verdict == "full for today"
    assert only(replace(daily, max_per_day=0), row(Metric.IMPRESSION, 100)).verdict == (
        "all of max_total delivered"
    )


def pause(target: str, until: float | None = None) -> Pause:
    return Pause(Target.read(target), NOW - HOUR, until, "ana@desk", "complaint")


def test_who_has_paused_a_campaign_is_told_with_it() -> None:
    pauses = [pause("advertiser:brûlerie du port", NOW + HOUR), pause("gone", NOW)]
    made_of_it = made(campaign(goal=Goal(impressions=9)), pauses=pauses)
    (told,) = made_of_it.campaigns
    assert (told.state, told.verdict) == ("paused", "paused")
    assert told.paused is not None
    assert told.paused.since == "2026-11-02T09:00:00+01:00"
    assert told.paused.until == "2026-11-02T11:00:00+01:00"
    assert (told.paused.target, told.paused.by) == ("advertiser:brûlerie du port", "ana@desk")
    assert made_of_it.pauses == (told.paused,)
    assert told.paused_parts == ()


def test_what_is_paused_of_a_campaign_that_goes_on_is_told() -> None:
    two = campaign(creatives=(text_creative("x"), text_creative("y")))
    slots = (slot("post-top"), slot("post-bottom"))
    told = made(two, pauses=[pause("brulerie/x"), pause("slot:post-top")], slots=slots)
    (one,) = told.campaigns
    assert (one.state, one.paused) == ("running", None)
    assert one.paused_parts == ("brulerie/x", "slot:post-top")
    assert [slot.paused.by if slot.paused else None for slot in told.slots] == ["ana@desk", None]
    (whole,) = made(two, pauses=[pause("brulerie/x"), pause("brulerie/y")]).campaigns
    assert (whole.state, whole.paused_parts) == ("paused", ())
    assert whole.paused is not None
    assert whole.paused.target == "brulerie/x"


def test_a_slot_looks_cached_where_a_fifth_of_what_comes_has_come_before() -> None:
    def cached(net: int, **repeated: int) -> tuple[int, int, bool]:
        rows = [
            row(Metric.IMPRESSION, net),
            row(Metric.IMPRESSION, 7, reason="bot"),
            row(Metric.CLICK, 999, reason="duplicate"),
            *(row(Metric.IMPRESSION, many, reason=reason) for reason, many in repeated.items()),
        ]
        (told,) = made(rows=tuple(rows)).slots
        return told.gross, told.repeated, told.looks_cached

    assert cached(73, duplicate=12, expired=8) == (100, 20, False)
    assert cached(73, duplicate=13, expired=8) == (101, 21, True)
    assert cached(10, duplicate=82) == (99, 82, False), "of too few nothing is said"

"""Every candidate of a slot has one reason, with the numbers behind it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from adserver.core.catalog import (
    Campaign,
    Device,
    Flight,
    Frequency,
    Goal,
    Hours,
    OnEmpty,
    Period,
    Price,
    Size,
    State,
    Tier,
)
from adserver.core.context import Context
from adserver.core.decision import Candidate
from adserver.core.errors import NoSuchName
from adserver.core.reasons import Reason
from adserver.publishing.why import Question, why
from tests.factories import NOW, ZONE, campaign, catalog, generation, image_creative, slot

DAY = 86_400
HERE = Question("post-top", Context(), NOW)
MOBILE = replace(HERE, context=Context(device=Device.MOBILE))


def asked(*campaigns: Campaign, question: Question = HERE, **changes: object) -> list[Candidate]:
    return list(why(generation(catalog(*campaigns, **changes)), question).candidates)


def told(one: Campaign, question: Question = HERE) -> tuple[Reason, str]:
    (candidate,) = asked(one, question=question)
    return candidate.reason, candidate.detail


def flight(since: float | None = None, until: float | None = None) -> Flight:
    return Flight(since, until, ZONE)


def test_a_campaign_alone_wins_for_sure():
    (winner,) = asked(campaign())
    assert (winner.reason, winner.probability) == (Reason.WON, 1.0)
    assert winner.detail == "nobody else in its tier"


def test_without_a_draw_the_likeliest_wins_and_weights_are_told():
    winner, loser = asked(campaign("a", weight=2), campaign("b", weight=3))
    assert (winner.campaign, winner.reason, winner.detail) == ("b", Reason.WON, "weight 3 of 5")
    assert (loser.campaign, loser.reason, loser.detail) == ("a", Reason.LOST_DRAW, "weight 2 of 5")
    assert loser.probability == pytest.approx(0.4)


def test_a_share_is_told_and_what_it_leaves():
    half = campaign("half", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    candidates = asked(
        half, campaign("a", weight=3.0), campaign("b"), campaign("c", tier=Tier.REMNANT)
    )
    told = {c.campaign: (c.reason, c.detail, round(c.probability, 3)) for c in candidates}
    assert told == {
        "half": (Reason.WON, "a share of 50%", 0.5),
        "a": (Reason.LOST_DRAW, "weight 3 of 4 in the 50% that sponsorships leave", 0.375),
        "b": (Reason.LOST_DRAW, "weight 1 of 4 in the 50% that sponsorships leave", 0.125),
        "c": (Reason.OUTRANKED, "standard comes before remnant", 0.0),
    }


def test_shares_that_are_sold_twice_are_told():
    booked = [
        campaign(n, tier=Tier.SPONSORSHIP, goal=Goal(share=s)) for n, s in (("a", 0.9), ("b", 0.6))
    ]
    first, second, last = asked(*booked, campaign("z"))
    assert first.detail == "a share of 90%, where 150% are sold"
    assert second.probability == pytest.approx(0.4)
    assert last.detail == "sponsorship comes before standard"


def test_a_draw_decides_as_it_does_for_a_page():
    winner, _ = asked(campaign("a"), campaign("b"), question=replace(HERE, draw=0.1))
    assert winner.campaign == "a"


def test_a_better_tier_comes_first():
    _, outranked = asked(campaign("a", tier=Tier.REMNANT), campaign("b", tier=Tier.SPONSORSHIP))
    assert outranked.reason is Reason.OUTRANKED
    assert outranked.detail == "sponsorship comes before remnant"


def remnant(name: str, price: Price | None, **changes: object) -> Campaign:
    return campaign(name, tier=Tier.REMNANT, price=price, **changes)


def test_a_better_price_comes_first_in_the_remnant_tier():
    booked = (
        remnant("a", Price(cpm=Decimal("8.5")), frequency=Frequency(1, Period.DAY)),
        remnant("b", Price(cpc=Decimal("2.125"))),
        remnant("c", None),
        remnant("d", Price(flat=Decimal(900))),
        campaign("e", tier=Tier.HOUSE),
    )
    taken = replace(HERE, context=Context(capped=frozenset({"a"})))
    rooms = {"slots": (slot(on_empty=OnEmpty.HOUSE),)}
    assert [(c.campaign, c.reason, c.detail) for c in asked(*booked, **rooms)] == [
        ("a", Reason.WON, "nobody else at its eCPM of 8.50"),
        ("b", Reason.OUTRANKED, "an eCPM of 8.50 comes before its own of 2.125"),
        (
            "c",
            Reason.OUTRANKED,
            "an eCPM of 8.50 comes before what earns nothing by the impression",
        ),
        (
            "d",
            Reason.OUTRANKED,
            "an eCPM of 8.50 comes before what earns nothing by the impression",
        ),
        ("e", Reason.OUTRANKED, "remnant comes before house"),
    ]
    told = {c.campaign: (c.reason, c.detail) for c in asked(*booked, question=taken, **rooms)}
    assert told["b"] == (Reason.WON, "nobody else at its eCPM of 2.125")
    assert told["c"][1] == "an eCPM of 2.125 comes before what earns nothing by the impression"


def test_equal_prices_share_by_weight_and_say_so():
    price = Price(cpm=Decimal(2))
    shares = asked(remnant("a", price), remnant("b", price, weight=3))
    assert [c.detail for c in shares] == [
        "weight 3 of 4 at an eCPM of 2.00",
        "weight 1 of 4 at an eCPM of 2.00",
    ]


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"state": State.DRAFT}, Reason.DRAFT, "its file says `state: draft`"),
        ({"state": State.PAUSED}, Reason.PAUSED, "its file says `state: paused`"),
        (
            {"flight": flight(since=NOW + DAY)},
            Reason.NOT_STARTED,
            "starts Tue 3 Nov 10:00 (Paris)",
        ),
        ({"flight": flight(until=NOW - DAY)}, Reason.ENDED, "ended Sun 1 Nov 10:00 (Paris)"),
        (
            {"hours": (Hours((0,), 18 * 60, 20 * 60),)},
            Reason.OFF_HOURS,
            "opens Mon 2 Nov 18:00 (Paris)",
        ),
        (
            {"hours": (Hours((1,), 0, 60),), "flight": flight(until=NOW + 60)},
            Reason.OFF_HOURS,
            "no hours left before its flight ends",
        ),
    ],
)
def test_a_campaign_that_may_not_run_says_since_or_until_when(changes, reason, detail):
    assert told(campaign(**changes)) == (reason, detail)


def test_a_campaign_without_a_creative_of_the_size_says_which_size():
    banner = campaign(creatives=(image_creative(),))
    assert told(banner, MOBILE) == (Reason.WRONG_SIZE, "no creative for mobile 320x100")


def test_a_slot_without_room_on_the_device_says_so():
    nowhere = slot(sizes={})
    (candidate,) = asked(campaign(), question=MOBILE, slots=(nowhere,))
    assert candidate.detail == "the slot has no room on mobile"


def test_a_campaign_that_the_page_excludes_says_so():
    page = Context(excluded=frozenset({"a"}))
    winner, excluded = asked(campaign("a"), campaign("b"), question=replace(HERE, context=page))
    assert winner.campaign == "b"
    assert (excluded.reason, excluded.detail) == (Reason.EXCLUDED, "the page excludes it")


def test_where_the_page_excludes_the_best_tier_the_next_one_serves():
    page = Context(excluded=frozenset({"a"}))
    winner, _ = asked(
        campaign("a", tier=Tier.SPONSORSHIP),
        campaign("b"),
        question=replace(HERE, context=page),
    )
    assert (winner.campaign, winner.detail) == ("b", "nobody else in its tier")


@pytest.mark.parametrize(
    ("impressions", "per", "detail"),
    [
        (3, Period.DAY, "seen 3 times a day, says the page"),
        (1, Period.HOUR, "seen once an hour, says the page"),
        (1_000, Period.MONTH, "seen 1,000 times a month, says the page"),
        (2, Period.FLIGHT, "seen 2 times in its flight, says the page"),
    ],
)
def test_a_campaign_seen_to_its_cap_says_what_the_cap_is(impressions, per, detail):
    often = campaign("a", weight=9, frequency=Frequency(impressions, per))
    page = replace(HERE, context=Context(capped=frozenset({"a"})))
    winner, capped = asked(often, campaign("b"), question=page)
    assert (winner.campaign, winner.detail) == ("b", "nobody else in its tier")
    assert (capped.reason, capped.detail) == (Reason.FREQUENCY, detail)


def test_the_candidate_that_came_furthest_stands_first():
    draft, ended = campaign("a", state=State.DRAFT), campaign("b", flight=flight(until=NOW))
    assert [c.campaign for c in asked(draft, ended, campaign("c"))] == ["c", "b", "a"]


def test_an_unknown_slot_is_told_with_the_nearest():
    with pytest.raises(NoSuchName) as refusal:
        asked(campaign(), question=replace(HERE, slot="post-tpo"))
    assert (refusal.value.kind, refusal.value.hint) == ("slot", "post-top")


def test_one_campaign_may_be_asked_about():
    (candidate,) = asked(campaign("a"), campaign("b"), question=replace(HERE, campaign="b"))
    assert candidate.campaign == "b"


def test_a_campaign_that_is_not_live_is_told_with_the_nearest():
    with pytest.raises(NoSuchName) as refusal:
        asked(campaign("brulerie"), question=replace(HERE, campaign="brulrie"))
    assert refusal.value.hint == "brulerie"


def test_a_campaign_that_is_not_booked_here_says_where_it_is():
    elsewhere = campaign("a", slots=("side",))
    live = generation(catalog(elsewhere, slots=(slot(), slot("side"))))
    answer = why(live, replace(HERE, campaign="a"))
    assert answer.candidates == ()
    assert answer.absent == "a is not booked in post-top; its slots: side"


def test_a_house_campaign_in_a_slot_that_takes_none_says_so():
    house = campaign("a", tier=Tier.HOUSE)
    closed = why(generation(catalog(house)), replace(HERE, campaign="a"))
    assert "on_empty: house" in closed.absent
    open_slot = catalog(house, slots=(slot(on_empty=OnEmpty.HOUSE),))
    assert why(generation(open_slot), replace(HERE, campaign="a")).candidates


def test_the_size_of_the_room_is_the_devices():
    small = slot(sizes={Device.DESKTOP: Size(300, 250)})
    (candidate,) = asked(campaign(creatives=(image_creative(),)), slots=(small,))
    assert candidate.detail == "no creative for desktop 300x250"

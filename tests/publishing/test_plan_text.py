"""The plan in lines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Catalog, Goal, Price
from adserver.core.plan import Plan, difference, merge
from adserver.core.renames import Rename
from adserver.publishing.plan_text import MAX_LINES_RECORDED, Difference, counted, recorded
from tests.factories import ALWAYS, NOW, campaign, catalog, site, slot, text_creative
from tests.publishing.test_campaign_changes import flight
from tests.strategies import CAMPAIGNS


def lines(before: Catalog | None, after: Catalog, *renamed: Rename) -> list[str]:
    plan = difference(before, after, after, renamed)
    return [*Difference(before, after, plan, NOW).lines()]


def test_a_created_campaign_is_told_with_its_terms_places_and_days() -> None:
    sold = campaign(
        "coffee",
        goal=Goal(impressions=120_000),
        price=Price(cpm=Decimal("8.50")),
        slots=("post-*", "home"),
        flight=flight("2026-11-09", "2026-12-01"),
    )
    after = catalog(sold, slots=(slot("home"), slot("post-top"), slot("post-bottom")))
    assert lines(None, after) == [
        "* site",
        "* slots",
        "+ coffee",
        "    standard, Brûlerie du Port, 120,000 impressions, cpm 8.50",
        "    slots: post-*, home = home, post-top, post-bottom",
        "    link: https://shop.example/",
        "    creatives: carte (text)",
        "    first impression Mon 9 Nov 00:00 (Paris), last impression Mon 30 Nov 23:59 (Paris)",
    ]


def test_a_changed_flight_is_told_with_its_last_impression() -> None:
    before, after = (
        catalog(campaign(flight=flight(None, end))) for end in ("2026-12-01", "2026-12-07")
    )
    assert lines(before, after) == [
        "~ brulerie",
        "    flight: last day Mon 30 Nov → Sun 6 Dec",
        "    last impression Sun 6 Dec 23:59 (Paris)",
    ]


def test_another_zone_tells_the_moments_that_move() -> None:
    before, after = (
        catalog(campaign(flight=flight("2026-11-09", "2026-12-01", zone)), site=site(timezone=zone))
        for zone in ("Europe/Paris", "America/New_York")
    )
    assert lines(before, after) == [
        "* site",
        "    timezone: Europe/Paris → America/New_York",
        "~ brulerie",
        "    timezone: Europe/Paris → America/New_York",
        "    first impression Mon 9 Nov 00:00 (New York), "
        "last impression Mon 30 Nov 23:59 (New York)",
        "    before: first impression Mon 9 Nov 00:00 (Paris), "
        "last impression Mon 30 Nov 23:59 (Paris)",
    ]


def test_an_ended_campaign_is_one_line() -> None:
    assert lines(catalog(campaign("a"), campaign("b")), catalog(campaign("a"))) == ["- b"]


def test_settings_are_told_with_what_changes_in_them() -> None:
    assert lines(catalog(), catalog(site=site(currency="CHF"))) == [
        "* site",
        "    currency: EUR → CHF",
    ]


def test_a_renamed_campaign_is_told_with_what_changes_besides_its_name() -> None:
    link = "https://shop.example/?utm_campaign={}"
    before, after = (
        catalog(campaign(name, weight=weight, creatives=(text_creative(link=link.format(name)),)))
        for name, weight in (("old", 1), ("new", 2))
    )
    assert lines(before, after, Rename("old", "new")) == [
        "> new (was old; its counts are carried over)",
        "    weight: 1 → 2",
    ]


def test_a_summary_counts_what_happens() -> None:
    plan = Plan(("a", "b"), ("c",), ("d",), ("e",), ("slots",), (Rename("x", "y"),))
    assert counted(plan) == "2 created, 1 changed, 1 renamed, 1 ended, slots changed"
    assert counted(Plan()) == ""


def test_the_history_keeps_of_a_very_long_plan_what_becomes_of_everything() -> None:
    few = ["+ a", "    slots: b"]
    assert recorded(few) == few
    many = few * MAX_LINES_RECORDED
    assert recorded(many) == ["+ a"] * MAX_LINES_RECORDED


SOLD = st.lists(
    st.tuples(st.sampled_from("abcd"), CAMPAIGNS), max_size=3, unique_by=lambda pair: pair[0]
).map(lambda pairs: tuple(renamed(name, one) for name, one in pairs))


def renamed(name, one):
    return replace(one, name=name, flight=ALWAYS, renamed_from="", hours=())


@given(SOLD, SOLD, st.booleans())
def test_what_is_live_has_nothing_to_plan_and_planning_twice_says_the_same(
    one, other, prune
) -> None:
    live, written = catalog(campaigns=one), catalog(campaigns=other)
    after = merge(live, written, prune=prune)
    plan = difference(live, written, after)
    told = [*Difference(live, after, plan, NOW).lines()]
    assert [*Difference(live, after, plan, NOW).lines()] == told
    assert bool(told) is not plan.empty
    again = merge(after, written, prune=prune)
    assert again == after
    assert difference(after, written, again).empty
    assert [*Difference(after, again, difference(after, written, again), NOW).lines()] == []


def test_texts_of_earlier_generations_forge_no_line_of_a_plan() -> None:
    forged = campaign("coffee", advertiser="A\n\n0 changed\nNothing to do \u202eevil")
    made = lines(None, catalog(forged))
    assert made[3] == r"    standard, A\n\n0 changed\nNothing to do \u202eevil"
    changed = lines(catalog(forged), catalog(replace(forged, advertiser="B\r- house")))
    assert len(changed) == 2
    assert all(line.isprintable() for line in (*made, *changed))

"""Revenue stops at the goal, and however a report is cut its lines are worth its total."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Goal, Price
from adserver.core.events import Metric, Row
from adserver.core.publication import KnownCreative
from adserver.publishing.report import By, Query, Records, Report, goes_beyond, report
from tests.factories import (
    NOW,
    campaign,
    catalog,
    delivered,
    numbers,
    row,
    site,
    slot,
    text_creative,
)

HOUR = 3_600
DAY = 24 * HOUR
SLOTS = (slot("post-top"), slot("post-bottom"))
SITES = site(sites={"blog": "https://blog.example", "revue": "https://revue.example"})
CPM, CPC = Price(cpm=Decimal("8.50")), Price(cpc=Decimal("0.35"))


def sold(goal: Goal | None, price: Price, **changes: object) -> Campaign:
    creatives = (text_creative("x"), text_creative("y"))
    return campaign("a", goal=goal, price=price, creatives=creatives, **changes)


def reported(
    one: Campaign,
    rows: list[Row],
    by: By = By.CAMPAIGN,
    since: float | None = None,
    **window: float,
) -> Report:
    """As the command reads what is needed for it."""
    written = catalog(one, slots=SLOTS, site=SITES)
    until = window.get("until", float("inf"))
    begin = 0.0 if since is None else since
    within = [r for r in rows if begin <= r.hour < until]
    records = Records(written, numbers(written), {}, within)
    if since is not None and goes_beyond(records, delivered(rows)):
        records = replace(records, earlier=[r for r in rows if r.hour < since])
    return report(records, Query(by, NOW, since=since, until=until))


def impressions(count: int, hours: int = 0, **changes: object) -> Row:
    return row(Metric.IMPRESSION, count, hour=int(NOW) + hours * HOUR, **changes)


def clicks(count: int, hours: int = 0, **changes: object) -> Row:
    return row(Metric.CLICK, count, hour=int(NOW) + hours * HOUR, **changes)


THOUSAND = Goal(impressions=1_000)


def test_a_buffer_is_never_billed() -> None:
    made = reported(sold(THOUSAND, CPM, buffer=Decimal("0.03")), [impressions(1_030)])
    assert (made.total.impressions, str(made.total.revenue)) == (1_030, "8.50")
    assert str(made.total.ecpm) == "8.25"


def test_what_came_first_is_billed() -> None:
    rows = [impressions(600, 0), impressions(600, 1), impressions(600, 2)]
    made = reported(sold(THOUSAND, CPM), rows[::-1], By.HOUR)
    assert [str(line.revenue) for line in made.lines.values()] == ["5.10", "3.40", "0.00"]


def test_a_window_earns_what_was_left_when_it_began() -> None:
    rows = [impressions(600, 0), impressions(600, 1), impressions(600, 2)]
    one = sold(THOUSAND, CPM)
    assert str(reported(one, rows, since=NOW + HOUR).total.revenue) == "3.40"
    assert str(reported(one, rows, since=NOW + 2 * HOUR).total.revenue) == "0.00"
    assert str(reported(one, rows, until=NOW + 2 * HOUR).total.revenue) == "8.50"


def test_what_came_before_is_only_needed_where_more_than_the_goal_was_delivered() -> None:
    written = catalog(sold(THOUSAND, CPM))
    exactly, more = [impressions(1_000)], [impressions(1_000), impressions(1, creative=2)]
    records = Records(written, numbers(written), {}, ())
    assert not goes_beyond(records, delivered([*exactly, clicks(5_000)]))
    assert goes_beyond(records, delivered(more))
    strangers = [impressions(9_999, creative=77)]
    assert not goes_beyond(records, delivered(strangers))


def test_within_the_hour_of_the_goal_places_and_creatives_share() -> None:
    rows = [impressions(900, slot=1), impressions(300, slot=2, creative=2)]
    for by, labels in ((By.SLOT, ["post-bottom", "post-top"]), (By.CREATIVE, ["x", "y"])):
        made = reported(sold(THOUSAND, CPM), rows, by)
        earned = {label[-1]: line.earned for label, line in made.lines.items()}
        assert sorted(earned) == labels
        assert sorted(earned.values()) == [Fraction("2.125"), Fraction("6.375")]


def test_clicks_are_billed_up_to_a_goal_of_clicks() -> None:
    rows = [clicks(6, 0), clicks(6, 1)]
    assert str(reported(sold(Goal(clicks=10), CPC), rows).total.revenue) == "3.50"


def test_a_price_by_another_event_is_billed_until_the_goal_is_reached() -> None:
    rows = [impressions(1_000, 0), clicks(8, 0), impressions(1_000, 1), clicks(4, 1)]
    rows += [impressions(1_000, 2)]
    made = reported(sold(Goal(clicks=10), CPM), rows, By.HOUR)
    assert [str(line.revenue) for line in made.lines.values()] == ["8.50", "4.25", "0.00"]


def test_a_flat_price_is_earned_by_time_whatever_is_delivered() -> None:
    flat = sold(Goal(impressions=1), Price(flat=Decimal(240)))
    begun = replace(flat, flight=replace(flat.flight, since=NOW - HOUR, until=NOW + HOUR))
    assert str(reported(begun, [impressions(5)]).total.revenue) == "120.00"


def test_a_campaign_that_is_gone_is_billed_up_to_its_goal_as_it_last_was() -> None:
    old = catalog(sold(THOUSAND, CPM))
    known = {1: KnownCreative.of(old.campaigns[0], old.campaigns[0].creatives[0])}
    gone = Records(catalog(campaign("b")), numbers(old), known, (impressions(2_000),))
    assert str(report(gone, Query(By.CAMPAIGN, NOW)).total.revenue) == "8.50"


def test_nothing_has_an_ecpm_without_impressions() -> None:
    assert reported(sold(None, CPM), [clicks(1)]).total.ecpm is None


EVENTS = st.lists(
    st.builds(
        row,
        st.sampled_from([Metric.IMPRESSION, Metric.CLICK, Metric.VIEWABLE]),
        st.integers(1, 400),
        hour=st.integers(-3, 30).map(lambda hours: int(NOW) + hours * HOUR),
        creative=st.sampled_from([1, 2]),
        slot=st.sampled_from([1, 2]),
        site=st.sampled_from([0, 1, 2]),
        reason=st.sampled_from(["", "", "", "bot"]),
    ),
    max_size=20,
)
GOALS = st.sampled_from([THOUSAND, Goal(impressions=7), Goal(clicks=300), Goal(share=0.5), None])
PRICES = st.sampled_from([CPM, CPC, None])


@given(EVENTS, GOALS, PRICES)
def test_whatever_the_lines_they_are_worth_the_total(rows, goal, price) -> None:
    one = sold(goal, price)
    total = reported(one, rows).total.earned
    for by in By:
        lines = reported(one, rows, by).lines.values()
        assert sum((line.earned for line in lines), Fraction(0)) == total


@given(EVENTS, GOALS, PRICES, st.lists(st.integers(-4, 31), max_size=4))
def test_however_time_is_cut_its_windows_are_worth_the_total(rows, goal, price, cuts) -> None:
    one = sold(goal, price)
    edges = sorted(NOW + hours * HOUR for hours in cuts)
    begins, ends = [None, *edges], [*edges, float("inf")]
    windows = [
        reported(one, rows, since=begin, until=end).total.earned
        for begin, end in zip(begins, ends, strict=True)
    ]
    assert sum(windows, Fraction(0)) == reported(one, rows).total.earned


@pytest.mark.parametrize(
    ("metric", "goal", "price", "each"),
    [
        (Metric.IMPRESSION, THOUSAND, CPM, Fraction("0.0085")),
        (Metric.CLICK, Goal(clicks=300), CPC, Fraction("0.35")),
    ],
)
@given(rows=EVENTS)
def test_a_goal_is_billed_exactly_up_to_what_was_bought(metric, goal, price, each, rows) -> None:
    bought = goal.impressions or goal.clicks
    count = sum(r.count for r in rows if r.metric is metric and not r.reason)
    assert reported(sold(goal, price), rows).total.earned == min(count, bought) * each

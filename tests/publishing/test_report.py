"""Rows of the store become the lines of a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Catalog, Flight, Price
from adserver.core.errors import NoSuchName
from adserver.core.events import Metric, Row
from adserver.core.publication import KnownCreative
from adserver.core.reasons import Discard
from adserver.publishing.report import By, Query, Records, Report, Sums, report
from adserver.publishing.report_json import as_json
from tests.factories import NOW, ZONE, campaign, catalog, numbers, row, site, slot, text_creative

HOUR = 3_600
DAY = 24 * HOUR
ALL = Query(By.CAMPAIGN, NOW)


def records(written: Catalog, *rows: Row) -> Records:
    return Records(written, numbers(written), {}, rows)


def lines(made: Report) -> dict[tuple[str, ...], Sums]:
    return made.lines


def impressions(count: int, **changes: int) -> Row:
    return row(Metric.IMPRESSION, count, **changes)


def test_events_that_count_are_net_and_all_with_a_good_ticket_are_gross():
    made = report(
        records(
            catalog(),
            row(Metric.SERVED, 20),
            impressions(10),
            row(Metric.IMPRESSION, 3, reason="duplicate"),
            row(Metric.IMPRESSION, 2, reason="expired"),
            row(Metric.IMPRESSION, 5, reason="forged"),
            row(Metric.VIEWABLE, 6),
            row(Metric.CLICK, 4),
            row(Metric.CLICK, 1, reason="duplicate"),
            row(Metric.UNMATCHED, 1),
            row(Metric.UNMATCHED_VIEWABLE, 2),
        ),
        ALL,
    )
    line = made.lines[("brulerie",)]
    assert (line.served, line.gross, line.impressions, line.viewable) == (20, 15, 10, 6)
    assert (line.clicks, line.unmatched, line.unmatched_viewable) == (4, 1, 2)
    assert made.total == line
    assert made.discarded_impressions == {"duplicate": 3, "expired": 2, "forged": 5}
    assert made.discarded_clicks == {"duplicate": 1}


EVENTS = st.tuples(
    st.sampled_from(
        [
            *(Metric.IMPRESSION, Metric.CLICK, Metric.VIEWABLE),
            *(Metric.WOULD_IMPRESSION, Metric.WOULD_CLICK, Metric.WOULD_VIEWABLE),
        ]
    ),
    st.sampled_from(["", *(one for one in Discard if one is not Discard.FORGED)]),
    st.integers(1, 1_000),
)


@given(st.lists(EVENTS, max_size=30))
def test_gross_is_net_and_what_was_discarded_whatever_was_tried(
    events: list[tuple[Metric, str, int]],
) -> None:
    tried = {Metric.WOULD_IMPRESSION, Metric.WOULD_VIEWABLE, Metric.WOULD_CLICK}
    rows = [
        row(metric, many, reason=reason or ("bot" if metric in tried else ""))
        for metric, reason, many in events
    ]
    made = report(records(catalog(), *rows), ALL)
    assert made.total.gross == made.total.impressions + made.discarded_impressions.total()
    net = [one for one in rows if one.metric not in tried]
    without = report(records(catalog(), *net), ALL)
    assert as_json(made)["total"] == as_json(without)["total"], "a dry run changes no figure"
    assert as_json(made)["discarded"] == as_json(without)["discarded"]
    would = sum(one.count for one in rows if one.metric is Metric.WOULD_IMPRESSION)
    assert made.would_discard_impressions.total() == would


def test_the_click_through_rate_has_six_decimals_and_none_without_impressions():
    assert Sums(impressions=3, clicks=1).ctr == 0.333333
    assert Sums(clicks=1).ctr is None


def test_requests_and_empty_slots_are_no_lines():
    rows = (row(Metric.REQUEST, 5), row(Metric.NO_FILL, 5, reason="draft", creative=0))
    assert not report(records(catalog(), *rows), ALL).lines


def two() -> Catalog:
    """Creatives 1 and 2 of a, 3 of b; slots 1 and 2; sites 1 and 2."""
    return catalog(
        campaign("a", creatives=(text_creative("x"), text_creative("y"))),
        campaign("b", advertiser="Librairie Étoile"),
        slots=(slot("post-top"), slot("post-bottom")),
        site=site(sites={"blog": "https://blog.example", "revue": "https://revue.example"}),
    )


ROWS = (
    impressions(1, creative=1, slot=1, site=1),
    impressions(2, creative=2, slot=2, site=1),
    impressions(4, creative=3, slot=1, site=2, hour=int(NOW) + HOUR),
    impressions(8, creative=1, slot=2, site=0, hour=int(NOW) + DAY),
)


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        (By.CAMPAIGN, {("a",): 11, ("b",): 4}),
        (By.CREATIVE, {("a", "x"): 9, ("a", "y"): 2, ("b", "carte"): 4}),
        (By.SLOT, {("post-top",): 5, ("post-bottom",): 10}),
        (By.SITE, {("blog",): 3, ("revue",): 4, ("",): 8}),
        (By.DAY, {("2026-11-02",): 7, ("2026-11-03",): 8}),
        (
            By.HOUR,
            {
                ("2026-11-02T10:00+01:00",): 3,
                ("2026-11-02T11:00+01:00",): 4,
                ("2026-11-03T10:00+01:00",): 8,
            },
        ),
    ],
)
def test_the_same_rows_may_be_read_by_anything(by, counts):
    made = report(records(two(), *ROWS), Query(by, NOW))
    assert {label: line.impressions for label, line in made.lines.items()} == counts
    assert list(made.lines) == sorted(made.lines)
    assert made.total.impressions == 15


def test_one_campaign_or_advertiser_may_be_asked_for():
    assert report(records(two(), *ROWS), replace(ALL, campaign="b")).total.impressions == 4
    by_advertiser = replace(ALL, advertiser="librairie étoile")
    assert list(report(records(two(), *ROWS), by_advertiser).lines) == [("b",)]


def test_a_campaign_or_advertiser_that_there_never_was_is_told_with_the_nearest():
    with pytest.raises(NoSuchName) as refusal:
        report(records(two()), replace(ALL, campaign="A2"))
    assert refusal.value.kind == "campaign"
    with pytest.raises(NoSuchName) as refusal:
        report(records(two()), replace(ALL, advertiser="Librairie Etoile"))
    assert refusal.value.hint == "Librairie Étoile"


def test_a_forged_ticket_is_of_no_campaign_but_in_the_discards_of_everything():
    forged = row(Metric.IMPRESSION, 7, reason="forged", creative=0, slot=0, site=0)
    everything = report(records(catalog(), forged), ALL)
    assert everything.discarded_impressions == {"forged": 7}
    assert not everything.lines
    assert not report(records(catalog(), forged), replace(ALL, campaign="brulerie")).total.gross


def test_a_campaign_that_is_live_no_more_is_still_named():
    old = catalog(campaign("old", advertiser="Marée"), campaign("b"))
    known = {1: KnownCreative.of(old.campaigns[0], old.campaigns[0].creatives[0])}
    gone = Records(catalog(campaign("b")), numbers(old), known, (impressions(3),))
    assert report(gone, ALL).lines[("old",)].impressions == 3
    assert report(gone, replace(ALL, advertiser="marée")).total.impressions == 3


def test_a_creative_that_only_its_number_remembers_is_still_named():
    numbered = Records(catalog(), {"creative/old/x": 9}, {}, (impressions(3, creative=9),))
    assert list(report(numbered, replace(ALL, by=By.CREATIVE)).lines) == [("old", "x")]


def test_before_anything_is_live_a_report_is_empty():
    made = report(Records(None, {}, {}, ()), ALL)
    assert not made.lines
    assert str(made.total.revenue) == "0.00"


def priced(price: Price, flight: Flight | None = None, **changes: object) -> Campaign:
    flight = flight or Flight(since=NOW - 10 * HOUR, until=NOW + 230 * HOUR, timezone=ZONE)
    return campaign(price=price, flight=flight, **changes)


def test_revenue_is_of_net_impressions_and_net_clicks_rounded_once():
    by_thousand = catalog(priced(Price(cpm=Decimal("8.50"))))
    rows = [impressions(1, hour=int(NOW) + n * HOUR) for n in range(100)]
    discarded = row(Metric.IMPRESSION, 900, reason="bot")
    # 100 single impressions at 0.85 cents: rounding each would make a cent of each.
    assert str(report(records(by_thousand, *rows, discarded), ALL).total.revenue) == "0.85"
    by_click = catalog(priced(Price(cpc=Decimal("0.35"))))
    assert str(report(records(by_click, row(Metric.CLICK, 3)), ALL).total.revenue) == "1.05"


FLAT = Price(flat=Decimal(240))


def test_a_flat_price_is_earned_by_elapsed_time_even_before_the_first_impression():
    made = report(records(catalog(priced(FLAT))), ALL)
    assert str(made.lines[("brulerie",)].revenue) == "10.00"


def test_a_flat_price_by_day_is_the_days_part():
    later = Query(By.DAY, now=NOW + DAY)
    made = report(records(catalog(priced(FLAT))), later)
    assert [(label, str(line.revenue)) for label, line in made.lines.items()] == [
        (("2026-11-02",), "24.00"),
        (("2026-11-03",), "10.00"),
    ]


def test_a_flat_price_over_places_follows_the_impressions():
    written = catalog(priced(FLAT), slots=(slot("post-top"), slot("post-bottom")))
    rows = (impressions(3, slot=1), impressions(1, slot=2))
    made = report(records(written, *rows), replace(ALL, by=By.SLOT))
    assert {label[0]: str(line.revenue) for label, line in made.lines.items()} == {
        "post-top": "7.50",
        "post-bottom": "2.50",
    }


@pytest.mark.parametrize("by", list(By))
@pytest.mark.parametrize("rows", [(), (impressions(3),), (impressions(1), impressions(2, slot=2))])
def test_the_lines_of_a_report_are_worth_its_total(by, rows):
    written = catalog(
        priced(FLAT, creatives=(text_creative("x"), text_creative("y"), text_creative("z"))),
        slots=(slot("post-top"), slot("post-bottom")),
    )
    made = report(records(written, *rows), Query(by, NOW + DAY))
    earned = sum((line.earned for line in made.lines.values()), Fraction(0))
    assert earned == made.total.earned == 34


def test_orders_come_along_for_printing():
    made = report(records(catalog(campaign(order="BC-2026-118"))), ALL)
    assert made.orders == {"brulerie": "BC-2026-118"}
    assert made.discarded_clicks == Counter()


@pytest.mark.parametrize("by", By)
def test_whatever_the_lines_a_folded_day_is_in_them_once(by: By):
    old = int(NOW) - 100 * DAY
    made = report(
        records(catalog(), impressions(3), replace(impressions(40, hour=old), day="2026-07-29")),
        replace(ALL, by=by),
    )
    assert made.total.impressions == 43
    assert sum(line.impressions for line in made.lines.values()) == 43
    assert made.whole_days


@pytest.mark.parametrize("by", [By.DAY, By.HOUR])
def test_a_folded_day_has_its_own_name_even_after_the_site_has_moved(by: By):
    """Its beginning was midnight in the zone that the site had then."""
    begin = 1_785_276_000  # 29 July 2026, 00:00 in Paris, still the 28th in New York
    moved = catalog(site=replace(site(), timezone="America/New_York"))
    folded = replace(impressions(40, hour=begin), day="2026-07-29")
    made = report(records(moved, folded), replace(ALL, by=by))
    assert list(made.lines) == [("2026-07-29",)]

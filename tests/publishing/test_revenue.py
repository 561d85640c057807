"""What delivery is worth, to the cent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Flight, Price
from adserver.publishing import revenue
from tests.factories import NOW, ZONE, campaign

PARIS = ZoneInfo(ZONE)
HOUR = 3_600
DAY = 24 * HOUR
# Monday 2 November 2026, midnight in Paris, and ten days.
START = NOW - 10 * HOUR
TEN_DAYS = Flight(since=START, until=START + 10 * DAY, timezone=ZONE)


def sold(flight: Flight = TEN_DAYS) -> Campaign:
    return campaign(flight=flight, price=Price(flat=Decimal(100)))


def flat_price_of(one: Campaign) -> revenue.Flat | None:
    return revenue.flat_price(one.flight, one.price)


def flat() -> revenue.Flat:
    found = flat_price_of(sold())
    assert found is not None
    return found


def test_a_cpm_is_the_price_of_a_thousand_impressions():
    assert revenue.of_impressions(Price(cpm=Decimal("8.50")), 1234) == Fraction("10.489")


def test_a_cpc_is_the_price_of_a_click():
    assert revenue.of_clicks(Price(cpc=Decimal("0.35")), 3) == Fraction("1.05")


def test_impressions_earn_nothing_at_a_cpc_and_clicks_nothing_at_a_cpm():
    assert not revenue.of_impressions(Price(cpc=Decimal(1)), 5)
    assert not revenue.of_clicks(Price(cpm=Decimal(1)), 5)
    assert not revenue.of_clicks(None, 5)


def test_a_flat_price_is_earned_as_its_flight_passes():
    span = flat().earning_time(None, NOW)
    assert span == (START, NOW)
    assert flat().earned(span) == Fraction(100) * 10 / 240


def test_a_flat_price_is_earned_within_the_reports_window_only():
    second = (START + DAY, START + 2 * DAY)
    assert flat().earning_time(*second) == second
    assert flat().earning_time(START + 20 * DAY, START + 21 * DAY) is None
    assert flat().earning_time(None, START) is None


@pytest.mark.parametrize("flight", [Flight(None, START, ZONE), Flight(START, None, ZONE)])
def test_an_open_flight_has_no_length_to_earn_a_flat_price_over(flight):
    assert flat_price_of(sold(flight)) is None


def test_only_a_flat_price_is_earned_by_time():
    assert flat_price_of(campaign(flight=TEN_DAYS)) is None
    assert flat_price_of(campaign(flight=TEN_DAYS, price=Price(cpc=Decimal(1)))) is None


def test_days_are_cut_at_midnights_of_the_zone():
    parts = list(revenue.by_day((NOW, NOW + DAY), PARIS))
    assert [name for name, _ in parts] == ["2026-11-02", "2026-11-03"]
    assert parts[0][1] == (NOW, START + DAY)


def test_the_day_of_the_autumn_change_has_twenty_five_hours():
    # Sunday 25 October 2026, midnight in Paris.
    sunday = START - 8 * DAY - HOUR
    ((name, span),) = revenue.by_day((sunday, sunday + 25 * HOUR), PARIS)
    assert (name, span[1] - span[0]) == ("2026-10-25", 25 * HOUR)
    hours = [name for name, _ in revenue.by_hour((sunday, sunday + 25 * HOUR), PARIS)]
    assert len(set(hours)) == 25


def test_hours_are_cut_at_the_clock():
    parts = list(revenue.by_hour((NOW + 600, NOW + HOUR + 60), PARIS))
    assert parts == [
        ("2026-11-02T10:00+01:00", (NOW + 600, NOW + HOUR)),
        ("2026-11-02T11:00+01:00", (NOW + HOUR, NOW + HOUR + 60)),
    ]


@pytest.mark.parametrize(
    ("exact", "cents"),
    [("0.005", "0.01"), ("0.0049", "0.00"), ("10.489", "10.49"), ("2.675", "2.68"), ("7", "7.00")],
)
def test_cents_are_rounded_half_up(exact, cents):
    assert str(revenue.in_cents(Fraction(exact))) == cents


@given(st.lists(st.integers(1, 40 * HOUR), max_size=8))
def test_however_a_flight_is_cut_its_parts_are_worth_the_whole(lengths):
    edges = [START]
    for length in lengths:
        edges.append(min(edges[-1] + length, START + 10 * DAY))
    edges.append(START + 10 * DAY)
    parts = pairwise(edges)
    assert sum((flat().earned(part) for part in parts), Fraction(0)) == 100

"""What delivery is worth, exactly: fractions until the end, cents once.

A cpm is per thousand net impressions, a cpc per net click; a flat price is earned evenly over
the flight, so that a report of any window has its part of it. A live campaign's price is the
catalog's, a gone one's as it last was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from adserver.core.catalog import Flight, Price
from adserver.publishing import moments

HOUR_SECONDS = 3_600
NOTHING = Fraction(0)

Span = tuple[float, float]


def of_impressions(price: Price | None, count: int) -> Fraction:
    return Fraction(price.cpm) * count / 1000 if price and price.cpm else NOTHING


def of_clicks(price: Price | None, count: int) -> Fraction:
    return Fraction(price.cpc) * count if price and price.cpc else NOTHING


@dataclass(frozen=True, slots=True)
class Flat:
    """A flat price and the whole of the flight that it is for."""

    amount: Fraction
    flight: Span

    def earning_time(self, since: float | None, until: float) -> Span | None:
        """The part of [since, until) in which it is earned; None if it earns nothing then."""
        begin = self.flight[0] if since is None else max(self.flight[0], since)
        end = min(self.flight[1], until)
        return (begin, end) if begin < end else None

    def earned(self, span: Span) -> Fraction:
        return self.amount * length(span) / length(self.flight)


def flat_price(flight: Flight, price: Price | None) -> Flat | None:
    """None without a flat price, or where an open flight has no length to divide it by."""
    if price is None or price.flat is None or flight.since is None or flight.until is None:
        return None
    return Flat(Fraction(price.flat), (flight.since, flight.until))


def length(span: Span) -> Fraction:
    return Fraction(span[1]) - Fraction(span[0])


def by_day(span: Span, zone: ZoneInfo) -> Iterator[tuple[str, Span]]:
    """The span cut at midnights of the zone, each part with its day's name."""
    begin, end = span
    while begin < end:
        day = moments.local(begin, zone).date()
        cut = min(moments.midnight(day + timedelta(days=1), zone), end)
        yield day.isoformat(), (begin, cut)
        begin = cut


def by_hour(span: Span, zone: ZoneInfo) -> Iterator[tuple[str, Span]]:
    begin, end = span
    while begin < end:
        at = moments.local(begin, zone)
        into = at.minute * 60 + at.second + at.microsecond / 1e6
        cut = min(begin - into + HOUR_SECONDS, end)
        yield moments.hour_of(begin, zone), (begin, cut)
        begin = cut


def in_cents(amount: Fraction) -> Decimal:
    """Rounded half up, as on an invoice."""
    twice = amount * 200 + 1
    return Decimal(twice.numerator // (2 * twice.denominator)).scaleb(-2)

"""What is billed of what was delivered: in the order of time, and no more than was bought.

A buffer is delivered for the publisher's peace of mind, so whatever comes when the goal has been
reached is free. Rows are counted by the hour (old ones by the day): within the one in which the
goal is reached, each row is billed by the same exact share, so that all lines of any report add
up to their total. Prices may be by another event than the goal counts (a cpm, and a goal of
clicks): these are billed for as long as the goal is not reached, by the same share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from adserver.core.bought import Sold
from adserver.core.events import Delivered, Row
from adserver.publishing.terms import Identity, Terms

Time = tuple[int, str]
"""When a row's hour or day began (UTC seconds), and the day's name where it is a day's."""
Shares = Mapping[tuple[str, Time], Fraction]
"""By campaign and time, where less than all is billed."""

ALL = Fraction(1)


def time_of(row: Row) -> Time:
    return row.hour, row.day


def beyond_goal(
    terms: Mapping[str, Terms], whose: Mapping[int, Identity], delivered: Delivered
) -> set[str]:
    """Campaigns that have delivered more than was bought, ever."""
    counted: Counter[str] = Counter()
    for (metric, creative), count in delivered.items():
        one = sold_by(terms, whose.get(creative))
        if one is not None and one[1].metric is metric:
            counted[one[0]] += count
    return {name for name, count in counted.items() if count > goal_of(terms[name])}


def billed_shares(
    terms: Mapping[str, Terms],
    whose: Mapping[int, Identity],
    earlier: Iterable[Row],
    rows: Iterable[Row],
) -> Shares:
    """earlier: all rows that come before these, needed where a goal was reached before them."""
    before: Counter[str] = Counter()
    for name, _, count in towards_goals(terms, whose, earlier):
        before[name] += count
    at: defaultdict[str, Counter[Time]] = defaultdict(Counter)
    for name, time, count in towards_goals(terms, whose, rows):
        at[name][time] += count
    return {
        (name, time): share
        for name, counts in at.items()
        for time, share in shares(counts, goal_of(terms[name]) - before[name])
    }


def towards_goals(
    terms: Mapping[str, Terms], whose: Mapping[int, Identity], rows: Iterable[Row]
) -> Iterator[tuple[str, Time, int]]:
    """Of campaigns with a goal, by the hour, what counts for it; 0 of what does not."""
    for row in rows:
        one = sold_by(terms, whose.get(row.creative))
        if one is not None and not row.reason:
            name, sold = one
            yield name, time_of(row), row.count if row.metric is sold.metric else 0


def sold_by(terms: Mapping[str, Terms], identity: Identity | None) -> tuple[str, Sold] | None:
    one = terms.get(identity.campaign) if identity else None
    return (one.name, one.sold) if one and one.sold else None


def goal_of(terms: Terms) -> int:
    return terms.sold.goal if terms.sold else 0


def shares(counts: Mapping[Time, int], left: int) -> Iterator[tuple[Time, Fraction]]:
    """What part of each hour is billed, where `left` was left of the goal before the first."""
    for time in sorted(counts):
        if left < counts[time] or left <= 0:
            yield time, Fraction(max(0, left), counts[time]) if counts[time] else Fraction(0)
        left -= counts[time]

"""What was agreed, in words: flight, tier, goal, buffer, limits, price, period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from adserver.core.bought import bought, sold
from adserver.core.catalog import Campaign, Flight, Goal, Price
from adserver.core.flights import zone
from adserver.core.goals import Unit, limits_of
from adserver.publishing import moments
from adserver.publishing.proof.evidence import Delivery, Evidence
from adserver.publishing.proof.language import Language

Line = tuple[str, str]
"""What it is, and what it says."""


def agreed(delivery: Delivery, evidence: Evidence, language: Language) -> list[Line]:
    """Without what is not there, or is not known any more."""
    lines = list(terms(delivery, evidence, language))
    return [(language.say(key), text) for key, text in lines if text]


def terms(delivery: Delivery, evidence: Evidence, language: Language) -> Iterator[Line]:
    known, campaign = delivery.terms, delivery.campaign
    yield "advertiser", known.advertiser
    if campaign and campaign.paid_by != known.advertiser:
        yield "paid_by", campaign.paid_by
    yield "order", known.order
    yield "flight", flight(known.flight, language)
    yield "window", window(evidence, language)
    if campaign:
        yield "tier", language.say(f"tier_{campaign.tier}")
        yield "goal", goal(campaign.goal, language)
        yield "buffer", buffer(campaign, language)
        yield "limits", language.listed(list(limits(campaign, language)))
    elif known.sold:
        yield "goal", language.many(known.sold.unit, known.sold.goal)
    yield "price", price(known.price, evidence.catalog.site.currency, language)


def flight(flight: Flight, language: Language) -> str:
    since, until, tz = flight.since, flight.until, zone(flight.timezone)
    if since is not None and until is not None:
        if is_midnight(since, tz) and is_midnight(until, tz):
            return days(since, until, flight.timezone, language)
        return between("flight_moments", since, until, flight.timezone, language)
    if since is None and until is None:
        return language.say("flight_open")
    key = "flight_until" if since is None else "flight_from"
    return between(key, since, until, flight.timezone, language)


def window(evidence: Evidence, language: Language) -> str:
    """Nothing where all there is was asked for."""
    wish, timezone = evidence.wish, evidence.catalog.site.timezone
    if wish.since is None and wish.until is None:
        return ""
    if wish.since is not None and wish.until is not None:
        tz = zone(timezone)
        if is_midnight(wish.since, tz) and is_midnight(wish.until, tz):
            return days(wish.since, wish.until, timezone, language)
    key = "both" if None not in (wish.since, wish.until) else "from" if wish.since else "until"
    return between(f"window_{key}", wish.since, wish.until, timezone, language)


def between(
    key: str, since: float | None, until: float | None, timezone: str, language: Language
) -> str:
    ends = [at if at is None else language.moment(at, timezone) for at in (since, until)]
    return language.say(key, first=ends[0], last=ends[1])


def days(since: float, until: float, timezone: str, language: Language) -> str:
    """until: the midnight behind the last day."""
    tz = zone(timezone)
    first = moments.local(since, tz).date()
    last = moments.local(until, tz).date() - timedelta(days=1)
    key = "flight_day" if first == last else "flight_days"
    return language.say(key, first=language.day(first), last=language.day(last), zone=timezone)


def is_midnight(moment: float, tz: ZoneInfo) -> bool:
    return moments.midnight(moments.local(moment, tz).date(), tz) == moment


def goal(goal: Goal | None, language: Language) -> str:
    if goal is not None and goal.share is not None:
        return language.say("goal_share", share=language.share(repr(goal.share)))
    number = sold(goal)
    if number is None:
        return language.say("goal_none")
    return language.many(number.unit, number.goal)


def buffer(campaign: Campaign, language: Language) -> str:
    if bought(campaign) is None or not campaign.buffer:
        return ""
    return language.say("buffer_is", share=language.share(campaign.buffer))


def limits(campaign: Campaign, language: Language) -> Iterator[str]:
    limits = limits_of(campaign)
    numbers = {"limit_day": campaign.max_per_day, "limit_total": campaign.max_total}
    for key, number in numbers.items():
        if limits and number:
            yield language.say(key, many=language.many(limits.unit, number))
    if campaign.frequency:
        per = language.say(f"period_{campaign.frequency.per}")
        many = language.many(Unit.IMPRESSIONS, campaign.frequency.impressions)
        yield language.say("limit_reader", many=many, period=per)


def price(price: Price | None, currency: str, language: Language) -> str:
    parts = {"cpm": price.cpm, "cpc": price.cpc, "flat": price.flat} if price else {}
    for key, amount in parts.items():
        if amount is not None:
            return language.say(f"price_{key}", amount=language.money(amount, currency))
    return language.say("price_none")


def duration(seconds: int, language: Language) -> str:
    """In the largest unit in which it is whole."""
    for key, unit in (("hours", 3_600), ("minutes", 60)):
        if seconds % unit == 0 and seconds >= 2 * unit:
            return language.say(key, number=language.count(seconds // unit))
    return language.say("seconds", number=language.count(seconds))

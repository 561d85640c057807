"""What can still be sold of a slot, on some days and to some readers: a number, with a range.

    available = shown * (supply - what standard campaigns need of it)

`supply` is what is forecast of the slot in those days, times the share of its samples that want
what is asked for, less what sponsorships have of it. A standard campaign needs what is left of
its goal, and takes it from here in proportion to how much of its own supply lies here: as
everybody is paced over all of their traffic, nobody can be told to go elsewhere. `shown` is how
many of the ads that are handed out are seen to begin to render.

The range holds in eight cases of ten. Its half width is the propagated error of two factors, how
many requests there will be (`core.deviation`) and which share of them is wanted (Wilson, 1927, for
as many samples as they are worth: Kish, "Survey Sampling", 1965, section 11.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

from adserver.core.catalog import Campaign, Clause, Pace, Tier
from adserver.core.deviation import DEVIATIONS, Deviation, share_error
from adserver.core.forecast import DAY_SECONDS, WEEK_SECONDS
from adserver.core.market import Market, Place

# A flight without an end is taken to last a year.
HORIZON_SECONDS = 366 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Question:
    """How much of a slot between two instants (UTC seconds), of pages and readers wanted so."""

    slot: str
    since: float
    until: float
    targeting: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known besides forecasts. left: impressions that are left to each campaign with a
    goal; None where that cannot be told, and it wants all it may have. shown: see above. samples:
    how many the slot's are worth."""

    left: Mapping[str, float | None]
    shown: float
    deviation: Deviation
    samples: float


@dataclass(frozen=True, slots=True)
class Competitor:
    """A campaign that is booked here at the same or a higher tier, and what it takes
    (impressions)."""

    campaign: Campaign
    takes: float


@dataclass(frozen=True, slots=True)
class Available:
    """requests: forecast of the slot; share: of them that are wanted. The others are impressions;
    low, high: in eight cases of ten."""

    requests: float
    share: float
    supply: float
    available: float
    low: float
    high: float
    competitors: tuple[Competitor, ...]


def available(market: Market, question: Question, counted: Counted, now: float) -> Available:
    """now: UTC seconds."""
    since, until = max(question.since, now), question.until
    place = market.place(question.slot, question.targeting)
    requests, share = place.requests(since, until), place.share((place.wish,))
    left = place.supply((place.wish,), since, until)
    takes = tuple(competitors(market, place, (since, until), counted))
    standard = sum(one.takes for one in takes if one.campaign.tier is Tier.STANDARD)
    half = half_width(question, requests, share, counted, now)
    # Sponsorships have their share of more, and of less.
    half *= left / (requests * share) if requests * share else 0.0
    return Available(
        requests=requests,
        share=share,
        supply=requests * share * counted.shown,
        available=max(0.0, left * counted.shown - standard),
        low=max(0.0, (left - half) * counted.shown - standard),
        high=max(0.0, (left + half) * counted.shown - standard),
        competitors=tuple(sorted(takes, key=lambda one: (-one.takes, one.campaign.name))),
    )


def half_width(
    question: Question, requests: float, share: float, counted: Counted, now: float
) -> float:
    """Of the requests that are wanted."""
    since = max(question.since, now)
    days = (question.until - since) / DAY_SECONDS
    weeks_ahead = ((since + question.until) / 2 - now) / WEEK_SECONDS
    of_requests = counted.deviation.error(days, weeks_ahead)
    of_share = share_error(share, counted.samples) if question.targeting else 0.0
    return DEVIATIONS * sqrt((share * requests * of_requests) ** 2 + (requests * of_share) ** 2)


def competitors(
    market: Market, place: Place, time: tuple[float, float], counted: Counted
) -> Iterator[Competitor]:
    """Whoever may have some of what is asked for, in that time."""
    for position, campaign in enumerate(place.campaigns):
        here = overlap(place, position, campaign, time)
        if here <= 0.0:
            continue
        if campaign.tier is Tier.SPONSORSHIP:
            requests = place.sponsored(position, place.wish, *time)
        else:
            requests = needed(market, campaign, here, time, counted)
        yield Competitor(campaign, requests * counted.shown)


def overlap(place: Place, position: int, campaign: Campaign, time: tuple[float, float]) -> float:
    """Requests that both it and the question may have; of what sponsorships leave, if it is none
    itself."""
    since, until = during(campaign, time)
    positions = (position, place.wish)
    if campaign.tier is Tier.SPONSORSHIP:
        return place.requests(since, until, campaign.hours) * place.share(positions)
    return place.supply(positions, since, until, campaign.hours)


def during(campaign: Campaign, time: tuple[float, float]) -> tuple[float, float]:
    flight, (since, until) = campaign.flight, time
    return (
        since if flight.since is None else max(since, flight.since),
        until if flight.until is None else min(until, flight.until),
    )


def needed(
    market: Market, campaign: Campaign, here: float, time: tuple[float, float], counted: Counted
) -> float:
    """Requests that a standard campaign takes of those `here`; of one without a goal none, as it
    has what is left."""
    if campaign.name not in counted.left:
        return 0.0
    impressions = counted.left[campaign.name]
    if impressions is None:
        return here
    wanted = impressions / counted.shown
    since, until = time
    if campaign.pacing is Pace.ASAP:
        # What comes first is taken first.
        wanted = max(0.0, wanted - market.own_supply(campaign, 0.0, since))
        own = market.own_supply(campaign, since, until)
    else:
        own = market.own_supply(campaign, 0.0, until + HORIZON_SECONDS)
    return min(here, wanted * here / own) if own > 0.0 else 0.0

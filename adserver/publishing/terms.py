"""Whose each creative is, and what was agreed for each campaign, of those live no more as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from adserver.core.bought import Sold, sold
from adserver.core.catalog import Campaign, Flight, Price
from adserver.core.publication import KnownCreative


@dataclass(frozen=True, slots=True)
class Identity:
    campaign: str
    creative: str
    advertiser: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a campaign, live or as it last was. sold: the number that was bought, of
    which anything beyond is not billed."""

    name: str
    advertiser: str
    order: str
    flight: Flight
    price: Price | None
    sold: Sold | None


def terms_of(known: Iterable[KnownCreative], live: Mapping[str, Campaign]) -> dict[str, Terms]:
    """By campaign."""
    gone = {
        one.campaign: Terms(
            one.campaign, one.advertiser, one.order, one.flight, one.price, sold(one.goal)
        )
        for one in known
        if one.campaign not in live
    }
    return gone | {
        c.name: Terms(c.name, c.advertiser, c.order, c.flight, c.price, sold(c.goal))
        for c in live.values()
    }


def identities(
    numbers: Mapping[str, int], known: Mapping[int, KnownCreative], live: Mapping[str, Campaign]
) -> dict[int, Identity]:
    """By the creative's number."""
    whose = {
        number: Identity(one.campaign, one.creative.id, one.advertiser)
        for number, one in known.items()
    }
    for name, number in numbers.items():
        kind, _, rest = name.partition("/")
        campaign, _, creative = rest.partition("/")
        if kind == "creative" and campaign in live:
            whose[number] = Identity(campaign, creative, live[campaign].advertiser)
        elif kind == "creative":
            whose.setdefault(number, Identity(campaign, creative, ""))
    return whose

"""Sponsorships that promise more of a slot than there is.

Those without targeting want every request, and those with the same targeting the same ones: what
they are sold together cannot be more than all. So it is with hours. Of different ones nothing is
known here, and each is looked at by itself: who is told to be oversold certainly is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import NamedTuple

from adserver.core.candidates import Places, shown
from adserver.core.catalog import Campaign, Catalog, Tier

# Shares are floats; a third three times is all, and no more.
ROUNDING = 1e-9


class Oversold(NamedTuple):
    """share: what is sold at the same time, more than 1. campaigns: whose."""

    slot: str
    share: float
    campaigns: tuple[str, ...]


def oversold(catalog: Catalog, now: float) -> Iterator[Oversold]:
    """now: UTC seconds; what is over by then does not count."""
    places = Places(catalog)
    by_slot: dict[str, list[Campaign]] = {}
    for campaign in shown(catalog.campaigns, now):
        if campaign.tier is Tier.SPONSORSHIP:
            for slot in places.of(campaign):
                by_slot.setdefault(slot.name, []).append(campaign)
    for slot in catalog.slots:
        worst = max(clashes(by_slot.get(slot.name, [])), default=None, key=total)
        if worst and total(worst) > 1.0 + ROUNDING:
            yield Oversold(slot.name, total(worst), tuple(sorted(one.name for one in worst)))


def clashes(sponsors: Sequence[Campaign]) -> Iterator[list[Campaign]]:
    """Those who want the same requests at the same time: it is enough to look at the beginnings
    of flights, as nobody joins in between."""
    for begin in {begin_of(one) for one in sponsors}:
        running = [one for one in sponsors if begin_of(one) <= begin < end_of(one)]
        for targeting, hours in {(one.targeting, one.hours) for one in running}:
            yield [
                one
                for one in running
                if one.targeting in ((), targeting) and one.hours in ((), hours)
            ]


def begin_of(campaign: Campaign) -> float:
    return -inf if campaign.flight.since is None else campaign.flight.since


def end_of(campaign: Campaign) -> float:
    return inf if campaign.flight.until is None else campaign.flight.until


def total(sponsors: Iterable[Campaign]) -> float:
    return sum(share_of(one) for one in sponsors)


def share_of(campaign: Campaign) -> float:
    """One without a goal, of a release that knew none, had all that its weight gave it."""
    return campaign.goal.share if campaign.goal and campaign.goal.share else 0.0

"""Which generations were in force, and what a campaign that is live no more was last."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from adserver.core.catalog import Campaign
from adserver.core.ports.commands import Catalogs
from adserver.core.publication import Published

# Generations that are read whole in search of campaigns that are gone; some 50 ms each.
MAX_SEARCHED = 50


@dataclass(frozen=True, slots=True)
class InForce:
    """Generations have consecutive numbers. complete: False where older ones may have been in
    force of which nothing is known."""

    first: Published
    last: Published
    complete: bool


@dataclass(frozen=True, slots=True)
class Last:
    """campaign: as the last generation had it. ended_at: when the one without it was applied, UTC
    seconds."""

    campaign: Campaign
    ended_at: float


def in_force(history: Sequence[Published], begin: float, end: float) -> InForce | None:
    """history: newest first. begin, end: UTC seconds, the end not included. None where nothing is
    known."""
    ends = [float("inf"), *(newer.created_at for newer in history)]
    found = [
        one
        for one, ended in zip(history, ends, strict=False)
        if one.created_at < end and ended > begin
    ]
    if not found:
        return None
    oldest = history[-1]
    return InForce(found[-1], found[0], oldest.number == 1 or oldest.created_at <= begin)


def from_its_first(
    found: InForce,
    history: Sequence[Published],
    has: Callable[[Published], bool],
    counted: float,
) -> InForce:
    """Without the generations in front of the first that had the campaign.

    history: newest first. has: whether a generation had it. counted: UTC seconds by which
    something was counted of it, so that a generation had it by then. Generations that are kept no
    more are taken to have had it.
    """
    there = range(found.first.number, found.last.number + 1)
    some = [one for one in reversed(history) if one.number in there and one.kept]
    if not some or has(some[0]):
        return found
    known = sum(one.created_at < counted for one in some)
    position = bisect_left(some, True, hi=known, key=has)
    if position == len(some):
        return found
    return replace(found, first=some[position], complete=True)


def last_seen(
    catalogs: Catalogs, gone: Iterable[str], history: Sequence[Published]
) -> dict[str, Last]:
    """Of campaigns that are not live; those that no kept generation has are left out.

    history: newest first, the live one included.
    """
    wanted, found = set(gone), dict[str, Last]()
    for newer, one in list(pairwise(history))[:MAX_SEARCHED]:
        if not wanted:
            break
        for campaign in campaigns_of(catalogs, one, wanted):
            found[campaign.name] = Last(campaign, newer.created_at)
            wanted.remove(campaign.name)
    return found


def campaigns_of(catalogs: Catalogs, one: Published, wanted: Collection[str]) -> list[Campaign]:
    stored = catalogs.generation(one.number)
    if stored is None:
        return []
    return [campaign for campaign in stored[0].catalog.campaigns if campaign.name in wanted]

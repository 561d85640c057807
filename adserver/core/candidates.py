"""Who may be shown in each slot: now, and later in their flights. Hours of the day are no part of
that: they come round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from adserver.core.booking import booked_slots
from adserver.core.catalog import Campaign, Catalog, OnEmpty, Slot, State, Tier
from adserver.core.fit import fits_anywhere
from adserver.core.flights import ended


class Candidates(NamedTuple):
    """Names of campaigns. later: those whose flights are to come; no one is in both."""

    now: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.now | self.later


NOBODY = Candidates()


class Places:
    """Which slots of a catalog campaigns are booked in; many are booked in the same ones."""

    def __init__(self, catalog: Catalog) -> None:
        self._slots = catalog.slots
        self._known: dict[tuple[tuple[str, ...], bool], tuple[Slot, ...]] = {}

    def of(self, campaign: Campaign) -> tuple[Slot, ...]:
        """Those where it may be shown: of a house campaign, where house campaigns are."""
        house = campaign.tier is Tier.HOUSE
        key = campaign.slots, house
        if key not in self._known:
            self._known[key] = tuple(
                slot
                for slot in booked_slots(campaign, self._slots)
                if not house or slot.on_empty is OnEmpty.HOUSE
            )
        return self._known[key]


def candidates(catalog: Catalog, now: float) -> dict[str, Candidates]:
    """By slot. now: UTC seconds."""
    places = Places(catalog)
    running: dict[str, set[str]] = {slot.name: set() for slot in catalog.slots}
    to_come: dict[str, set[str]] = {slot.name: set() for slot in catalog.slots}
    for campaign in shown(catalog.campaigns, now):
        since = campaign.flight.since
        found = running if since is None or since <= now else to_come
        for slot in places.of(campaign):
            if any(fits_anywhere(creative, slot) for creative in campaign.creatives):
                found[slot.name].add(campaign.name)
    return {
        name: Candidates(frozenset(running[name]), frozenset(to_come[name])) for name in running
    }


def shown(campaigns: Iterable[Campaign], now: float) -> Iterable[Campaign]:
    """Those that are ready, and not over."""
    return (one for one in campaigns if one.state is State.READY and not ended(one.flight, now))


def without_house(catalog: Catalog, by_slot: dict[str, Candidates]) -> frozenset[str]:
    """Slots that fall back on house campaigns, where there is none now."""
    houses = {one.name for one in catalog.campaigns if one.tier is Tier.HOUSE}
    return frozenset(
        slot.name
        for slot in catalog.slots
        if slot.on_empty is OnEmpty.HOUSE and houses.isdisjoint(by_slot[slot.name].now)
    )

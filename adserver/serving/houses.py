"""House ads that need no decision: what stands in for an ad while a worker sheds.

Only those that any reader may be shown at any time that they run: without targeting, limits,
frequency caps, roadblocks or trades that compete. So nothing of the page has to be read but which
device it is on, and which campaigns it excludes.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from adserver.core.catalog import Campaign, Device, OnEmpty, Tier
from adserver.core.context import Context
from adserver.core.decision import pick
from adserver.core.goals import limits_of
from adserver.core.places import Places, Table, iter_shelves
from adserver.core.shelf import Placement, Shelf

Shown = Container[tuple[str, str]]


class Kept(NamedTuple):
    """The house ads of a slot on one device, for as long as the slot's table is the same."""

    table: Table
    shelf: Shelf | None


def needs_no_decision(campaign: Campaign) -> bool:
    return not (
        campaign.targeting
        or campaign.frequency
        or campaign.roadblock
        or campaign.competes_in
        or limits_of(campaign)
    )


class Houses:
    """Of one generation."""

    def __init__(self, contexts: Mapping[Device, Context]) -> None:
        """contexts: of each device what is known of a page that is not read."""
        self._contexts = contexts
        self._kept: dict[tuple[int, Device], Kept] = {}

    def choose(  # noqa: PLR0913 - as `decide`
        self,
        places: Places,
        device: Device,
        now: float,
        draw: float,
        excluded: Container[str] = (),
        shown: Shown = (),
    ) -> Placement | None:
        """By weight, as ever; None where the slot shows no house ads, or none of these.

        now: UTC seconds. draw: a number in [0, 1). excluded: names of campaigns that are on the
        page; shown: campaigns and creatives that this call has put there.
        """
        if places.slot.on_empty is not OnEmpty.HOUSE:
            return None
        shelf = self._shelf(places, device, now)
        if shelf is None:
            return None
        placement, draw = pick(shelf, draw)
        if placement is None or takes(placement, excluded, shown):
            return placement
        left = [n for n, one in enumerate(shelf.placements) if takes(one, excluded, shown)]
        return pick(shelf.only(left), draw)[0] if left else None

    def _shelf(self, places: Places, device: Device, now: float) -> Shelf | None:
        # A new one each time that somebody begins, ends, is paused or goes on.
        table = places.table(self._contexts[device], now)
        kept = self._kept.get((places.number, device))
        if kept is None or kept.table is not table:
            kept = self._kept[places.number, device] = Kept(table, house_shelf(table))
        return kept.shelf


def takes(placement: Placement, excluded: Container[str], shown: Shown) -> bool:
    name = placement.campaign.name
    return name not in excluded and (name, placement.creative.id) not in shown


def house_shelf(table: Table) -> Shelf | None:
    for shelf in iter_shelves(table):
        if shelf.tier is Tier.HOUSE:
            every = enumerate(shelf.placements)
            left = [n for n, one in every if needs_no_decision(one.campaign)]
            return shelf.only(left) if left else None
    return None

"""A snapshot: one generation compiled for deciding.

Compile once, decide many times. Per slot and device a `Table` holds who may serve, tier by
tier, with cumulated weights. Whether a campaign may run changes only at known instants (a
flight's ends, a daypart's edges), so a table is good until the next of them and is built
anew by the first decision after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from adserver.core.catalog import (
    TIERS,
    Campaign,
    Catalog,
    Creative,
    Device,
    Generation,
    OnEmpty,
    Slot,
    Tier,
    booked_slots,
)
from adserver.core.fit import fitting
from adserver.core.flights import next_change, standing
from adserver.core.reasons import Reason, furthest


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """One creative of one campaign in one slot, and its share of its tier's weight."""

    campaign: Campaign
    creative: Creative
    slot: Slot
    creative_number: int
    slot_number: int
    weight: float


@dataclass(frozen=True, slots=True)
class Shelf:
    """The placements of one tier, and the running sum of their weights."""

    tier: Tier
    placements: tuple[Placement, ...]
    cumulated: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Who may serve a slot on a device until `good_until` (UTC seconds), best tier first.

    kept_out: why each of the other candidates may not, by campaign name.
    empty: the reason to give where no shelf serves.
    """

    shelves: tuple[Shelf, ...]
    kept_out: Mapping[str, Reason]
    empty: Reason
    good_until: float


@dataclass(slots=True)
class Places:
    """What is booked in one slot: candidates in the catalog's order and the tables made of them."""

    slot: Slot
    number: int
    candidates: tuple[Campaign, ...]
    creative_numbers: Mapping[tuple[str, str], int]
    tables: dict[Device, Table]

    def table(self, device: Device, now: float) -> Table:
        table = self.tables.get(device)
        if table is None or now >= table.good_until:
            table = self.tables[device] = self._build(device, now)
        return table

    def _build(self, device: Device, now: float) -> Table:
        kept_out: dict[str, Reason] = {}
        by_tier: dict[Tier, list[Placement]] = {}
        for campaign in self.candidates:
            reason = standing(campaign, now)
            creatives = fitting(campaign, self.slot, device)
            if reason is None and not creatives:
                reason = Reason.WRONG_SIZE
            if reason is not None:
                kept_out[campaign.name] = reason
                continue
            by_tier.setdefault(campaign.tier, []).extend(self._placements(campaign, creatives))
        return Table(
            shelves=tuple(shelf(tier, by_tier[tier]) for tier in TIERS if tier in by_tier),
            kept_out=kept_out,
            empty=furthest(set(kept_out.values())),
            good_until=min((next_change(c, now) for c in self.candidates), default=float("inf")),
        )

    def _placements(self, campaign: Campaign, creatives: tuple[Creative, ...]) -> list[Placement]:
        total = sum(creative.weight for creative in creatives)
        return [
            Placement(
                campaign,
                creative,
                self.slot,
                self.creative_numbers[campaign.name, creative.id],
                self.number,
                campaign.weight * creative.weight / total,
            )
            for creative in creatives
        ]


def shelf(tier: Tier, placements: list[Placement]) -> Shelf:
    return Shelf(tier, tuple(placements), tuple(accumulate(p.weight for p in placements)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    generation: int
    catalog: Catalog
    places: Mapping[str, Places]
    site_numbers: Mapping[str, int]
    by_creative_number: Mapping[int, tuple[Campaign, Creative]]


def compile_snapshot(generation: Generation) -> Snapshot:
    catalog, numbers = generation.catalog, generation.numbers
    candidates: dict[str, list[Campaign]] = {slot.name: [] for slot in catalog.slots}
    # In the order of names, so that the order of files or folders never matters to a draw.
    for campaign in sorted(catalog.campaigns, key=lambda c: c.name):
        for slot in booked_slots(campaign, catalog.slots):
            if campaign.tier is not Tier.HOUSE or slot.on_empty is OnEmpty.HOUSE:
                candidates[slot.name].append(campaign)
    return Snapshot(
        generation=generation.number,
        catalog=catalog,
        places={
            slot.name: Places(
                slot=slot,
                number=numbers[f"slot/{slot.name}"],
                candidates=tuple(candidates[slot.name]),
                creative_numbers={
                    (c.name, creative.id): numbers[f"creative/{c.name}/{creative.id}"]
                    for c in candidates[slot.name]
                    for creative in c.creatives
                },
                tables={},
            )
            for slot in catalog.slots
        },
        site_numbers={name: numbers[f"site/{name}"] for name in catalog.site.sites},
        by_creative_number={
            numbers[f"creative/{campaign.name}/{creative.id}"]: (campaign, creative)
            for campaign in catalog.campaigns
            for creative in campaign.creatives
        },
    )

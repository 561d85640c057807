"""A snapshot: one generation compiled for deciding.

Compile once, decide many times. What a marketer wrote becomes bits, a position for each campaign
of a tier in a slot: who may run now (which changes at known instants only), whose creatives fit
a device, and who wants which value of which fact. A `Table` is what a page and a reader make of
that; it is kept, as pages are asked for again, until the next of those instants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from adserver.core.bits import pack, positions_in
from adserver.core.catalog import (
    TIERS,
    Campaign,
    Catalog,
    Creative,
    Device,
    Generation,
    Slot,
    Tier,
    may_book,
)
from adserver.core.context import Context
from adserver.core.fit import fitting
from adserver.core.reasons import REACH, Reason
from adserver.core.targeting import Values, values_of
from adserver.core.timetable import NEVER, Timetable
from adserver.core.wants import Vocabulary, Wants

# Per slot; past that all is forgotten and found out anew. A table of many campaigns is heavier
# than one of few, so what they hold together is limited as well: some 100 bytes each.
MAX_CONTEXTS = 8_192
MAX_TABLES = 2_048
MAX_PLACEMENTS = 500_000
TABLES_BETWEEN_WEIGHINGS = 32


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
    """The placements of one tier, and the running sum of their weights.

    shares: weights are shares of the traffic, and what they leave is the next tier's.
    whole: what a draw of 1 stands for: all the weights, or of shares 1, if they are not more.
    """

    tier: Tier
    placements: tuple[Placement, ...]
    cumulated: tuple[float, ...]
    shares: bool
    whole: float

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(end - begin for begin, end in pairwise((0.0, *self.cumulated)))


def shelf(tier: Tier, placements: Sequence[Placement], weights: Iterable[float] = ()) -> Shelf:
    """weights: instead of those that the placements have by themselves."""
    cumulated = tuple(accumulate(weights or (p.weight for p in placements)))
    shares = tier is Tier.SPONSORSHIP
    whole = max(cumulated[-1], 1.0) if shares else cumulated[-1]
    return Shelf(tier, tuple(placements), cumulated, shares, whole)


def weight_of(campaign: Campaign) -> float:
    """A sponsorship's share, all of it where none is said; of others, the weight."""
    if campaign.tier is not Tier.SPONSORSHIP:
        return campaign.weight
    return (campaign.goal and campaign.goal.share) or 1.0


@dataclass(slots=True)
class Group:
    """The campaigns of one tier in one slot. Their order is that of their names, so that the
    order of files or folders never matters to a draw."""

    tier: Tier
    slot: Slot
    slot_number: int
    campaigns: tuple[Campaign, ...]
    creative_numbers: Mapping[tuple[str, str], int]
    wants: Wants
    timetable: Timetable
    _fits: dict[Device, int] = field(default_factory=dict)
    _placements: dict[tuple[Device, int], tuple[Placement, ...]] = field(default_factory=dict)

    def fits(self, device: Device) -> int:
        """The bits of those that have a creative for the slot's room on a device."""
        if device not in self._fits:
            campaigns = enumerate(self.campaigns)
            self._fits[device] = pack([n for n, c in campaigns if fitting(c, self.slot, device)])
        return self._fits[device]

    def shelf(self, device: Device, values: Values) -> Shelf | None:
        """Those that may serve a context with these values; None if nobody may."""
        may = self.wants.of(self.timetable.may_run & self.fits(device), values)
        if not may:
            return None
        placements = [p for n in positions_in(may) for p in self._placed(device, n)]
        return shelf(self.tier, placements)

    def _placed(self, device: Device, position: int) -> tuple[Placement, ...]:
        placed = self._placements.get((device, position))
        if placed is None:
            placed = tuple(self._place(self.campaigns[position], device))
            self._placements[device, position] = placed
        return placed

    def _place(self, campaign: Campaign, device: Device) -> Iterator[Placement]:
        creatives = fitting(campaign, self.slot, device)
        total, weight = sum(creative.weight for creative in creatives), weight_of(campaign)
        for creative in creatives:
            yield Placement(
                campaign,
                creative,
                self.slot,
                self.creative_numbers[campaign.name, creative.id],
                self.slot_number,
                weight * creative.weight / total,
            )

    def furthest(self, device: Device) -> Reason:
        """How far those came of whom nobody may serve."""
        may_run = self.timetable.may_run
        if may_run & self.fits(device):
            return Reason.TARGETING
        return Reason.WRONG_SIZE if may_run else self.timetable.furthest


class Table:
    """Who may serve a slot in contexts of one kind, best tier first; a tier is looked at when
    those before it have nobody to serve."""

    def __init__(self, groups: Sequence[Group], device: Device, values: Values) -> None:
        self._left = list(reversed(groups))
        self._groups = groups
        self._device = device
        self._values = values
        self._made: list[Shelf] = []
        self.first = self.shelf(0)

    def shelf(self, number: int) -> Shelf | None:
        """The shelves that hold anything are counted from 0; None behind the last."""
        while len(self._made) <= number:
            if not self._left:
                return None
            made = self._left.pop().shelf(self._device, self._values)
            if made is not None:
                self._made.append(made)
        return self._made[number]

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        return tuple(iter_shelves(self))

    @property
    def size(self) -> int:
        """Placements on the shelves that were looked at."""
        return sum(len(one.placements) for one in self._made)

    @property
    def empty(self) -> Reason:
        """The reason to give where no shelf serves: how far any candidate came."""
        reasons = (group.furthest(self._device) for group in self._groups)
        return max(reasons, key=REACH.__getitem__, default=Reason.NO_CAMPAIGN)


def iter_shelves(table: Table) -> Iterator[Shelf]:
    number = 0
    while (one := table.shelf(number)) is not None:
        yield one
        number += 1


Signature = tuple[tuple[str, tuple[str, ...]], ...]


class Places:
    """What is booked in one slot, and the tables made of it.

    candidates: in the order of their names.
    """

    def __init__(
        self,
        slot: Slot,
        number: int,
        candidates: Sequence[Campaign],
        creative_numbers: Mapping[tuple[str, str], int],
    ) -> None:
        self.slot, self.number = slot, number
        self.candidates = tuple(sorted(candidates, key=lambda campaign: campaign.name))
        self._groups = [
            self._group(tier, some, creative_numbers)
            for tier in TIERS
            if (some := tuple(c for c in self.candidates if c.tier is tier))
        ]
        self._vocabulary = Vocabulary(group.wants for group in self._groups)
        self._since = self._until = -NEVER
        self._by_context: dict[tuple[object, ...], Table] = {}
        self._by_signature: dict[tuple[Device, Signature], Table] = {}

    def _group(
        self,
        tier: Tier,
        campaigns: tuple[Campaign, ...],
        creative_numbers: Mapping[tuple[str, str], int],
    ) -> Group:
        return Group(
            tier,
            self.slot,
            self.number,
            campaigns,
            creative_numbers,
            Wants([campaign.targeting for campaign in campaigns]),
            Timetable(campaigns),
        )

    @property
    def good_until(self) -> float:
        """UTC seconds of the next instant at which a campaign may begin or stop to run."""
        return self._until

    def table(self, context: Context, now: float) -> Table:
        """now: UTC seconds."""
        if not self._since <= now < self._until:
            self._advance(now)
        url = context.url if self._vocabulary.patterns else ""
        key = (context.device, context.site, url, context.facts)
        table = self._by_context.get(key)
        return table if table is not None else self._look_up(key, context)

    def _advance(self, now: float) -> None:
        """Also to a time before the last one, as where a clock is set back."""
        for group in self._groups:
            if now < self._since:
                group.timetable.restart()
            group.timetable.advance(now)
        self._since = now
        self._until = min((g.timetable.good_until for g in self._groups), default=NEVER)
        self._forget()

    def _forget(self) -> None:
        self._by_context.clear()
        self._by_signature.clear()

    def _look_up(self, key: tuple[object, ...], context: Context) -> Table:
        of_site, values = bool(context.site), values_of(context)
        signature = self._vocabulary.signature(values, context.url, of_site=of_site)
        table = self._by_signature.get((context.device, signature))
        if table is None:
            table = Table(self._groups, context.device, dict(signature))
            self._bound()
            self._by_signature[context.device, signature] = table
        if len(self._by_context) >= MAX_CONTEXTS:
            self._by_context.clear()
        self._by_context[key] = table
        return table

    def _bound(self) -> None:
        tables = self._by_signature
        # A table grows when a tier below its first is asked for, so all are weighed now and then.
        heavy = len(tables) % TABLES_BETWEEN_WEIGHINGS == 0 and (
            sum(table.size for table in tables.values()) > MAX_PLACEMENTS
        )
        if heavy or len(tables) >= MAX_TABLES:
            self._forget()


@dataclass(frozen=True, slots=True)
class Snapshot:
    generation: int
    catalog: Catalog
    places: Mapping[str, Places]
    campaigns: Mapping[str, Campaign]
    site_numbers: Mapping[str, int]
    by_creative_number: Mapping[int, tuple[Campaign, Creative]]


def compile_snapshot(generation: Generation) -> Snapshot:
    catalog, numbers = generation.catalog, generation.numbers
    candidates: dict[str, list[Campaign]] = {slot.name: [] for slot in catalog.slots}
    for campaign in catalog.campaigns:
        for slot in catalog.slots:
            if may_book(campaign, slot):
                candidates[slot.name].append(campaign)
    creative_numbers = {
        (campaign.name, creative.id): numbers[f"creative/{campaign.name}/{creative.id}"]
        for campaign in catalog.campaigns
        for creative in campaign.creatives
    }
    return Snapshot(
        generation=generation.number,
        catalog=catalog,
        places={
            slot.name: Places(
                slot, numbers[f"slot/{slot.name}"], candidates[slot.name], creative_numbers
            )
            for slot in catalog.slots
        },
        campaigns={campaign.name: campaign for campaign in catalog.campaigns},
        site_numbers={name: numbers[f"site/{name}"] for name in catalog.site.sites},
        by_creative_number={
            creative_numbers[campaign.name, creative.id]: (campaign, creative)
            for campaign in catalog.campaigns
            for creative in campaign.creatives
        },
    )

"""Shelves: who may serve, side by side, and how much of a draw each owns."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from adserver.core.catalog import Campaign, Creative, Slot, Tier

# What a lineup keeps of a placement that has not won yet is some 24 bytes.
NUMBERS_A_PLACEMENT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """One creative of one campaign in one slot, and its share of its tier's weight."""

    campaign: Campaign
    creative: Creative
    slot: Slot
    creative_number: int
    slot_number: int
    weight: float


Parts = tuple[tuple[float, ...], float]
"""The weights of one campaign's creatives, and their sum."""
Placed = tuple[Placement, ...] | dict[int, Placement]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The placements of one tier, and the running sum of their weights.

    placed: by their numbers on the shelf; `core.lineup` makes each when it is first asked for.
    shares: weights are shares of the traffic, and what they leave is the next tier's.
    whole: what a draw of 1 stands for: all the weights, or of shares 1, if they are not more.
    rates: of campaigns with goals the rate of each placement's campaign; of others none.
    order, starts: of a lineup the positions of its campaigns in their group, and where each of
    them begins on the shelf, the end of the last one included; of others none.
    """

    tier: Tier
    placed: Placed
    cumulated: Sequence[float]
    shares: bool
    whole: float
    rates: Sequence[float] = ()
    order: Sequence[int] = ()
    starts: Sequence[int] = ()

    @property
    def placements(self) -> tuple[Placement, ...]:
        """All of them: of a lineup, for whoever has time."""
        if isinstance(self.placed, tuple):
            return self.placed
        return tuple(self.placed[n] for n in range(len(self.cumulated)))

    @property
    def size(self) -> int:
        """As heavy as so many placements, of some 100 bytes; the shelf itself as two."""
        many = len(self.cumulated)
        return 2 + (len(self.placed) + many // NUMBERS_A_PLACEMENT if self.order else many)

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(end - begin for begin, end in pairwise((0.0, *self.cumulated)))

    @property
    def paced(self) -> bool:
        """Whether these are campaigns with goals, each at its rate."""
        return bool(self.rates)

    @property
    def by_campaign(self) -> Mapping[str, float]:
        """The weight of each campaign, all of its creatives together."""
        return by_campaign(self.placements, self.weights)

    def only(self, positions: Sequence[int]) -> Shelf:
        """Some of the placements, as if they stood there with no others.

        A campaign of which some creatives are gone keeps its weight, in those that are left.
        """
        placements = [self.placed[n] for n in positions]
        if self.paced:
            rated = zip((self.rates[n] for n in positions), placements, strict=True)
            of_each = groupby(rated, key=lambda one: one[1].campaign.name)
            together = (list(some) for _, some in of_each)
            return paced_shelf((some[0][0], [placed for _, placed in some]) for some in together)
        every = self.weights
        weights = [every[n] for n in positions]
        booked, there = self.by_campaign, by_campaign(placements, weights)
        kept = [
            weight * booked[placed.campaign.name] / there[placed.campaign.name]
            for placed, weight in zip(placements, weights, strict=True)
        ]
        return shelf(self.tier, placements, kept, shares=self.shares)


def by_campaign(placements: Iterable[Placement], weights: Iterable[float]) -> Mapping[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for placement, weight in zip(placements, weights, strict=True):
        sums[placement.campaign.name] += weight
    return sums


def shelf(
    tier: Tier, placements: Sequence[Placement], weights: Iterable[float], *, shares: bool = False
) -> Shelf:
    cumulated = tuple(accumulate(weights))
    whole = max(cumulated[-1], 1.0) if shares else cumulated[-1]
    return Shelf(tier, tuple(placements), cumulated, shares, whole)


def paced_shelf(rated: Iterable[tuple[float, Sequence[Placement]]]) -> Shelf:
    """Rates side by side; what reaches beyond 1 is cut, never scaled (`core.pacing`).

    rated: the rate of each campaign and its placements, the scarcest first.
    """
    placements: list[Placement] = []
    rates: list[float] = []
    parts: list[Parts] = []
    for rate, placed in rated:
        placements += placed
        rates.append(rate)
        weights = tuple(placement.weight for placement in placed)
        parts.append((weights, sum(weights)))
    cumulated, of_each = side_by_side(rates, parts)
    return Shelf(Tier.STANDARD, tuple(placements), cumulated, True, 1.0, of_each)


def side_by_side(
    rates: Iterable[float], parts: Iterable[Parts]
) -> tuple[array[float], array[float]]:
    """The running sum of the creatives' weights, and of each its campaign's rate.

    rates, parts: of each campaign. Numbers and no objects, as there may be thousands.
    """
    cumulated: list[float] = []
    of_each: list[float] = []
    end, left = 0.0, 1.0
    for rate, (weights, total) in zip(rates, parts, strict=True):
        # Nearly all have nothing, where more is sold than there is.
        cut = min(rate, left) if left > 0.0 else 0.0
        left -= cut
        for weight in weights:
            end += cut * weight / total
            cumulated.append(end)
            of_each.append(rate)
    return array("d", cumulated), array("d", of_each)


def shares_of(creatives: Sequence[Creative], weight: float) -> Iterator[float]:
    """What each creative has of its campaign's weight."""
    total = sum(creative.weight for creative in creatives)
    return (weight * creative.weight / total for creative in creatives)


def parts_of(creatives: Sequence[Creative]) -> Parts:
    weights = tuple(shares_of(creatives, 1.0))
    return weights, sum(weights)


def weight_of(campaign: Campaign) -> float:
    """A sponsorship's share, all of it where none is said; of others, the weight."""
    if campaign.tier is not Tier.SPONSORSHIP:
        return campaign.weight
    return (campaign.goal and campaign.goal.share) or 1.0

"""Shelves: who may serve, side by side, and how much of a draw each owns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from adserver.core.catalog import Campaign, Creative, Slot, Tier


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
    rates: of campaigns with goals the rate of each placement's campaign; of others none.
    """

    tier: Tier
    placements: tuple[Placement, ...]
    cumulated: tuple[float, ...]
    shares: bool
    whole: float
    rates: tuple[float, ...] = ()

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
        placements = [self.placements[n] for n in positions]
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
    weights: list[float] = []
    rates: list[float] = []
    left = 1.0
    for rate, placed in rated:
        if left <= 0.0:  # nearly all of them, where more is sold than there is
            placements += placed
            weights += [0.0] * len(placed)
            rates += [rate] * len(placed)
            continue
        cut = min(rate, left)
        left -= cut
        total = sum(placement.weight for placement in placed)
        for placement in placed:
            placements.append(placement)
            weights.append(cut * placement.weight / total)
            rates.append(rate)
    cumulated = tuple(accumulate(weights))
    return Shelf(Tier.STANDARD, tuple(placements), cumulated, True, 1.0, tuple(rates))


def weight_of(campaign: Campaign) -> float:
    """A sponsorship's share, all of it where none is said; of others, the weight."""
    if campaign.tier is not Tier.SPONSORSHIP:
        return campaign.weight
    return (campaign.goal and campaign.goal.share) or 1.0

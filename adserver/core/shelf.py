"""Shelves: who may serve, side by side, and how much of a draw each owns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

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
    """

    tier: Tier
    placements: tuple[Placement, ...]
    cumulated: tuple[float, ...]
    shares: bool
    whole: float

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(end - begin for begin, end in pairwise((0.0, *self.cumulated)))

    @property
    def paced(self) -> bool:
        """Whether these are campaigns with goals, each at its rate."""
        return self.shares and self.tier is Tier.STANDARD

    @property
    def by_campaign(self) -> Mapping[str, float]:
        """The weight of each campaign, all of its creatives together."""
        sums: defaultdict[str, float] = defaultdict(float)
        for placement, weight in zip(self.placements, self.weights, strict=True):
            sums[placement.campaign.name] += weight
        return sums

    def of(self, placements: Sequence[Placement], weights: Iterable[float]) -> Shelf:
        """Others in the place of these."""
        return shelf(self.tier, placements, weights, shares=self.shares)


def shelf(
    tier: Tier, placements: Sequence[Placement], weights: Iterable[float], *, shares: bool = False
) -> Shelf:
    cumulated = tuple(accumulate(weights))
    whole = max(cumulated[-1], 1.0) if shares else cumulated[-1]
    return Shelf(tier, tuple(placements), cumulated, shares, whole)


def weight_of(campaign: Campaign) -> float:
    """A sponsorship's share, all of it where none is said; of others, the weight."""
    if campaign.tier is not Tier.SPONSORSHIP:
        return campaign.weight
    return (campaign.goal and campaign.goal.share) or 1.0

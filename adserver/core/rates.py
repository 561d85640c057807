"""How often each campaign with a goal takes part, as decisions are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from adserver.core.booking import may_book
from adserver.core.bought import bought
from adserver.core.catalog import Campaign, Generation, Tier
from adserver.core.steps import Steps, chosen


@dataclass(frozen=True, slots=True)
class Rates:
    """rates: by the campaign's name, the probability, 0 to 1, with which it takes a request that
    it may have. ranks: the order in which they are added up, the scarcest first."""

    rates: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)

    def rate(self, campaign: str) -> float:
        """1 for a campaign of which nothing has been reckoned yet: nobody says that it may wait."""
        return self.rates.get(campaign, 1.0)

    def rank(self, campaign: str) -> int:
        return self.ranks.get(campaign, 0)

    def rates_of(self, campaigns: Iterable[Campaign]) -> list[float]:
        """As `rate` says of each, for very many."""
        of = self.rates.get
        return [of(campaign.name, 1.0) for campaign in campaigns]

    def ranks_of(self, campaigns: Iterable[Campaign]) -> list[int]:
        """As `rank` says of each."""
        of = self.ranks.get
        return [of(campaign.name, 0) for campaign in campaigns]


UNPACED = Rates()


def is_paced(campaign: Campaign) -> bool:
    """Whether it has a goal to reach by the end of its flight."""
    return campaign.tier is Tier.STANDARD and bought(campaign) is not None


def without_names(generation: Generation) -> Generation:
    """With the numbers of its slots and sites, which is all that pacing asks for, for whoever
    keeps it: those of campaigns and creatives are some 300 bytes a campaign."""
    catalog, numbers = generation.catalog, generation.numbers
    asked = [f"slot/{slot.name}" for slot in catalog.slots]
    asked += [f"site/{name}" for name in catalog.site.sites]
    return replace(generation, numbers={name: numbers[name] for name in asked})


def slots_with_goals(generation: Generation) -> Steps[list[int]]:
    """Numbers of the slots that a campaign with a goal has booked."""
    catalog, numbers = generation.catalog, generation.numbers
    paced = yield from chosen(catalog.campaigns, is_paced)
    return [
        numbers[f"slot/{slot.name}"]
        for slot in catalog.slots
        if any(may_book(campaign, slot) for campaign in paced)
    ]

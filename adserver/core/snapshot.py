"""A snapshot: one generation compiled for deciding.

Compile once, decide many times. What a marketer wrote becomes bits, a position for each campaign
of a tier in a slot (`core.group`): so a page is asked about all of them at once (`core.places`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adserver.core.catalog import Campaign, Catalog, Creative, Generation
from adserver.core.numbered import Own, numbers_of
from adserver.core.pauses import NOTHING_STOPPED, Stopped
from adserver.core.places import Places
from adserver.core.rates import Rates
from adserver.core.roster import Rosters
from adserver.core.steps import Steps, finish, in_steps


@dataclass(slots=True)
class Snapshot:
    """stopped: what is paused; but for that and for rates, a snapshot does not change.

    numbers: of each campaign and its creatives, by the campaign's name.
    """

    generation: int
    catalog: Catalog
    places: Mapping[str, Places]
    campaigns: Mapping[str, Campaign]
    site_numbers: Mapping[str, int]
    numbers: Mapping[str, Own]
    of_creative: Mapping[int, Campaign]
    stopped: Stopped = NOTHING_STOPPED

    def creative(self, number: int) -> tuple[Campaign, Creative] | None:
        """By its number, with its campaign. Events ask for the campaign alone, so what is kept is
        that: a pair of each creative would be 56 bytes more of it."""
        campaign = self.of_creative.get(number)
        if campaign is None:
            return None
        _, *of_creatives = self.numbers[campaign.name]
        return campaign, campaign.creatives[of_creatives.index(number)]

    def pacing(self, rates: Rates) -> Steps[None]:
        """From now on campaigns with goals take part at these rates."""
        every = {id(one): one for places in self.places.values() for one in places.rosters}
        for roster in every.values():
            if roster.paced:
                yield from roster.pace(rates)
        for places in self.places.values():
            places.renew()
            yield

    def stopping(self, stopped: Stopped) -> Steps[None]:
        """From now on this is paused, and nothing else: slot by slot."""
        for places in self.places.values():
            yield from places.stopping(stopped)
        self.stopped = stopped


def compile_snapshot(generation: Generation) -> Snapshot:
    """All at once."""
    return finish(compiling(generation))


def compiling(generation: Generation, now: float | None = None) -> Steps[Snapshot]:
    """now: UTC seconds at which it will be asked first; None to find out then."""
    catalog, numbers = generation.catalog, numbers_of(generation)
    # Mostly in this order already, which makes it a matter of milliseconds.
    campaigns = sorted(catalog.campaigns, key=lambda campaign: campaign.name)
    of_creative: dict[int, Campaign] = {}
    for campaign, ends in in_steps(campaigns):
        for number in numbers.own[campaign.name][1:]:
            of_creative[number] = campaign
        if ends:
            yield
    places: dict[str, Places] = {}
    rosters = Rosters()
    for slot in catalog.slots:
        places[slot.name] = yield from Places.compiling(
            slot, numbers[f"slot/{slot.name}"], campaigns, numbers.own, rosters
        )
        if now is not None:
            yield from places[slot.name].advancing(now)
    return Snapshot(
        generation=generation.number,
        catalog=catalog,
        places=places,
        campaigns={campaign.name: campaign for campaign in campaigns},
        site_numbers={name: numbers[f"site/{name}"] for name in catalog.site.sites},
        numbers=numbers.own,
        of_creative=of_creative,
    )

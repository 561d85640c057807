"""What is sold of the slots' traffic: who may have which part of it, and what is left.

Sponsorships come first, each with its share of the requests that it may have; standard campaigns
have what they leave. Where several sponsorships do not run all the time, each takes its share for
the part of the traffic in which it runs, as if they were independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign, Catalog, Clause, Hours, Slot, State, Tier
from adserver.core.flights import ended
from adserver.core.forecast import Forecast
from adserver.core.reach import Part, anybody_like, parts_of, taker_of
from adserver.core.samples import Sample
from adserver.core.shelf import weight_of

SOLD = (Tier.SPONSORSHIP, Tier.STANDARD)


def is_sold(campaign: Campaign, now: float) -> bool:
    """Whether it has been bought, and not been ended: one that is paused may go on tomorrow."""
    bought = campaign.tier in SOLD and campaign.state is not State.DRAFT
    return bought and not ended(campaign.flight, now)


class Place:
    """One slot: its forecast, who has bought it, and the parts of its traffic.

    wish: the targeting of somebody who has not bought yet; its bit is the one behind all others.
    """

    def __init__(
        self,
        slot: Slot,
        forecast: Forecast,
        campaigns: Sequence[Campaign],
        samples: Sequence[Sample],
        wish: tuple[Clause, ...] = (),
    ) -> None:
        self.slot, self.forecast = slot, forecast
        self.campaigns = tuple(campaigns)
        self.wish = len(self.campaigns)
        takers = [*(taker_of(one, slot) for one in campaigns), anybody_like(wish, slot)]
        self.parts: list[Part] = parts_of(takers, samples)
        self.position = {one.name: n for n, one in enumerate(self.campaigns)}
        self._during: dict[tuple[Hours, ...], Forecast] = {(): forecast}

    @cached_property
    def sponsors(self) -> list[int]:
        return [n for n, one in enumerate(self.campaigns) if one.tier is Tier.SPONSORSHIP]

    def requests(self, since: float, until: float, hours: tuple[Hours, ...] = ()) -> float:
        """Of all there are, between two instants (UTC seconds), during some hours."""
        if hours not in self._during:
            self._during[hours] = self.forecast.during(hours)
        return self._during[hours].usual(since, until) if since < until else 0.0

    def running(self, campaign: Campaign, since: float, until: float) -> float:
        """Of the requests in that time, the share in which a campaign runs."""
        total = self.requests(since, until)
        flight = campaign.flight
        begin = max(since, -inf if flight.since is None else flight.since)
        end = min(until, inf if flight.until is None else flight.until)
        return self.requests(begin, end, campaign.hours) / total if total else 0.0

    def loads(self, since: float, until: float) -> dict[int, float]:
        """What share of the requests each sponsorship has, of those that it may have."""
        return {
            n: weight_of(self.campaigns[n]) * self.running(self.campaigns[n], since, until)
            for n in self.sponsors
        }

    def share(self, positions: Sequence[int]) -> float:
        """The share of the traffic that all of these may have."""
        return sum(part.share for part in self.parts if may_all(part, positions))

    def supply(
        self,
        positions: Sequence[int],
        since: float,
        until: float,
        hours: tuple[Hours, ...] = (),
    ) -> float:
        """Requests that all of these may have, of those that sponsorships leave."""
        total = self.requests(since, until, hours)
        if total <= 0.0:
            return 0.0
        loads = self.loads(since, until)
        return total * sum(
            part.share * max(0.0, 1.0 - load_of(part, loads))
            for part in self.parts
            if may_all(part, positions)
        )

    def sponsored(self, sponsor: int, taker: int, since: float, until: float) -> float:
        """What a sponsorship takes of the requests that another may have; where more than all is
        sold, each has its share in proportion."""
        loads = self.loads(since, until)
        return self.requests(since, until) * sum(
            part.share * loads[sponsor] / max(1.0, load_of(part, loads))
            for part in self.parts
            if may_all(part, (sponsor, taker))
        )


def may_all(part: Part, positions: Sequence[int]) -> bool:
    return all(part.may >> position & 1 for position in positions)


def load_of(part: Part, loads: Mapping[int, float]) -> float:
    return sum(load for position, load in loads.items() if part.may >> position & 1)


class Market:
    """The places of a catalog. forecasts, samples: by the slot's name."""

    def __init__(
        self,
        catalog: Catalog,
        forecasts: Mapping[str, Forecast],
        samples: Mapping[str, Sequence[Sample]],
        now: float,
    ) -> None:
        self._slots = {slot.name: slot for slot in catalog.slots}
        self._forecasts = forecasts
        self._samples = samples
        self._sold = [one for one in catalog.campaigns if is_sold(one, now)]
        self._places: dict[str, Place] = {}
        self._now = now

    def place(self, slot: str, wish: tuple[Clause, ...] | None = None) -> Place:
        """A slot; with somebody who has not bought yet, made for the question."""
        if wish is None and slot in self._places:
            return self._places[slot]
        one = self._slots[slot]
        booked = [campaign for campaign in self._sold if may_book(campaign, one)]
        samples = self._samples.get(slot, ())
        made = Place(one, self._forecasts[slot], booked, samples, wish or ())
        if wish is None:
            self._places[slot] = made
        return made

    def own_supply(self, campaign: Campaign, since: float, until: float) -> float:
        """Requests that a campaign may have in all its slots, of those that sponsorships leave."""
        flight = campaign.flight
        begin = max(since, self._now, -inf if flight.since is None else flight.since)
        end = min(until, inf if flight.until is None else flight.until)
        total = 0.0
        for name, slot in self._slots.items():
            if begin < end and may_book(campaign, slot):
                place = self.place(name)
                positions = (place.position[campaign.name],)
                total += place.supply(positions, begin, end, campaign.hours)
        return total

"""Goals that cannot all be met, though each of them could.

Whatever pacing does, campaigns that all end by some instant cannot have more requests between now
and then than come that any of them may have. Where their goals want more, some will fall short.
(The converse does not hold, and is not claimed: who is not named here may still fall short.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from adserver.core.candidates import Places, shown
from adserver.core.catalog import Campaign, Catalog, Tier
from adserver.core.market import Market, Place, load_of

# What a forecast cannot tell from enough.
TOLERANCE = 1.02
# Stretches of time that are looked at: from so many beginnings of flights, to so many ends.
MAX_BEGINNINGS = 4
MAX_ENDS = 40
# Sets of slots that are looked at, those that most campaigns are booked in first.
MAX_SETS = 40


class Overbooked(NamedTuple):
    """Between two instants (UTC seconds) these campaigns want so many impressions, and so many
    requests come that any of them may have, in these slots."""

    slots: tuple[str, ...]
    since: float
    until: float
    wanted: float
    supply: float
    campaigns: tuple[str, ...]

    @property
    def load(self) -> float:
        return self.wanted / self.supply if self.supply else inf


class Need(NamedTuple):
    campaign: Campaign
    wanted: float
    since: float
    until: float


def overbooked(
    catalog: Catalog, market: Market, wanted: Mapping[str, float], now: float
) -> Iterator[Overbooked]:
    """The worst of each set of slots. wanted: what each campaign still wants, and could have if it
    were alone; now: UTC seconds."""
    places = Places(catalog)
    by_slots: dict[tuple[str, ...], list[Need]] = {}
    for campaign in shown(catalog.campaigns, now):
        flight = campaign.flight
        much = wanted.get(campaign.name, 0.0)
        if campaign.tier is Tier.STANDARD and much > 0.0 and flight.until is not None:
            slots = tuple(slot.name for slot in places.of(campaign))
            need = Need(campaign, much, max(now, flight.since or now), flight.until)
            by_slots.setdefault(slots, []).append(need)
    for slots in sorted(by_slots, key=lambda names: -len(by_slots[names]))[:MAX_SETS]:
        needs = [
            need for names, some in by_slots.items() if set(names) <= set(slots) for need in some
        ]
        found = max(stretches(market, slots, needs), key=lambda one: one.load, default=None)
        if found and found.load > TOLERANCE:
            yield found


def stretches(
    market: Market, slots: tuple[str, ...], needs: Sequence[Need]
) -> Iterator[Overbooked]:
    """Of each beginning and each end, those whose flights lie in between, if they are several."""
    places = [market.place(name) for name in slots]
    for since in sorted({need.since for need in needs})[:MAX_BEGINNINGS]:
        inside = sorted((n for n in needs if n.since >= since), key=lambda need: need.until)
        ends = sorted({need.until for need in inside})
        for until in ends[:: -max(1, len(ends) // MAX_ENDS)]:
            some = [need for need in inside if need.until <= until]
            if len(some) > 1:
                yield Overbooked(
                    slots,
                    since,
                    until,
                    sum(need.wanted for need in some),
                    sum(supply_of(place, some, since, until) for place in places),
                    tuple(sorted(need.campaign.name for need in some)),
                )


def supply_of(place: Place, needs: Sequence[Need], since: float, until: float) -> float:
    """Requests that any of them may have, of those that sponsorships leave."""
    mask = 0
    for need in needs:
        position = place.position.get(need.campaign.name)
        mask |= 0 if position is None else 1 << position
    loads = place.loads(since, until)
    wanted = (
        part.share * max(0.0, 1.0 - load_of(part, loads)) for part in place.parts if part.may & mask
    )
    return place.requests(since, until) * sum(wanted)

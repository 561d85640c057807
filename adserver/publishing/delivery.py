"""How far campaigns with limits are, and how often those with goals take part: what workers lease
and reckon for themselves, found out once for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from adserver.core.bought import ByUnit
from adserver.core.catalog import Generation
from adserver.core.columns import Standing
from adserver.core.goals import Limits, Unit, limits_of
from adserver.core.leases import Room
from adserver.core.plans import Account, Plans
from adserver.core.ports.commands import KnownLeases, KnownSamples, KnownTraffic, Reserved
from adserver.core.rates import UNPACED, Rates, is_paced
from adserver.core.steps import finish
from adserver.publishing.outlook import known_traffic

NOTHING_RESERVED = Reserved(0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """rooms: of campaigns with limits; accounts: of those that take part at a rate; by name."""

    rooms: Mapping[str, Room] = field(default_factory=dict)
    rates: Rates = UNPACED
    accounts: Mapping[str, Account] = field(default_factory=dict)


NOTHING_DELIVERED = Delivery()


def rooms_of(live: Generation, by_unit: ByUnit, leases: KnownLeases, at: float) -> dict[str, Room]:
    """What is left to every campaign with limits, as if one worker could have it all.

    at: UTC seconds; a day that is over then does not count.
    """
    limited = {
        one.name: limits for one in live.catalog.campaigns if (limits := limits_of(one)) is not None
    }
    numbers = {name: live.numbers[f"campaign/{name}"] for name in limited}
    kept = leases.reserved(list(numbers.values()))
    return {
        name: room_of(
            Room(numbers[name], limits, delivered=by_unit[limits.unit].get(name, 0)),
            kept.get(numbers[name], NOTHING_RESERVED),
            by_unit[Unit.IMPRESSIONS].get(name, 0),
            at,
        )
        for name, limits in limited.items()
    }


def room_of(room: Room, kept: Reserved, shown: int, at: float) -> Room:
    limits: Limits = room.limits
    of_today = kept.day is not None and kept.day[0] <= at < kept.day[1]
    today = kept.today if of_today else 0
    free = max(0, limits.ever - room.delivered - kept.ever) if limits.ever else None
    free_today = max(0, limits.a_day - today) if limits.a_day else None
    left = min(one for one in (free, free_today) if one is not None)
    return replace(
        room, reserved=kept.ever, shown=shown, free=free, free_today=free_today, left=left
    )


def delivery(  # noqa: PLR0913 - all that is known, from four places
    live: Generation,
    by_unit: ByUnit,
    leases: KnownLeases,
    traffic: KnownTraffic,
    samples: KnownSamples,
    at: float,
    now: float,
) -> Delivery:
    """at: UTC seconds of the moment that is asked about, with what is counted `now`."""
    rooms = rooms_of(live, by_unit, leases, at)
    if not any(is_paced(campaign) for campaign in live.catalog.campaigns):
        return Delivery(rooms)
    learnt, known = known_traffic(live, traffic, samples, now)
    standings = {
        name: Standing(
            room.delivered, room.reserved if room.reserves else 0, room.today, room.shown
        )
        for name, room in rooms.items()
    }
    if at != now:
        learnt = learnt.as_usual(at)
    plans = finish(Plans.compiling(live, learnt, known, standings, at))
    rates = finish(plans.rates(standings, at))
    return Delivery(rooms, rates, plans.accounts(standings, at))

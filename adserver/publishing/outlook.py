"""Where the live campaigns with a goal should be, of what the store has learnt and counted."""

from __future__ import annotations

from adserver.core.bought import ByUnit, bought
from adserver.core.catalog import Generation, Slot, may_book
from adserver.core.outlook import Outlook, Outlooks, Samples
from adserver.core.ports.commands import KnownSamples, KnownTraffic
from adserver.core.steps import finish
from adserver.core.traffic import Scope, Traffic


def outlooks(
    live: Generation,
    by_unit: ByUnit,
    traffic: KnownTraffic,
    samples: KnownSamples,
    now: float,
) -> dict[str, Outlook]:
    """By campaign; now: UTC seconds."""
    if not slots_with_goals(live):
        return {}
    learnt, known = known_traffic(live, traffic, samples, now)
    return finish(Outlooks.compiling(live, learnt, known, now)).at(by_unit, now)


def known_traffic(
    live: Generation, traffic: KnownTraffic, samples: KnownSamples, now: float
) -> tuple[Traffic, Samples]:
    """All that goals are paced by: the traffic, and samples of the slots that have any."""
    numbers = [live.numbers[f"slot/{slot.name}"] for slot in slots_with_goals(live)]
    known = {number: samples.samples(number, now) for number in numbers}
    return traffic.traffic(Scope.of(live), now), known


def slots_with_goals(live: Generation) -> list[Slot]:
    booked = [one for one in live.catalog.campaigns if bought(one) is not None]
    return [
        slot for slot in live.catalog.slots if any(may_book(campaign, slot) for campaign in booked)
    ]

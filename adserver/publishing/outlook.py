"""Where the live campaigns with a goal should be, of what the store has learnt and counted."""

from __future__ import annotations

from adserver.core.bought import ByUnit, bought
from adserver.core.catalog import Generation, Slot, may_book
from adserver.core.outlook import Outlook, Outlooks
from adserver.core.ports import KnownSamples, KnownTraffic
from adserver.core.steps import finish
from adserver.core.traffic import Scope


def outlooks(
    live: Generation,
    by_unit: ByUnit,
    traffic: KnownTraffic,
    samples: KnownSamples,
    now: float,
) -> dict[str, Outlook]:
    """By campaign; now: UTC seconds."""
    slots = slots_with_goals(live)
    if not slots:
        return {}
    numbers = [live.numbers[f"slot/{slot.name}"] for slot in slots]
    known = {number: samples.samples(number, now) for number in numbers}
    learnt = traffic.traffic(Scope.of(live), now)
    return finish(Outlooks.compiling(live, learnt, known, now)).at(by_unit, now)


def slots_with_goals(live: Generation) -> list[Slot]:
    booked = [one for one in live.catalog.campaigns if bought(one) is not None]
    return [
        slot for slot in live.catalog.slots if any(may_book(campaign, slot) for campaign in booked)
    ]

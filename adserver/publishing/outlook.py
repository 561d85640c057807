"""Where the live campaigns with a goal should be, of what the store has learnt and counted."""

from __future__ import annotations

from adserver.core.bought import ByUnit
from adserver.core.catalog import Generation
from adserver.core.outlook import Outlook, Outlooks, Samples
from adserver.core.ports.commands import KnownSamples, KnownTraffic
from adserver.core.rates import slots_with_goals
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
    if not finish(slots_with_goals(live)):
        return {}
    learnt, known = known_traffic(live, traffic, samples, now)
    return finish(Outlooks.compiling(live, learnt, known, now)).at(by_unit, now)


def known_traffic(
    live: Generation, traffic: KnownTraffic, samples: KnownSamples, now: float
) -> tuple[Traffic, Samples]:
    """All that goals are paced by: the traffic, and samples of the slots that have any."""
    known = {number: samples.samples(number, now) for number in finish(slots_with_goals(live))}
    return traffic.traffic(Scope.of(live), now), known

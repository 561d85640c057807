"""The goals of a catalog that is live, or is to be, reckoned with what was learnt and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from adserver.core.attainable import Attainable, attainable
from adserver.core.bought import bought
from adserver.core.candidates import Places
from adserver.core.catalog import Catalog, Generation
from adserver.core.forecast import clock
from adserver.core.market import Market
from adserver.core.outlook import Samples, forecast_of, is_sponsor, span
from adserver.core.overbooked import Overbooked, overbooked
from adserver.core.plan import Plan
from adserver.core.steps import finish
from adserver.core.traffic import Traffic
from adserver.publishing.known import Known


@dataclass(frozen=True, slots=True)
class Reckoned:
    """attainable: by campaign, of those of which something can be said. overbooked: by the slots
    that are."""

    attainable: Mapping[str, Attainable]
    overbooked: Mapping[tuple[str, ...], Overbooked]


NOTHING = Reckoned({}, {})


def reckon(
    catalog: Catalog | None, slots: frozenset[str], known: Known, plan: Plan | None = None
) -> Reckoned:
    """Of the goals in these slots. plan: of a proposal, whose renamed campaigns have delivered
    under their old names."""
    generation = concerned(catalog, slots, known) if catalog else None
    if generation is None:
        return NOTHING
    numbers = [generation.numbers[f"slot/{slot.name}"] for slot in generation.catalog.slots]
    traffic, samples = known.learnt(generation), known.sampled(numbers)
    delivered = {unit: dict(counts) for unit, counts in known.by_unit.items()}
    for rename in plan.renamed if plan else ():
        for counts in delivered.values():
            counts[rename.new] = counts.get(rename.old, 0)
    found = finish(attainable(generation, traffic, samples, delivered, known.now))
    # How many impressions a click takes is nobody's promise.
    wanted = {
        name: one.expected - float(delivered[one.unit].get(name, 0))
        for name, one in found.items()
        if one.unit == "impressions" and not one.short
    }
    market = market_of(generation, traffic, samples, known.now)
    crowded = overbooked(generation.catalog, market, wanted, known.now)
    return Reckoned(found, {one.slots: one for one in crowded})


def market_of(generation: Generation, traffic: Traffic, samples: Samples, now: float) -> Market:
    catalog, numbers = generation.catalog, generation.numbers
    changes = clock(catalog.site.timezone, *span(catalog.campaigns, now))
    by_name = {slot.name: numbers[f"slot/{slot.name}"] for slot in catalog.slots}
    return Market(
        catalog,
        {name: forecast_of(traffic, number, changes, now) for name, number in by_name.items()},
        {name: samples.get(number, ()) for name, number in by_name.items()},
        now,
    )


def concerned(catalog: Catalog, slots: frozenset[str], known: Known) -> Generation | None:
    """A catalog of what decides about the goals in these slots; None where there is none."""
    places = Places(catalog)
    sold = [
        one
        for one in catalog.campaigns
        if bought(one) is not None and any(slot.name in slots for slot in places.of(one))
    ]
    if not sold:
        return None
    sponsors = [one for one in catalog.campaigns if is_sponsor(one)]
    own = {slot.name for one in sold for slot in places.of(one)}
    there = tuple(slot for slot in catalog.slots if slot.name in own)
    some = replace(catalog, campaigns=tuple(sold + sponsors), slots=there)
    return known.as_if_live(some)

"""Goals that a proposal puts out of reach, or brings within it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from adserver.core.attainable import Attainable, attainable
from adserver.core.bought import bought
from adserver.core.candidates import Places
from adserver.core.catalog import Catalog, Generation
from adserver.core.outlook import is_sponsor
from adserver.core.plan import Plan
from adserver.core.steps import finish
from adserver.publishing.effect import Effect, Kind, Weight
from adserver.publishing.known import Known


def reach_effects(
    before: Catalog | None, after: Catalog, plan: Plan, known: Known
) -> Iterator[Effect]:
    """Of the campaigns with goals that share a slot with something that changes."""
    slots = slots_concerned(before, after, plan)
    generation = concerned(after, slots, known)
    if generation is None:
        return
    now = goals(generation, known, plan)
    live = concerned(before, slots, known) if before else None
    was = goals(live, known) if live else {}
    touched = {*plan.created, *plan.changed, *(one.new for one in plan.renamed)}
    for name, one in sorted(now.items()):
        earlier = was.get(plan.before(name))
        if (effect := effect_of(name, one, earlier, touched=name in touched)) is not None:
            yield effect


def effect_of(
    name: str, now: Attainable, before: Attainable | None, *, touched: bool
) -> Effect | None:
    counted = f"{now.expected:,} of {now.goal:,} {now.unit} expected"
    if now.enough:
        if before is None or before.enough:
            return None
        message = f"{name}: its goal is within reach again"
        return Effect(Kind.WITHIN_REACH, name, Weight.NOTE, message)
    if before is None or before.enough:
        message = f"{name}: out of reach: {counted}"
    elif touched or now.expected < before.expected:
        earlier = f", {before.expected:,} before" if now.expected != before.expected else ""
        message = f"{name}: still out of reach: {counted}{earlier}"
    else:
        return None
    return Effect(Kind.OUT_OF_REACH, name, Weight.WARNING, message)


def slots_concerned(before: Catalog | None, after: Catalog, plan: Plan) -> frozenset[str]:
    """Slots in which something changes that a forecast depends on."""
    found: set[str] = set()
    for catalog, names in (
        (before, {*plan.changed, *plan.ended, *(one.old for one in plan.renamed)}),
        (after, {*plan.changed, *plan.created, *(one.new for one in plan.renamed)}),
    ):
        if catalog is not None:
            if plan.settings:
                found |= {slot.name for slot in catalog.slots}
            places = Places(catalog)
            touched = (one for one in catalog.campaigns if one.name in names)
            found |= {slot.name for one in touched for slot in places.of(one)}
    return frozenset(found)


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


def goals(
    generation: Generation, known: Known, plan: Plan | None = None
) -> Mapping[str, Attainable]:
    """plan: of a proposal, whose renamed campaigns have delivered under their old names."""
    numbers = [generation.numbers[f"slot/{slot.name}"] for slot in generation.catalog.slots]
    traffic, samples = known.learnt(generation), known.sampled(numbers)
    delivered = {unit: dict(counts) for unit, counts in known.by_unit.items()}
    for rename in plan.renamed if plan else ():
        for counts in delivered.values():
            counts[rename.new] = counts.get(rename.old, 0)
    return finish(attainable(generation, traffic, samples, delivered, known.now))

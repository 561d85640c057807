"""Goals that a proposal puts out of reach, or brings within it again; and slots in which goals
want more than there is."""

from __future__ import annotations

from collections.abc import Iterator

from adserver.core.attainable import Attainable
from adserver.core.candidates import Places
from adserver.core.catalog import Catalog
from adserver.core.flights import zone
from adserver.core.overbooked import Overbooked
from adserver.core.plan import Plan
from adserver.publishing import moments
from adserver.publishing.effect import Effect, Kind, Weight, listed
from adserver.publishing.known import Known
from adserver.publishing.reckoning import NOTHING, Reckoned, reckon

# What a forecast may say otherwise an hour later is no news.
WORSE = 1.02


def reach_effects(
    before: Catalog | None, after: Catalog, plan: Plan, known: Known
) -> Iterator[Effect]:
    """Of the campaigns with goals that share a slot with something that changes."""
    slots = slots_concerned(before, after, plan)
    will = reckon(after, slots, known, plan)
    was = reckon(before, slots, known) if will != NOTHING else NOTHING
    yield from overbooked_effects(was, will, after.site.timezone, known.now)
    touched = {*plan.created, *plan.changed, *(one.new for one in plan.renamed)}
    for name, one in sorted(will.attainable.items()):
        earlier = was.attainable.get(plan.before(name))
        if (effect := effect_of(name, one, earlier, touched=name in touched)) is not None:
            yield effect


def overbooked_effects(
    was: Reckoned, will: Reckoned, timezone: str, now: float
) -> Iterator[Effect]:
    """Of slots that are so more than they were."""
    for slots, one in will.overbooked.items():
        before = was.overbooked.get(slots)
        if before is None or one.load > before.load * WORSE:
            name = ", ".join(slots)
            message = f"{name}: {in_words(one, timezone, now)}"
            yield Effect(Kind.OVERBOOKED, name, Weight.WARNING, message)


def in_words(one: Overbooked, timezone: str, now: float) -> str:
    until = moments.spoken(one.until - moments.MINUTE_SECONDS, zone(timezone), now)
    return (
        f"{len(one.campaigns):,} campaigns want {one.wanted:,.0f} impressions until {until}, and "
        f"{one.supply:,.0f} requests are expected that any of them may have: some will fall short "
        f"({listed(one.campaigns)})"
    )


def effect_of(
    name: str, now: Attainable, before: Attainable | None, *, touched: bool
) -> Effect | None:
    counted = f"{now.expected:,} of {now.goal:,} {now.unit} expected{history(now)}"
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


def history(one: Attainable) -> str:
    """What a rough guess is made of."""
    if not one.short:
        return ""
    days = "less than a day" if not one.days else "1 day" if one.days == 1 else f"{one.days} days"
    return f" (a rough guess: {days} of traffic counted so far)"


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

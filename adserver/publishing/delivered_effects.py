"""What campaigns that a proposal touches have delivered already, where that decides about them;
and who stays paused whatever their files say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adserver.core.bought import bought
from adserver.core.catalog import Campaign, Catalog, State
from adserver.core.flights import ended, zone
from adserver.core.goals import limits_of
from adserver.core.pauses import Pause, pauses_of
from adserver.core.plan import Plan
from adserver.publishing import moments
from adserver.publishing.effect import Effect, Kind, Weight
from adserver.publishing.known import Known


def delivered_effects(
    before: Catalog | None, after: Catalog, plan: Plan, known: Known
) -> Iterator[Effect]:
    was = {one.name: one for one in before.campaigns} if before else {}
    for name in plan.ended:
        yield from ended_short(was[name], known)
    for campaign in touched(after, plan):
        old = plan.before(campaign.name)
        yield from full(campaign, was.get(old), delivered(campaign, old, known))
        yield from still_paused(campaign, after, known)


def touched(after: Catalog, plan: Plan) -> Iterator[Campaign]:
    names = {*plan.created, *plan.changed, *(one.new for one in plan.renamed)}
    return (one for one in after.campaigns if one.name in names)


def delivered(campaign: Campaign, name: str, known: Known) -> int:
    """In the unit of its limits. name: the one that it has delivered under."""
    limits = limits_of(campaign)
    return known.by_unit[limits.unit].get(name, 0) if limits else 0


def ended_short(campaign: Campaign, known: Known) -> Iterator[Effect]:
    """Of one whose flight would go on, and whose goal is not met."""
    order = bought(campaign)
    if order is None or campaign.state is State.DRAFT or ended(campaign.flight, known.now):
        return
    there = known.by_unit[order.unit].get(campaign.name, 0)
    if there < order.goal:
        message = (
            f"{campaign.name}: ends with {there:,} of {order.goal:,} {order.unit} delivered, "
            "before its flight does"
        )
        yield Effect(Kind.ENDED_SHORT, campaign.name, Weight.WARNING, message)


def full(campaign: Campaign, before: Campaign | None, there: int) -> Iterator[Effect]:
    """Of one that has delivered all that it may, by what is new of it."""
    limits, old = limits_of(campaign), limits_of(before) if before else None
    if limits is None or not limits.ever or there < limits.ever:
        return
    if old is None or old.unit is not limits.unit or not old.ever or there < old.ever:
        message = (
            f"{campaign.name}: {there:,} {limits.unit} are delivered already, of {limits.ever:,} "
            "that it may: it is shown no more"
        )
        yield Effect(Kind.FULL, campaign.name, Weight.WARNING, message)


def still_paused(campaign: Campaign, after: Catalog, known: Known) -> Iterator[Effect]:
    """Of one that is ready, and paused from the command line."""
    if campaign.state is not State.READY:
        return
    for pause in in_force(campaign, after, known):
        since = moments.spoken(pause.since, zone(after.site.timezone), known.now)
        why = f": {pause.message}" if pause.message else ""
        message = (
            f"{campaign.name}: stays paused until `adserver resume {resumed(pause)}`, as "
            f"{pause.by} has wished since {since}{why}"
        )
        yield Effect(Kind.PAUSED, campaign.name, Weight.WARNING, message)
        return


def in_force(campaign: Campaign, after: Catalog, known: Known) -> Iterable[Pause]:
    holding = [pause for pause in known.paused if pause.holds(known.now)]
    return pauses_of(campaign, after.slots, holding) if holding else ()


def resumed(pause: Pause) -> str:
    """The target as it is resumed."""
    target = str(pause.target)
    return "--all" if target == "*" else f'"{target}"' if " " in target else target

"""What a proposal does to delivery: who gains and loses which slots, and what cannot be kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from adserver.core.candidates import NOBODY, Candidates, Places, candidates, without_house
from adserver.core.catalog import Campaign, Catalog
from adserver.core.flights import zone
from adserver.core.oversold import Oversold, oversold
from adserver.core.plan import Plan
from adserver.publishing import moments
from adserver.publishing.delivered_effects import delivered_effects
from adserver.publishing.effect import Effect, Kind, Weight, by_weight, listed
from adserver.publishing.known import Known
from adserver.publishing.publish import Proposal
from adserver.publishing.reach_effects import reach_effects
from adserver.publishing.rebilled import rebilled_effects
from adserver.publishing.unseen import unseen_values

# Requests in this time say that pages still ask for a slot.
ASKED_SECONDS = 86_400


def effects(proposal: Proposal, known: Known, *, remove_slots: bool) -> tuple[Effect, ...]:
    """Errors first, then warnings. remove_slots: whether slots may go that pages still ask for."""
    plan, before, after = proposal.plan, proposal.before, proposal.catalog
    if plan.empty:
        return ()
    found = [
        *removed_slots(before, after, known, remove_slots=remove_slots),
        *place_effects(before, after, plan, known.now),
        *sponsor_effects(before, after, known.now),
        *reach_effects(before, after, plan, known),
        *delivered_effects(before, after, plan, known),
        *rebilled_effects(before, after, plan, known),
        *targeting_effects(before, after, plan, known),
    ]
    return by_weight(found)


def removed_slots(
    before: Catalog | None, after: Catalog, known: Known, *, remove_slots: bool
) -> Iterator[Effect]:
    there = {slot.name for slot in after.slots}
    for slot in before.slots if before else ():
        if slot.name in there:
            continue
        if asked := known.requests(slot.name, ASKED_SECONDS):
            message = (
                f"{slot.name}: the slot is removed, and pages still ask for it: "
                f"{asked:,} {'request' if asked == 1 else 'requests'} since yesterday"
            )
            weight = Weight.WARNING if remove_slots else Weight.ERROR
            yield Effect(Kind.SLOT_IN_USE, slot.name, weight, message)


def place_effects(
    before: Catalog | None, after: Catalog, plan: Plan, now: float
) -> Iterator[Effect]:
    """Candidates of the slots that there are, before and after."""
    names = {one.old: one.new for one in plan.renamed}
    was = {
        slot: Candidates(renamed(found.now, names), renamed(found.later, names))
        for slot, found in (candidates(before, now) if before else {}).items()
    }
    will = candidates(after, now)
    campaigns = {one.name: one for one in after.campaigns}
    for slot, found in will.items():
        earlier = was.get(slot, NOBODY)
        if before is not None and earlier != found:
            message = f"{slot}: {'; '.join(candidate_words(earlier, found, campaigns, now))}"
            yield Effect(Kind.CANDIDATES, slot, Weight.NOTE, message)
        elif slot not in was and not found.all:
            message = f"{slot}: nobody can be shown in it"
            yield Effect(Kind.CANDIDATES, slot, Weight.NOTE, message)
    lost = without_house(before, candidates(before, now)) if before else frozenset()
    for slot in sorted(without_house(after, will) - lost):
        message = f"{slot}: `on_empty: house`, and no house campaign is left for it"
        yield Effect(Kind.NO_HOUSE, slot, Weight.WARNING, message)


def renamed(names: Collection[str], new: Mapping[str, str]) -> frozenset[str]:
    return frozenset(new.get(name, name) for name in names)


def candidate_words(
    before: Candidates, after: Candidates, campaigns: Mapping[str, Campaign], now: float
) -> Iterator[str]:
    """`3 candidates instead of 2`, `gains tea`, `from Mon 9 Nov also cider`, `loses coffee`."""
    count = len(after.now)
    candidates_now = f"{count:,} {'candidate' if count == 1 else 'candidates'}"
    yield candidates_now + (f" instead of {len(before.now):,}" if count != len(before.now) else "")
    if gained := after.now - before.now:
        yield f"gains {listed(gained)}"
    if later := after.later - before.later:
        yield f"gains later {listed(dated(campaigns[name], now) for name in sorted(later))}"
    if lost := before.all - after.all:
        yield f"loses {listed(lost)}"
    if postponed := before.now & after.later:
        yield f"has no longer {listed(postponed)}"


def dated(campaign: Campaign, now: float) -> str:
    """Of one that is to come."""
    since = campaign.flight.since or now
    return f"{campaign.name} ({moments.short_day(since, zone(campaign.flight.timezone), now)})"


def sponsor_effects(before: Catalog | None, after: Catalog, now: float) -> Iterator[Effect]:
    """Slots that are oversold more than they were."""
    was = {one.slot: one.share for one in (oversold(before, now) if before else ())}
    for one in oversold(after, now):
        if one.share > was.get(one.slot, 1.0):
            yield Effect(Kind.OVERSOLD, one.slot, Weight.WARNING, oversold_words(one))


def oversold_words(one: Oversold) -> str:
    return (
        f"{one.slot}: sponsorships have {one.share:.0%} of it at the same time "
        f"({listed(one.campaigns)}): each gets less than its share"
    )


def targeting_effects(
    before: Catalog | None, after: Catalog, plan: Plan, known: Known
) -> Iterator[Effect]:
    """Of campaigns whose targeting is new."""
    was = {one.name: one.targeting for one in before.campaigns} if before else {}
    news = [
        one
        for one in after.campaigns
        if one.targeting and one.targeting != was.get(plan.before(one.name))
    ]
    if not news or known.live is None:
        return
    numbers, places = known.as_if_live(after).numbers, Places(after)
    slots = {slot.name for one in news for slot in places.of(one)}
    samples = known.sampled(numbers[f"slot/{name}"] for name in sorted(slots))
    for campaign, message in unseen_values(news, after, numbers, samples):
        text = f"{campaign.name}: {message}"
        yield Effect(Kind.UNSEEN_VALUE, campaign.name, Weight.WARNING, text)

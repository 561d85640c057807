"""Pausing and resuming by name: what a name stands for in what is live, and what is to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adserver.core.catalog import Campaign, Catalog, State
from adserver.core.errors import NoSuchName, SettingsError
from adserver.core.flights import zone
from adserver.core.pauses import MAX_PAUSES, Act, Kind, Pause, Target, Verb, pauses_of
from adserver.core.ports.commands import Pauses
from adserver.core.targeting import fold
from adserver.publishing import moments
from adserver.publishing.suggest import nearest

MAX_MESSAGE_CHARACTERS = 500


class Said(NamedTuple):
    """Who pauses or resumes, when (UTC seconds), and why. until: as of `Pause`."""

    by: str
    at: float
    message: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What has become of it. done: whether anything was changed; problem: why not, "" if it was.

    pause: the one that was put or lifted. notes: what a person should know besides, a line each.
    """

    target: Target
    done: bool
    pause: Pause | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()


def pause(text: str, catalog: Catalog, pauses: Pauses, said: Said) -> Answer:
    """NoSuchName where nothing live has the name, SettingsError where too much is paused."""
    target = target_of(text, catalog)
    before = {one.target: one for one in pauses.known() if one.holds(said.at)}
    if target not in before and len(before) >= MAX_PAUSES:
        raise SettingsError(f"{MAX_PAUSES:,} pauses are all that there may be; resume some first")
    since = before[target].since if target in before else said.at
    made = Pause(target, since, said.until, said.by, said.message)
    act = Act(said.at, Verb.PAUSE, target, said.by, said.message, said.until)
    pauses.act(act, [], [made])
    after = [*(one for one in before.values() if one.target != target), made]
    again = (replaced(before[target], made, catalog),) if target in before else ()
    return Answer(target, True, made, notes=(*again, *consequences(target, catalog, after)))


def replaced(old: Pause, new: Pause, catalog: Catalog) -> str:
    """What was said of a pause that another has taken the place of, and holds no more."""
    tz = zone(catalog.site.timezone)
    dropped = []
    if old.until is not None and old.until != new.until:
        dropped.append(f"until {moments.spoken(old.until, tz, new.since)}")
    if old.message not in ("", new.message):
        dropped.append(f'"{old.message}"')
    told = f" No longer said of it: {', '.join(dropped)}." if dropped else ""
    return f"It was paused already, by {old.by}.{told}"


def resume(text: str, catalog: Catalog, pauses: Pauses, said: Said) -> Answer:
    """NoSuchName where neither a pause nor anything live has the name."""
    in_force = [one for one in pauses.known() if one.holds(said.at)]
    held = {one.target: one for one in in_force}
    target = paused_target(text, held) or target_of(text, catalog, tuple(held))
    if target not in held:
        return Answer(target, False, problem=why_not(target, catalog, in_force))
    pauses.act(Act(said.at, Verb.RESUME, target, said.by, said.message), [target], [])
    left = [one for one in in_force if one.target != target]
    return Answer(target, True, held[target], notes=still_stopped(target, catalog, left))


def paused_target(text: str, held: Sequence[Target] | dict[Target, Pause]) -> Target | None:
    """What is paused under that name, also where it is not live any more."""
    asked = Target.read(text)
    return next((one for one in held if same(one, asked)), None)


def same(one: Target, other: Target) -> bool:
    if Kind.ADVERTISER is one.kind is other.kind:
        return fold(one.name) == fold(other.name)
    return one == other


def target_of(text: str, catalog: Catalog, others: Sequence[Target] = ()) -> Target:
    """What a name stands for; NoSuchName with the nearest one. others: that might be meant."""
    asked = Target.read(text)
    campaigns = {one.name: one for one in catalog.campaigns}
    match asked.kind:
        case Kind.EVERYTHING:
            return asked
        case Kind.ADVERTISER:
            known = {fold(one.advertiser): one.advertiser for one in catalog.campaigns}
            if fold(asked.name) in known:
                return asked._replace(name=known[fold(asked.name)])
            raise missing("advertiser", asked, [(Kind.ADVERTISER, n, "") for n in known.values()])
        case Kind.SLOT:
            slots = {slot.name for slot in catalog.slots}
            if asked.name in slots:
                return asked
            raise missing("slot", asked, [(Kind.SLOT, name, "") for name in slots])
    campaign = campaigns.get(asked.name)
    if campaign is None:
        near = [Target(Kind.CAMPAIGN, name) for name in campaigns]
        raise missing("live campaign", asked._replace(creative=""), [*near, *others])
    if asked.kind is Kind.CREATIVE and asked.creative not in {c.id for c in campaign.creatives}:
        ids = [(Kind.CREATIVE, asked.name, one.id) for one in campaign.creatives]
        raise missing("live creative", asked, ids)
    return asked


def missing(
    kind: str, asked: Target, known: Sequence[Target | tuple[Kind, str, str]]
) -> NoSuchName:
    name = asked.name if asked.kind is not Kind.CREATIVE or not asked.creative else str(asked)
    return NoSuchName(kind, name, nearest(str(asked), [str(Target(*one)) for one in known]))


def consequences(target: Target, catalog: Catalog, pauses: Sequence[Pause]) -> tuple[str, ...]:
    """What a pause means that its name does not say."""
    campaigns = {one.name: one for one in catalog.campaigns}
    match target.kind:
        case Kind.CREATIVE:
            campaign = campaigns[target.name]
            left = len(campaign.creatives) - paused_creatives(campaign, pauses)
            if left:
                return (f"{campaign.name} goes on with {counted(left, 'other creative')}.",)
            return (f"None of its creatives is left, so all of {campaign.name} is paused.",)
        case Kind.ADVERTISER:
            many = sum(fold(c.advertiser) == fold(target.name) for c in catalog.campaigns)
            return (f"{counted(many, 'live campaign')} of {target.name}.",)
        case Kind.CAMPAIGN if campaigns[target.name].state is not State.READY:
            state = campaigns[target.name].state
            return (f"Its file says `state: {state}` as well.",)
    return ()


def paused_creatives(campaign: Campaign, pauses: Sequence[Pause]) -> int:
    ids = {one.target.creative for one in pauses if one.is_of_creative(campaign)}
    return sum(creative.id in ids for creative in campaign.creatives)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def why_not(target: Target, catalog: Catalog, pauses: Sequence[Pause]) -> str:
    """Why there is nothing to resume, and what would be."""
    campaign = next((one for one in catalog.campaigns if one.name == target.name), None)
    if target.kind in (Kind.CAMPAIGN, Kind.CREATIVE) and campaign is not None:
        if held := pauses_of(campaign, catalog.slots, pauses):
            return f"{target} is not paused by itself, but by {named(held)}"
        creatives = [one for one in pauses if one.is_of_creative(campaign)]
        if creatives:
            return f"{target} is not paused, but {named(creatives)}"
        if campaign.state is State.PAUSED:
            return (
                f"nobody has paused {target} here: its file says `state: paused`; "
                "change that, and apply"
            )
    known = f"; paused is {named(pauses)}" if pauses else ""
    return f"{spoken(target)} is not paused{known}"


def still_stopped(target: Target, catalog: Catalog, pauses: Sequence[Pause]) -> tuple[str, ...]:
    """What stays paused of what was resumed."""
    campaign = next((one for one in catalog.campaigns if one.name == target.name), None)
    if target.kind in (Kind.CAMPAIGN, Kind.CREATIVE):
        if campaign is None:
            return ("It is not live.",)
        if held := pauses_of(campaign, catalog.slots, pauses):
            return (f"{campaign.name} stays paused, by {named(held)}.",)
        if campaign.state is not State.READY:
            return (f"It is not shown: its file says `state: {campaign.state}`.",)
    elif pauses:
        return (f"Paused is still {named(pauses)}.",)
    return ()


def told(pause: Pause, tz: ZoneInfo, now: float) -> str:
    """In a line: `ana@desk, Fri 27 Nov 22:10 (Paris), until Mon 30 Nov 09:00 (Paris): why`."""
    until = "" if pause.until is None else f", until {moments.spoken(pause.until, tz, now)}"
    message = f": {pause.message}" if pause.message else ""
    return f"{pause.by}, {moments.spoken(pause.since, tz, now)}{until}{message}"


def named(pauses: Sequence[Pause]) -> str:
    """`advertiser:X` (ana@desk), `slot:Y` (bob@desk)."""
    return ", ".join(f"`{spoken(one.target)}` ({one.by})" for one in pauses)


def spoken(target: Target) -> str:
    """As it is written on the command line."""
    return "--all" if target.kind is Kind.EVERYTHING else str(target)

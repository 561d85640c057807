"""Pauses: what somebody has stopped from the command line, until it is resumed or its time is over.

They stand beside generations and not in them, so that they outlive every apply, and a file that
says `state: paused` is another matter. What is paused is not chosen; what was shown of it before
goes on to be counted and clicked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from math import inf
from typing import NamedTuple

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign, Catalog, Generation, Slot, State
from adserver.core.steps import Steps, finish, in_steps, made_of
from adserver.core.targeting import fold

EVERYTHING = "*"
# In the store, all together: more than anybody keeps track of.
MAX_PAUSES = 1_000
# Steps of half a millisecond, of some where the slots of each have to be looked at. Between two of
# them requests are answered, and a pause must not wait for many.
CAMPAIGNS_A_STEP = 2_000
WITH_SLOTS_A_STEP = 500


class Kind(StrEnum):
    CAMPAIGN = "campaign"
    CREATIVE = "creative"
    ADVERTISER = "advertiser"
    SLOT = "slot"
    EVERYTHING = "everything"


PREFIXED = (Kind.ADVERTISER, Kind.SLOT)


class Target(NamedTuple):
    """What is paused. name: of the campaign, the advertiser or the slot."""

    kind: Kind
    name: str = ""
    creative: str = ""

    def __str__(self) -> str:
        """As on the command line: `CAMPAIGN`, `CAMPAIGN/CREATIVE`, `advertiser:X`, `slot:Y`, `*`.

        Names of campaigns, creatives and slots have neither colons nor slashes in them.
        """
        match self.kind:
            case Kind.EVERYTHING:
                return EVERYTHING
            case Kind.CREATIVE:
                return f"{self.name}/{self.creative}"
            case Kind.CAMPAIGN:
                return self.name
        return f"{self.kind}:{self.name}"

    @classmethod
    def read(cls, text: str) -> Target:
        """The reverse of `str`."""
        if text == EVERYTHING:
            return cls(Kind.EVERYTHING)
        for kind in PREFIXED:
            if text.startswith(f"{kind}:"):
                return cls(kind, text.removeprefix(f"{kind}:"))
        campaign, slash, creative = text.partition("/")
        return cls(Kind.CREATIVE, campaign, creative) if slash else cls(Kind.CAMPAIGN, campaign)


@dataclass(frozen=True, slots=True)
class Pause:
    """since, until: UTC seconds, `until` exclusive, None until it is resumed. lingers: it is for
    workers alone, until they have seen a rename; nobody has set its end."""

    target: Target
    since: float
    until: float | None
    by: str
    message: str = ""
    lingers: bool = False

    def holds(self, now: float) -> bool:
        return self.until is None or now < self.until

    def stops(self, campaign: Campaign) -> bool:
        """Whether it stops the whole campaign, in every slot."""
        match self.target.kind:
            case Kind.EVERYTHING:
                return True
            case Kind.ADVERTISER:
                return fold(self.target.name) == fold(campaign.advertiser)
            case Kind.CAMPAIGN:
                return self.target.name == campaign.name
        return False

    def concerns(self, campaign: Campaign, slot: str) -> bool:
        """Whether it stops the campaign in this slot, or one of its creatives."""
        of_slot = self.target.kind is Kind.SLOT and self.target.name == slot
        return of_slot or self.stops(campaign) or self.is_of_creative(campaign)

    def is_of_creative(self, campaign: Campaign) -> bool:
        return self.target.kind is Kind.CREATIVE and self.target.name == campaign.name


class Verb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody has paused or resumed something: `at` and `until` are UTC seconds."""

    at: float
    verb: Verb
    target: Target
    by: str
    message: str = ""
    until: float | None = None


NO_CREATIVES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What pauses stop of one catalog at one instant.

    campaigns: names of those that are shown nowhere. creatives: by campaign, the ids of those that
    are not shown. slots: names of those that stay empty. until: the first instant at which a pause
    ends, UTC seconds, inf if none does. everything: whether that is all campaigns, by one word.
    """

    campaigns: frozenset[str] = frozenset()
    creatives: Mapping[str, frozenset[str]] = field(default_factory=dict)
    slots: frozenset[str] = frozenset()
    until: float = inf
    everything: bool = False

    def empties(self, slot: str) -> bool:
        return self.everything or slot in self.slots

    def stops(self, campaign: str, slot: str) -> bool:
        return campaign in self.campaigns or slot in self.slots

    def of(self, campaign: str) -> frozenset[str]:
        return self.creatives.get(campaign, NO_CREATIVES)


NOTHING_STOPPED = Stopped()


@dataclass(frozen=True, slots=True)
class Targets:
    """Those of the pauses that hold, sorted by their kinds. advertisers: folded."""

    everything: bool
    campaigns: frozenset[str]
    advertisers: frozenset[str]
    slots: frozenset[str]
    creatives: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, pauses: Iterable[Pause]) -> Targets:
        names: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        creatives: dict[str, set[str]] = {}
        for kind, name, creative in (pause.target for pause in pauses):
            names[kind].add(name)
            if kind is Kind.CREATIVE:
                creatives.setdefault(name, set()).add(creative)
        return cls(
            bool(names[Kind.EVERYTHING]),
            frozenset(names[Kind.CAMPAIGN]),
            frozenset(map(fold, names[Kind.ADVERTISER])),
            frozenset(names[Kind.SLOT]),
            {name: frozenset(ids) for name, ids in creatives.items()},
        )

    def stop_all_of(self, campaign: Campaign, slots: Sequence[Slot]) -> bool:
        """Whether nothing of a campaign can be shown anywhere. slots: of the catalog."""
        if self.everything or campaign.name in self.campaigns:
            return True
        if self.advertisers and fold(campaign.advertiser) in self.advertisers:
            return True
        ids = self.creatives.get(campaign.name)
        if ids is not None and all(creative.id in ids for creative in campaign.creatives):
            return True
        if not self.slots:
            return False
        booked = [slot.name for slot in slots if may_book(campaign, slot)]
        return bool(booked) and self.slots.issuperset(booked)


def stopping(catalog: Catalog, pauses: Sequence[Pause], now: float) -> Steps[Stopped]:
    """What pauses stop of a catalog; names that it does not have stop nothing of it.

    now: UTC seconds. Some 0.3 us a campaign.
    """
    in_force = [pause for pause in pauses if pause.holds(now)]
    if not in_force:
        return NOTHING_STOPPED
    targets, campaigns = Targets.of(in_force), set()
    size = WITH_SLOTS_A_STEP if targets.slots else CAMPAIGNS_A_STEP
    for campaign, ends in in_steps(catalog.campaigns, size):
        if targets.stop_all_of(campaign, catalog.slots):
            campaigns.add(campaign.name)
        if ends:
            yield
    return Stopped(
        frozenset(campaigns),
        targets.creatives,
        targets.slots,
        min((pause.until for pause in in_force if pause.until is not None), default=inf),
        targets.everything,
    )


def stopped_by(catalog: Catalog, pauses: Sequence[Pause], now: float) -> Stopped:
    """The same, all at once."""
    return finish(stopping(catalog, pauses, now))


def pausing(generation: Generation, stopped: Stopped) -> Steps[Generation]:
    """The generation as it is served: for whoever reckons with what campaigns may still have.

    Campaigns that are shown nowhere are paused as if their files said so, others are without the
    creatives that are not shown, and the slots that stay empty are not there.
    """
    if stopped == NOTHING_STOPPED:
        return generation
    catalog = generation.catalog
    campaigns = yield from made_of(catalog.campaigns, partial(as_served, stopped=stopped))
    slots = tuple(slot for slot in catalog.slots if slot.name not in stopped.slots)
    return replace(generation, catalog=replace(catalog, campaigns=tuple(campaigns), slots=slots))


def paused(generation: Generation, stopped: Stopped) -> Generation:
    """The same, all at once."""
    return finish(pausing(generation, stopped))


def as_served(campaign: Campaign, stopped: Stopped) -> Campaign:
    if campaign.name in stopped.campaigns:
        ready = campaign.state is State.READY
        return replace(campaign, state=State.PAUSED) if ready else campaign
    if ids := stopped.of(campaign.name):
        left = tuple(creative for creative in campaign.creatives if creative.id not in ids)
        return replace(campaign, creatives=left)
    return campaign


def pauses_of(campaign: Campaign, slots: Iterable[Slot], pauses: Iterable[Pause]) -> list[Pause]:
    """Because of which a campaign is shown nowhere, those of all of it first.

    slots: of the catalog. pauses: that hold. Those of creatives or slots only where they are all
    of them.
    """
    some = list(pauses)
    return [
        *(pause for pause in some if pause.stops(campaign)),
        *all_or_none(
            {creative.id for creative in campaign.creatives},
            {pause.target.creative: pause for pause in some if pause.is_of_creative(campaign)},
        ),
        *all_or_none(
            {slot.name for slot in slots if may_book(campaign, slot)},
            {pause.target.name: pause for pause in some if pause.target.kind is Kind.SLOT},
        ),
    ]


def all_or_none(names: set[str], by_name: Mapping[str, Pause]) -> list[Pause]:
    whole = bool(names) and names <= by_name.keys()
    return [by_name[name] for name in sorted(names)] if whole else []

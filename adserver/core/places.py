"""What is booked in one slot, and the tables that pages and readers make of it.

A `Table` is kept, as pages are asked for again, until the next instant at which a campaign may
begin or stop to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from adserver.core.booking import may_book
from adserver.core.catalog import TIERS, Campaign, Device, Slot, Tier
from adserver.core.context import Context
from adserver.core.crowd import Crowd
from adserver.core.group import Group
from adserver.core.numbered import Own
from adserver.core.pauses import NOTHING_STOPPED, Stopped
from adserver.core.rates import is_paced
from adserver.core.reasons import REACH, Reason
from adserver.core.roster import Roster, Rosters
from adserver.core.shelf import Shelf
from adserver.core.steps import Steps, in_steps
from adserver.core.targeting import Values, values_of
from adserver.core.timetable import NEVER
from adserver.core.wants import Vocabulary

# Per slot; past that all is forgotten and found out anew. A table of many campaigns is heavier
# than one of few, so what they hold together is limited as well: some 100 bytes each.
MAX_CONTEXTS = 8_192
MAX_LENGTH = 1_024  # characters of a context's url and values: 8 MiB of contexts at most
MAX_TABLES = 2_048
MAX_PLACEMENTS = 500_000
TABLES_BETWEEN_WEIGHINGS = 32


class Era:
    """How long tables are good for: until a campaign begins or stops to run (UTC seconds), or
    until they are forgotten.

    crowds: theirs, by group, device and who may serve. Many pages differ in one tier alone, and
    what they have in common is kept once, which a processor's cache has more use for as well.
    """

    __slots__ = ("crowds", "over", "since", "until")

    def __init__(self, since: float, until: float) -> None:
        self.since, self.until, self.over = since, until, False
        self.crowds: dict[tuple[int, Device, int], Crowd] = {}

    def crowd(self, group: Group, device: Device, may: int) -> Crowd:
        key = (id(group), device, may)
        found = self.crowds.get(key)
        if found is None:
            found = self.crowds[key] = Crowd(group, device, may)
        # Rates may have changed since a table that had it was asked.
        found.renew()
        return found


class Table:
    """Who may serve a slot in contexts of one kind, best tier first, and of remnant the highest
    eCPM; who comes later is looked at when those before have nobody to serve.

    found: the first of what `crowd` tells, as far as it has been asked.
    """

    def __init__(self, groups: Sequence[Group], device: Device, values: Values, era: Era) -> None:
        self._groups = groups
        self._era = era
        self._device = device
        self._values = values
        self._left = list(reversed(groups))
        self.found: list[Crowd] = []
        self.stale = False
        self.best = self.crowd(0)

    @property
    def first(self) -> Shelf | None:
        """The shelf that a draw falls on first."""
        return self.best.first if self.best else None

    def renew(self) -> None:
        """Look at the rates anew: they have changed. Who may serve is the same for an era."""
        self.stale = False
        for crowd in self.found:
            crowd.renew()

    def holds(self, now: float) -> bool:
        """Whether it is still good, looked at anew where that is needed. now: UTC seconds."""
        era = self._era
        if era.over or not era.since <= now < era.until:
            return False
        if self.stale:
            self.renew()
        return True

    def crowd(self, number: int) -> Crowd | None:
        """Those who may serve, of each group that has any, counted from 0; None behind the last."""
        while len(self.found) <= number:
            if not self._left:
                return None
            group = self._left.pop()
            if may := group.may_serve(self._device, self._values):
                self.found.append(self._era.crowd(group, self._device, may))
        return self.found[number]

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        return tuple(iter_shelves(self))

    @property
    def size(self) -> int:
        """Placements on the shelves that were looked at, or what is as heavy."""
        return sum(crowd.size for crowd in self.found)

    @property
    def empty(self) -> Reason:
        """The reason to give where no shelf serves: how far any candidate came."""
        reasons = (group.furthest(self._device) for group in self._groups)
        return max(reasons, key=REACH.__getitem__, default=Reason.NO_CAMPAIGN)


def iter_crowds(table: Table) -> Iterator[Crowd]:
    number = 0
    while (one := table.crowd(number)) is not None:
        yield one
        number += 1


def iter_shelves(table: Table) -> Iterator[Shelf]:
    for crowd in iter_crowds(table):
        yield from crowd.shelves()


Signature = tuple[tuple[str, tuple[str, ...]], ...]


class Places:
    """What is booked in one slot, and the tables made of it.

    candidates: in the order of their names. stopped: what is paused.
    """

    def __init__(
        self, slot: Slot, number: int, candidates: tuple[Campaign, ...], groups: Sequence[Group]
    ) -> None:
        self.slot, self.number, self.candidates = slot, number, candidates
        self.stopped = NOTHING_STOPPED
        self._groups = groups
        self._vocabulary = Vocabulary(group.wants for group in groups)
        self._era = Era(-NEVER, -NEVER)
        self._by_context: dict[tuple[object, ...], Table] = {}
        self._by_signature: dict[tuple[Device, Signature], Table] = {}

    @classmethod
    def compiling(
        cls,
        slot: Slot,
        number: int,
        campaigns: Iterable[Campaign],
        numbers: Mapping[str, Own],
        rosters: Rosters,
    ) -> Steps[Places]:
        """campaigns: all of the catalog, in the order of their names. numbers: by the campaign's
        name. rosters: of the slots before this one."""
        # Within a tier, what was promised comes before what was not.
        of_kind: dict[tuple[Tier, bool], list[Campaign]] = {
            (tier, paced): [] for tier in TIERS for paced in (True, False)
        }
        candidates = []
        for campaign, ends in in_steps(campaigns):
            if may_book(campaign, slot):
                candidates.append(campaign)
                of_kind[campaign.tier, is_paced(campaign)].append(campaign)
            if ends:
                yield
        groups = []
        for some in of_kind.values():
            if some:
                roster = yield from rosters.of(tuple(some))
                groups.append((yield from Group.compiling(slot, number, roster, numbers)))
        return cls(slot, number, tuple(candidates), groups)

    @property
    def rosters(self) -> Iterator[Roster]:
        """Slots have some in common."""
        return (group.roster for group in self._groups)

    def renew(self) -> None:
        """The rates of its campaigns have changed."""
        for table in self._by_signature.values():
            table.stale = True

    def stopping(self, stopped: Stopped) -> Steps[None]:
        """From now on this is paused, and nothing else."""
        for group in self._groups:
            yield from group.stopping(stopped)
        # Without a request in between: tables are of the creatives that there were.
        for group in self._groups:
            group.leave_out(stopped.creatives)
        self.stopped = stopped
        self._forget()

    def advancing(self, now: float) -> Steps[None]:
        """Find out who may run, before the first request asks."""
        for group in self._groups:
            yield from group.timetable.advancing(now)
        self._begin(now, self._era.until)

    @property
    def good_until(self) -> float:
        """UTC seconds of the next instant at which a campaign may begin or stop to run."""
        return self._era.until

    def table(self, context: Context, now: float) -> Table:
        """now: UTC seconds."""
        if not self._era.since <= now < self._era.until:
            self._advance(now)
        url = context.url if self._vocabulary.patterns else ""
        key = (context.device, context.site, url, context.facts)
        table = self._by_context.get(key)
        if table is None:
            table = self._look_up(key, context)
        if table.stale:
            table.renew()
        return table

    def _advance(self, now: float) -> None:
        """Also to a time before the last one, as where a clock is set back."""
        for group in self._groups:
            if now < self._era.since:
                group.timetable.restart()
            group.timetable.advance(now)
        self._begin(now, min((g.timetable.good_until for g in self._groups), default=NEVER))

    def _forget(self) -> None:
        self._begin(self._era.since, self._era.until)

    def _begin(self, since: float, until: float) -> None:
        self._era.over = True
        self._era = Era(since, until)
        self._by_context.clear()
        self._by_signature.clear()

    def _look_up(self, key: tuple[object, ...], context: Context) -> Table:
        of_site, values = bool(context.site), values_of(context)
        signature = self._vocabulary.signature(values, context.url, of_site=of_site)
        table = self._by_signature.get((context.device, signature))
        if table is None:
            table = Table(self._groups, context.device, dict(signature), self._era)
            self._bound()
            self._by_signature[context.device, signature] = table
        if len(self._by_context) >= MAX_CONTEXTS:
            self._by_context.clear()
        # What is long is rarely asked again, and would make the bound a loose one.
        if len(context.url) + sum(map(len, chain(*dict(context.facts).values()))) <= MAX_LENGTH:
            self._by_context[key] = table
        return table

    def _bound(self) -> None:
        tables = self._by_signature
        # A table grows when a tier below its first is asked for, so all are weighed now and then.
        heavy = len(tables) % TABLES_BETWEEN_WEIGHINGS == 0 and (
            sum(crowd.size for crowd in self._era.crowds.values()) > MAX_PLACEMENTS
        )
        if heavy or len(tables) >= MAX_TABLES:
            self._forget()

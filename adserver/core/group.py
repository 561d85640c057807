"""The campaigns of one tier in one slot, as bits: who may run, who fits, who wants what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from adserver.core.bits import less, pack, positions_in
from adserver.core.catalog import Campaign, Creative, Device, Slot, Tier
from adserver.core.fit import fitting, room_for
from adserver.core.lineup import Lineup
from adserver.core.numbered import Own
from adserver.core.pauses import Stopped
from adserver.core.reasons import REACH, Reason
from adserver.core.register import Register
from adserver.core.roster import Fits, Roster
from adserver.core.shelf import Parts, Placement, Shelf, parts_of, shares_of, shelf, weight_of
from adserver.core.steps import Steps, in_steps
from adserver.core.targeting import Values
from adserver.core.timetable import Timetable
from adserver.core.wants import Wants

# A fifth of a millisecond.
NAMES_A_STEP = 2_000


@dataclass(slots=True)
class Group:
    """What a slot makes of a roster: who fits it, who runs in it, and their placements there."""

    slot: Slot
    slot_number: int
    roster: Roster
    numbers: Mapping[str, Own]
    timetable: Timetable
    _fits: dict[Device, Fits] = field(default_factory=dict)
    # Of campaigns that go on without some of their creatives, by position; and those of which
    # nothing is left that fits.
    _without: Mapping[int, Collection[str]] = field(default_factory=dict)
    _bare: Mapping[Device, int] = field(default_factory=dict)
    _placements: dict[tuple[Device, int], tuple[Placement, ...]] = field(default_factory=dict)

    @classmethod
    def compiling(
        cls,
        slot: Slot,
        slot_number: int,
        roster: Roster,
        numbers: Mapping[str, Own],
    ) -> Steps[Group]:
        group = cls(
            slot=slot,
            slot_number=slot_number,
            roster=roster,
            numbers=numbers,
            timetable=Timetable(roster.campaigns),
        )
        for device in Device:
            group._fits[device] = yield from roster.fitting(room_for(slot, device))
        return group

    @property
    def tier(self) -> Tier:
        return self.roster.tier

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        return self.roster.campaigns

    @property
    def wants(self) -> Wants:
        return self.roster.wants

    @property
    def register(self) -> Register:
        return self.roster.register

    @property
    def paced(self) -> bool:
        return self.roster.paced

    @property
    def rates(self) -> Sequence[float]:
        return self.roster.rates

    @property
    def ranks(self) -> Sequence[int]:
        return self.roster.ranks

    def fits(self, device: Device) -> int:
        """The bits of those that have a creative for the slot's room on a device."""
        return less(self._fits[device].everybody, self._bare.get(device, 0))

    def stopping(self, stopped: Stopped) -> Steps[None]:
        """From now on these campaigns are paused, and no others."""
        positions = self.register.positions
        if stopped.empties(self.slot.name):
            self.timetable.stop_all()
            return
        found = []
        for name, ends in in_steps(stopped.campaigns, NAMES_A_STEP):
            if name in positions:
                found.append(positions[name])
            if ends:
                yield
        yield from self.timetable.stopping(found)

    def leave_out(self, creatives: Mapping[str, Collection[str]]) -> None:
        """From now on these creatives are not shown, and all others are; by campaign. What was
        made of those that were is not to be asked any more."""
        positions = self.register.positions
        without = {positions[name]: ids for name, ids in creatives.items() if name in positions}
        for position in {*self._without, *without}:
            for device in Device:
                self._placements.pop((device, position), None)
        self._without = without
        self._bare = {
            device: pack([n for n in sorted(without) if not self._shown(n, device)])
            for device in Device
        }

    def _shown(self, position: int, device: Device) -> list[Creative]:
        """A campaign's creatives that fit, but for those that are paused."""
        ids = self._without.get(position, ())
        fit = fitting(self.campaigns[position], self.slot, device)
        return [creative for creative in fit if creative.id not in ids]

    def may_serve(self, device: Device, values: Values) -> int:
        """The bits of those that may serve a context with these values."""
        return self.wants.of(self.timetable.may_run & self.fits(device), values)

    def shelf(self, device: Device, among: int) -> Shelf:
        """Some of one level, side by side; of those without goals."""
        placements = [p for n in positions_in(among) for p in self.placed(device, n)]
        weights = [placement.weight for placement in placements]
        return shelf(self.tier, placements, weights, shares=self.tier is Tier.SPONSORSHIP)

    def lineup(self, device: Device, among: int) -> Lineup:
        """Some of those with goals, the scarcest first."""
        order = sorted(positions_in(among), key=self.ranks.__getitem__)
        parts = [self._parts_of(device, position) for position in order]
        return Lineup(order, parts, partial(self.placed, device), self.ranks)

    def _parts_of(self, device: Device, position: int) -> Parts:
        if position in self._without:
            return parts_of(self._shown(position, device))
        return self._fits[device].parts[position]

    def level_of(self, among: int) -> int:
        return self.roster.level_of(among)

    def of_level(self, number: int) -> int:
        return self.roster.of_level(number)

    def placed(self, device: Device, position: int) -> tuple[Placement, ...]:
        """A campaign's creatives that fit."""
        placed = self._placements.get((device, position))
        if placed is None:
            placed = tuple(self._place(position, device))
            self._placements[device, position] = placed
        return placed

    def _place(self, position: int, device: Device) -> Iterator[Placement]:
        campaign, creatives = self.campaigns[position], self._shown(position, device)
        weight = 1.0 if self.paced else weight_of(campaign)
        _, *of_campaign = self.numbers[campaign.name]
        numbers = {c.id: n for c, n in zip(campaign.creatives, of_campaign, strict=True)}
        for creative, share in zip(creatives, shares_of(creatives, weight), strict=True):
            yield Placement(
                campaign,
                creative,
                self.slot,
                numbers[creative.id],
                self.slot_number,
                share,
            )

    def furthest(self, device: Device) -> Reason:
        """How far those came of whom nobody may serve."""
        may_run, fits = self.timetable.may_run, self._fits[device].everybody
        if may_run & self.fits(device):
            return Reason.TARGETING
        if less(may_run, fits):
            return Reason.WRONG_SIZE
        # Whoever may run and fits is left without a creative.
        without = Reason.PAUSED if may_run else Reason.NO_CAMPAIGN
        return max(without, self.timetable.furthest, key=REACH.__getitem__)

"""Those of one group who may serve contexts of one kind, the shelves on which they stand, and who
of them is left where a page refuses some."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import groupby

from adserver.core.bits import less, pack, positions_in
from adserver.core.catalog import Campaign, Device
from adserver.core.context import Context
from adserver.core.group import Group
from adserver.core.lineup import Lineup
from adserver.core.on_page import OnPage
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement, Shelf
from adserver.core.stretches import Stretches, creative_among

# So many are asked one by one, at some 0.15 us each; bits of all of them together take some 3 us.
MOST_ASKED = 16
# Rates that together are less were not cut, whatever their sum was rounded to.
ALL = 1.0 - 1e-9

Few = tuple[tuple[int, tuple[tuple[int, Campaign, tuple[Placement, ...]], ...]], ...]
"""Levels, best first, with their campaigns: position, and what may be shown of it."""
NONE: Few = ()
NO_PLACEMENTS: Sequence[Placement] = ()
Left = tuple[int, int, Sequence[Placement]]
"""The best level of whom a page takes any, their bits, and what is left of the last of them."""
NOBODY: Left = (0, 0, NO_PLACEMENTS)


class Crowd:
    """may: the bits of those who may serve; of some at least."""

    def __init__(self, group: Group, device: Device, may: int) -> None:
        self._group, self._device, self.may = group, device, may
        self._shelves: dict[int, Shelf] = {}
        self._stretches: dict[int, Stretches] = {}
        self._lineup: Lineup | None = None
        self._register, self._rates = group.register, group.rates
        self._is_few, self._few = may.bit_count() <= MOST_ASKED, NONE
        self._level = group.level_of(may)
        self.first = self._shelf(self._level)

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """All of the group, in the order of their bits."""
        return self._group.campaigns

    @property
    def size(self) -> int:
        """Placements on the shelves that were looked at, or what is as heavy."""
        some = sum(len(campaigns) for _, campaigns in self._few)
        some += sum(one.size for one in self._shelves.values())
        return some + sum(one.size for one in self._stretches.values())

    def shelves(self) -> Iterator[Shelf]:
        """Best level first."""
        left = self.may
        while left:
            level = self._group.level_of(left)
            yield self._shelf(level)
            left = less(left, self._group.of_level(level))

    def _shelf(self, level: int) -> Shelf:
        made = self._shelves.get(level)
        if made is None:
            among = self.may & self._group.of_level(level)
            paced = self._group.paced
            made = self._paced(among) if paced else self._group.shelf(self._device, among)
            self._shelves[level] = made
        return made

    def _paced(self, among: int) -> Shelf:
        group, lineup = self._group, self._lineup
        if lineup is None or lineup.ranks is not group.ranks:
            lineup = self._lineup = group.lineup(self._device, among)
        return lineup.shelf(group.rates)

    def renew(self) -> None:
        """Rates have changed, and who may serve has not."""
        rates = self._group.rates
        # One that several tables share is renewed by the first of them.
        if self._group.paced and rates is not self._rates:
            self._rates = rates
            self._shelves.clear()
            self._stretches.clear()
            self.first = self._shelf(self._level)

    def _stretch(self, level: int) -> Stretches:
        made = self._stretches.get(level)
        if made is None:
            made = Stretches(self._shelf(level), self._register.positions)
            self._stretches[level] = made
        return made

    def left(self, page: OnPage, context: Context) -> tuple[int, set[Reason]]:
        """The bits of those whom the page takes, and why it does not take the others."""
        register, reasons = self._register, set()
        left = self.may
        for reason, refused in register.refused(page, context):
            if found := left & refused:
                reasons.add(reason)
                left ^= found
        without_room, why = self._without_room(left, page)
        shown = self._shown(left, page)
        if shown := less(shown, without_room):
            reasons.add(Reason.DUPLICATE)
        return less(left, without_room | shown), reasons | why

    def _without_room(self, left: int, page: OnPage) -> tuple[int, set[Reason]]:
        """Those of `left` whose limit lets none be served, and why. The only question that is put
        to one after the other, some 0.5 us each: rooms fill and empty all the time."""
        rooms, times, campaigns = page.rooms, page.times, self._group.campaigns
        if not rooms:
            return 0, set()
        found, reasons = [], set()
        for position in positions_in(left & self._register.limited):
            name = campaigns[position].name
            room = rooms.get(name)
            if room is not None and (reason := room.refuses(times.get(name, 0))) is not None:
                found.append(position)
                reasons.add(reason)
        return pack(found), reasons

    def _shown(self, left: int, page: OnPage) -> int:
        """Those all of whose creatives are on the page."""
        positions, shown = self._register.positions, 0
        for name in page.times:
            position = positions.get(name)
            if (
                position is not None
                and left >> position & 1
                and not self._unseen(position, page.creatives)
            ):
                shown |= 1 << position
        return shown

    def _unseen(self, position: int, shown: Container[int]) -> list[Placement]:
        return unseen_of(self._group.placed(self._device, position), shown)

    def instead(
        self, refused: Placement, page: OnPage, context: Context, draw: float
    ) -> tuple[Placement | None, float]:
        """Choose anew, where a draw for the first shelf fell on one that the page refuses.

        draw: where in its stretch. None, and a draw for the next crowd, where nobody is left.
        """
        campaign, shown = refused.campaign, page.creatives
        if refused.creative_number in shown and page.refuses_all_of(campaign, context) is None:
            # The creative alone is there already.
            position = self._register.positions[campaign.name]
            if unseen := self._unseen(position, shown):
                return creative_among(unseen, draw), draw
        return self.again(page, context, draw)

    def again(self, page: OnPage, context: Context, draw: float) -> tuple[Placement | None, float]:
        """Choose among those of whom the page takes any; as `instead`."""
        first = self.first
        if first.rates and first.cumulated[-1] < ALL:
            # All have their whole rate, so that nobody has more for another's being refused.
            return None, draw
        level, left, unseen = (
            self._left_of_few(page, context) if self._is_few else self._best(page, context)
        )
        if not left:
            return None, draw
        if not (first.shares or left & (left - 1)):
            # One alone, as most are in the remnant tier: all of the draw is theirs.
            return creative_among(unseen, draw), draw
        return self._stretch(level).again(left, draw, page.creatives)

    def _best(self, page: OnPage, context: Context) -> Left:
        """Found out of all of them together."""
        left, _ = self.left(page, context)
        if not left:
            return NOBODY
        level = self._group.level_of(left)
        left &= self._group.of_level(level)
        return level, left, self._unseen(left.bit_length() - 1, page.creatives)

    def _left_of_few(self, page: OnPage, context: Context) -> Left:
        """The same, each asked in turn; most levels need not be looked at."""
        times, shown = page.times, page.creatives
        for level, some in self._few or self._look_up_few():
            left, unseen = 0, NO_PLACEMENTS
            for position, campaign, placed in some:
                if page.refuses_all_of(campaign, context) is None:
                    free = placed if campaign.name not in times else unseen_of(placed, shown)
                    if free:
                        left, unseen = left | 1 << position, free
            if left:
                return level, left, unseen
        return NOBODY

    def _look_up_few(self) -> Few:
        group, device = self._group, self._device
        every = ((n, group.campaigns[n], group.placed(device, n)) for n in positions_in(self.may))
        by_level = groupby(every, key=lambda one: group.level_of(1 << one[0]))
        self._few = tuple((level, tuple(some)) for level, some in by_level)
        return self._few

    def choices(self, campaign: Campaign, page: OnPage, context: Context) -> list[Placement] | None:
        """What one campaign may show, where nobody stands before it; None if nobody is left."""
        left, _ = self.left(page, context)
        if not left:
            return None
        position = self._register.positions.get(campaign.name)
        best = left & self._group.of_level(self._group.level_of(left))
        if position is None or not best >> position & 1:
            return []
        return self._unseen(position, page.creatives)


def unseen_of(placements: Sequence[Placement], shown: Container[int]) -> list[Placement]:
    """Those whose creatives, by number, are not on the page."""
    return [placement for placement in placements if placement.creative_number not in shown]

"""Campaigns of one tier as bits: who wants what, who keeps whom off, who comes before whom.

None of that depends on the slot, and many slots are booked by the same campaigns; those have one
roster together. Of a hundred thousand in three slots that is two thirds of their bits.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from adserver.core.bits import lowest, pack
from adserver.core.catalog import Campaign, Size, Tier
from adserver.core.ecpm import by_ecpm
from adserver.core.fit import fitting_in
from adserver.core.rates import Rates, is_paced
from adserver.core.register import Register
from adserver.core.shelf import Parts, parts_of
from adserver.core.steps import Steps, in_steps
from adserver.core.wants import Wants

# A tenth of a microsecond each.
PACED_A_STEP = 1_000


class Fits(NamedTuple):
    """everybody: the bits of those that have a creative for some room. parts: of campaigns with
    goals, by position, how those creatives share it."""

    everybody: int
    parts: Sequence[Parts]


@dataclass(slots=True)
class Roster:
    """The campaigns of one tier, by their positions. Their order is that of their names, so that
    the order of files or folders never matters to a draw; remnant ones stand by eCPM before that.

    levels: where each level of equal eCPM ends; none where all are equal. paced: whether they have
    goals, and take part at a rate; then rates and ranks are by position.
    """

    tier: Tier
    campaigns: tuple[Campaign, ...]
    wants: Wants
    register: Register
    levels: tuple[int, ...] = ()
    paced: bool = False
    rates: Sequence[float] = ()
    ranks: Sequence[int] = ()
    _ranked_by: Mapping[str, int] | None = None
    _fits: dict[Size | None, Fits] = field(default_factory=dict)

    @classmethod
    def compiling(cls, campaigns: tuple[Campaign, ...]) -> Steps[Roster]:
        """campaigns: of one tier, all with a goal or all without, in the order of their names."""
        levels: tuple[int, ...] = ()
        if campaigns[0].tier is Tier.REMNANT:
            campaigns, levels = yield from by_ecpm(campaigns)
        roster = cls(
            tier=campaigns[0].tier,
            campaigns=campaigns,
            wants=Wants(),
            register=Register(),
            levels=levels if len(levels) > 1 else (),
            paced=is_paced(campaigns[0]),
        )
        if roster.paced:
            roster.rates, roster.ranks = [1.0] * len(campaigns), [0] * len(campaigns)
        yield from roster.wants.taking(campaign.targeting for campaign in campaigns)
        yield from roster.register.taking(campaigns)
        return roster

    def fitting(self, room: Size | None) -> Steps[Fits]:
        """Slots have some sizes in common. None: there is no room."""
        known = self._fits.get(room)
        if known is None:
            known = self._fits[room] = yield from self._fitting(room)
        return known

    def _fitting(self, room: Size | None) -> Steps[Fits]:
        positions: list[int] = []
        parts: list[Parts] = []
        # Of most campaigns they are equal, and each is kept once.
        known: dict[tuple[float, ...], Parts] = {}
        for (position, campaign), ends in in_steps(enumerate(self.campaigns)):
            fit = fitting_in(campaign, room)
            if fit:
                positions.append(position)
            if self.paced:
                weights = tuple([creative.weight for creative in fit])
                if weights not in known:
                    known[weights] = parts_of(fit)
                parts.append(known[weights])
            if ends:
                yield
        return Fits(pack(positions), parts)

    def pace(self, rates: Rates) -> Steps[None]:
        """From now on every campaign takes part at its rate."""
        numbers: list[float] = []
        for first in range(0, len(self.campaigns), PACED_A_STEP):
            numbers += rates.rates_of(self.campaigns[first : first + PACED_A_STEP])
            yield
        ranks = self.ranks
        # Those of one plan are the same all the while.
        if rates.ranks is not self._ranked_by:
            ranks = []
            for first in range(0, len(self.campaigns), PACED_A_STEP):
                ranks += rates.ranks_of(self.campaigns[first : first + PACED_A_STEP])
                yield
        self.rates, self.ranks, self._ranked_by = numbers, ranks, rates.ranks

    def level_of(self, among: int) -> int:
        """The number of the highest eCPM among some; 0 in other tiers, as all are equal."""
        return bisect_right(self.levels, lowest(among)) if self.levels else 0

    def of_level(self, number: int) -> int:
        """The bits of all of a level."""
        if not self.levels:
            return (1 << len(self.campaigns)) - 1
        begin = self.levels[number - 1] if number else 0
        return (1 << self.levels[number]) - (1 << begin)


class Rosters:
    """Those of one generation while it is compiled, each once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Roster] = {}

    def of(self, campaigns: tuple[Campaign, ...]) -> Steps[Roster]:
        """campaigns: as `Roster.compiling` takes them; of one catalog, which keeps them."""
        which = array("Q", map(id, campaigns)).tobytes()
        known = self._known.get(which)
        if known is None:
            known = self._known[which] = yield from Roster.compiling(campaigns)
        return known

"""Campaigns with goals in line, the scarcest first, and the shelf that their rates make of them.

Rates are reckoned every few seconds, and thousands may stand on one shelf. So a shelf of many is
numbers, and a placement is made when it wins; the line is the same until plans are made anew.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain

from adserver.core.catalog import Tier
from adserver.core.shelf import Parts, Placed, Placement, Shelf, side_by_side

# Placements of a line so short that most of them win something: made when the line is.
MADE_AT_ONCE = 128

Make = Callable[[int], tuple[Placement, ...]]
"""The placements of a campaign, by its position in the group."""


class Lineup:
    """order: positions in the group. parts: of each campaign there, of at least one creative.
    ranks: by which they were ordered."""

    __slots__ = ("_order", "_parts", "_placed", "_starts", "ranks")

    def __init__(
        self, order: Sequence[int], parts: Sequence[Parts], make: Make, ranks: Sequence[int]
    ) -> None:
        self._order, self._parts, self.ranks = array("I", order), parts, ranks
        self._starts = array("I", list(accumulate((len(some) for some, _ in parts), initial=0)))
        self._placed: Placed = Winners(self._order, self._starts, make)
        if self._starts[-1] <= MADE_AT_ONCE:
            self._placed = tuple(chain.from_iterable(map(make, order)))

    def shelf(self, rates: Sequence[float]) -> Shelf:
        """rates: by position in the group."""
        order = self._order
        cumulated, of_each = side_by_side(map(rates.__getitem__, order), self._parts)
        return Shelf(
            Tier.STANDARD, self._placed, cumulated, True, 1.0, of_each, order, self._starts
        )


class Winners(dict[int, Placement]):
    """Placements by their numbers on the shelf, as they have been asked for: found again as fast
    as in any dictionary."""

    __slots__ = ("_make", "_order", "_starts")

    def __init__(self, order: Sequence[int], starts: Sequence[int], make: Make) -> None:
        super().__init__()
        self._order, self._starts, self._make = order, starts, make

    def __missing__(self, number: int) -> Placement:
        which = bisect_right(self._starts, number) - 1
        placed = self._make(self._order[which])
        made = self[number] = placed[number - self._starts[which]]
        return made

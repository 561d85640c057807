"""The stretches of a draw that the campaigns of a shelf own, and a second draw among some of them.

Where the draw fell on a campaign that the page refuses, the others are to win as if they had stood
there with no others. They keep what is theirs, and have what was refused: in proportion to their
weights, of shares as much as each then is still short of, of rates (`core.pacing`) what was cut of
them, the scarcest first. Only who is refused is looked at, or only who is left, whichever are
fewer: so it costs little to refuse a few of ten thousand, or nearly all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Mapping, Sequence
from itertools import accumulate

from adserver.core.bits import less, pack, positions_in
from adserver.core.shelf import Placement, Shelf

BELOW_ONE = 1.0 - 2**-53
# Of all weight. If no more is left, differences of sums no longer say how much it is.
LEAST_LEFT = 1e-6


def within(begin: float, end: float, point: float) -> float:
    """Where in a stretch a point lies: a number in [0, 1), as good as a draw of its own."""
    if end <= begin or point <= begin:
        return 0.0
    at = (point - begin) / (end - begin)
    return at if at < BELOW_ONE else BELOW_ONE


class Measure:
    """Lengths one behind the other, by the number of their campaign on the shelf."""

    def __init__(self, ends: Sequence[float]) -> None:
        self.ends = ends
        self.total = ends[-1]

    def begin(self, number: int) -> float:
        return self.ends[number - 1] if number else 0.0

    def length(self, numbers: Sequence[int]) -> float:
        ends, length = self.ends, 0.0
        for n in numbers:
            length += ends[n] - (ends[n - 1] if n else 0.0)
        return length

    def at(self, draw: float) -> tuple[int, float]:
        """On whose a draw falls, and where in it."""
        return self.without((), draw * self.total)

    def among(self, left: Sequence[int], point: float) -> tuple[int, float]:
        """On whose a point of [0, sum) falls, were there these alone, and where in it."""
        for number in left:
            length = self.ends[number] - self.begin(number)
            if point < length:
                return number, within(0.0, length, point)
            point -= length
        return left[-1], BELOW_ONE

    def without(self, gone: Sequence[int], point: float) -> tuple[int, float]:
        """The same, were these not there. The last may be one of them, as sums are rounded."""
        for number in gone:
            begin = self.begin(number)
            if begin > point:
                break
            point += self.ends[number] - begin
        number = min(bisect_right(self.ends, point), len(self.ends) - 1)
        return number, within(self.begin(number), self.ends[number], point)


class Some:
    """Some of the campaigns of a shelf, and the others: by their numbers there, ascending."""

    def __init__(self, left: Sequence[int] | None, gone: Sequence[int] | None) -> None:
        self._left, self._gone = left, gone

    def length(self, measure: Measure) -> float:
        if self._gone is None:
            return measure.length(self._left or ())
        return measure.total - measure.length(self._gone)

    def at(self, measure: Measure, point: float) -> tuple[int, float]:
        if self._gone is None:
            return measure.among(self._left or (), point)
        return measure.without(self._gone, point)


class Stretches:
    """positions: of a group's campaigns, by their names."""

    def __init__(self, shelf: Shelf, positions: Mapping[str, int]) -> None:
        self.shelf = shelf
        self._order, self._starts = shelf.order, shelf.starts
        if not self._order:
            self._order, self._starts = lined_up(shelf.placements, positions)
        self._numbers = {position: number for number, position in enumerate(self._order)}
        self.bits = pack(self._order)
        ends = [shelf.cumulated[start - 1] for start in self._starts[1:]]
        self._weights = Measure(ends)
        self._cut = Measure(list(accumulate(self._cut_off()))) if shelf.paced else self._weights

    def _cut_off(self) -> list[float]:
        """What of each campaign's rate had no place on the shelf."""
        rates, weights = self.shelf.rates, self._weights
        return [
            max(0.0, rates[start] - (weights.ends[n] - weights.begin(n)))
            for n, start in enumerate(self._starts[:-1])
        ]

    @property
    def size(self) -> int:
        """As heavy as so many placements."""
        return 2 * len(self._order)

    def again(
        self, left: int, draw: float, shown: Container[int]
    ) -> tuple[Placement | None, float]:
        """Choose among those of `left`, of whom there are some, where the draw fell on another.

        None where what remains is the next tier's. draw: where in that other's stretch it fell.
        shown: the numbers of creatives that are on the page already.
        """
        shelf = self.shelf
        if left == self.bits and not shelf.shares:
            # Nobody of these is refused: the draw fell on a better one.
            return self._placed(left, self._weights.at(draw), shown), draw
        some = self._some(left)
        weight = some.length(self._weights)
        if not shelf.shares:
            return self._placed(left, some.at(self._weights, draw * weight), shown), draw
        freed = (self._weights.total - weight) / shelf.whole
        point = draw * freed
        if shelf.paced:
            lacking, scale = min(freed, some.length(self._cut)), 1.0
        else:
            scale = 1.0 / max(weight, 1.0) - 1.0 / shelf.whole
            lacking = freed if weight >= 1.0 else scale * weight
        if point >= lacking:
            return None, within(lacking, freed, point)
        return self._placed(left, some.at(self._cut, point / scale), shown), draw

    def _some(self, left: int) -> Some:
        gone = less(self.bits, left)
        few = gone.bit_count() <= left.bit_count()
        if few:
            numbers = self._numbers_of(gone)
            kept = self._weights.total - self._weights.length(numbers)
            if kept > LEAST_LEFT * self._weights.total:
                return Some(None, numbers)
        return Some(self._numbers_of(left), None)

    def _numbers_of(self, bits: int) -> list[int]:
        numbers = self._numbers
        return sorted([numbers[position] for position in positions_in(bits)])

    def _placed(self, left: int, found: tuple[int, float], shown: Container[int]) -> Placement:
        number, point = found
        while not left >> self._order[number] & 1:
            # Rounding has led to the edge of one that is refused.
            number, point = (number or len(self._order)) - 1, BELOW_ONE
        start, end = self._starts[number], self._starts[number + 1]
        placements = [self.shelf.placed[n] for n in range(start, end)]
        unseen = [p for p in placements if p.creative_number not in shown]
        return creative_among(unseen, point)


def lined_up(
    placements: Sequence[Placement], positions: Mapping[str, int]
) -> tuple[list[int], list[int]]:
    """The campaigns of a shelf, by position, and where each begins and the last one ends."""
    order: list[int] = []
    starts: list[int] = []
    for n, placement in enumerate(placements):
        position = positions[placement.campaign.name]
        if not order or order[-1] != position:
            order.append(position)
            starts.append(n)
    return order, [*starts, len(placements)]


def creative_among(placements: Sequence[Placement], draw: float) -> Placement:
    """One of one campaign's, by the weight of its creatives."""
    if len(placements) == 1:
        return placements[0]
    ends = list(accumulate([placement.weight for placement in placements]))
    return placements[min(bisect_right(ends, draw * ends[-1]), len(placements) - 1)]

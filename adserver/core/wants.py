"""The targeting of many campaigns at once: who wants a page and a reader, as bits.

For each fact there are the bits of those who ask something of it, and for each value the bits of
those who name it. So a context with a few values costs a few operations on bits, whatever the
number of campaigns. What it means is in `core.targeting`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adserver.core.bits import Bits, less, pack, packed_or_few, union
from adserver.core.catalog import Clause
from adserver.core.steps import Steps, finish, in_steps
from adserver.core.targeting import URL, Folded, Values
from adserver.core.urls import Patterns


@dataclass(slots=True)
class Asked:
    """What is asked of one fact. all_of: sets of values, each under one of its own."""

    any_asked: int = 0
    any_of: dict[str, Bits] = field(default_factory=dict)
    none_of: dict[str, Bits] = field(default_factory=dict)
    all_asked: int = 0
    all_of: dict[str, list[tuple[frozenset[str], Bits]]] = field(default_factory=dict)

    @property
    def known(self) -> frozenset[str]:
        """Values that anybody names; all others make no difference."""
        together = {
            value for sets in self.all_of.values() for values, _ in sets for value in values
        }
        return frozenset({*self.any_of, *self.none_of, *together})

    def lost(self, values: Collection[str]) -> int:
        """Those who ask for something else."""
        lost = 0
        if self.any_asked:
            found = union(self.any_of[value] for value in values if value in self.any_of)
            lost = self.any_asked ^ found
        if self.none_of:
            lost |= union(self.none_of[value] for value in values if value in self.none_of)
        if self.all_asked:
            lost |= self.all_asked ^ self._all_found(values)
        return lost

    def _all_found(self, values: Collection[str]) -> int:
        there = frozenset(values)
        return union(
            bits
            for value in there
            for wanted, bits in self.all_of.get(value, ())
            if wanted <= there
        )


class Wants:
    """targeting: of each campaign, in the order of their bits."""

    def __init__(self, targeting: Sequence[Iterable[Clause]] = ()) -> None:
        self.asked: dict[str, Asked] = {}
        finish(self.taking(targeting))

    def taking(self, targeting: Iterable[Iterable[Clause]]) -> Steps[None]:
        gathered: dict[str, Gathered] = {}
        folded = Folded().__getitem__
        for (position, clauses), ends in in_steps(enumerate(targeting)):
            for clause in clauses:
                form = same if clause.fact == URL else folded
                gathered.setdefault(clause.fact, Gathered()).add(position, clause, form)
            if ends:
                yield
        # Who is asked by most comes first: it leaves the fewest for the others.
        for fact in sorted(gathered, key=lambda fact: (-gathered[fact].asking, fact)):
            self.asked[fact] = yield from gathered[fact].packed()

    def of(self, among: int, values: Values) -> int:
        """Those of `among` who want a context with these values; of `url`, with these patterns."""
        for fact, asked in self.asked.items():
            if not among:
                return 0
            among = less(among, asked.lost(values.get(fact, ())))
        return among


@dataclass(slots=True)
class Gathered:
    """Positions, before they are packed."""

    any_of: dict[str, list[int]] = field(default_factory=dict)
    none_of: dict[str, list[int]] = field(default_factory=dict)
    all_of: dict[frozenset[str], list[int]] = field(default_factory=dict)
    any_asked: list[int] = field(default_factory=list)
    all_asked: list[int] = field(default_factory=list)

    @property
    def asking(self) -> int:
        return len(self.any_asked) + len(self.all_asked)

    def add(self, position: int, clause: Clause, form: Callable[[str], str]) -> None:
        """form: as the fact's values compare."""
        if clause.any:
            self.any_asked.append(position)
        if clause.all:
            self.all_asked.append(position)
            self.all_of.setdefault(frozenset(map(form, clause.all)), []).append(position)
        for named, by_value in ((clause.any, self.any_of), (clause.none, self.none_of)):
            for value in dict.fromkeys(map(form, named)):
                by_value.setdefault(value, []).append(position)

    def packed(self) -> Steps[Asked]:
        asked = Asked(any_asked=pack(self.any_asked), all_asked=pack(self.all_asked))
        for named, packed in ((self.any_of, asked.any_of), (self.none_of, asked.none_of)):
            for (value, some), ends in in_steps(named.items()):
                packed[value] = packed_or_few(some)
                if ends:
                    yield
        for (wanted, some), ends in in_steps(self.all_of.items()):
            # Under one of its values, so that only sets of values that are there are looked at.
            asked.all_of.setdefault(min(wanted), []).append((wanted, packed_or_few(some)))
            if ends:
                yield
        return asked


def same(value: str) -> str:
    return value


class Vocabulary:
    """The values that make a difference in one slot, over all its tiers."""

    def __init__(self, wants: Iterable[Wants]) -> None:
        known: dict[str, set[str]] = {}
        for one in wants:
            for fact, asked in one.asked.items():
                known.setdefault(fact, set()).update(asked.known)
        self._known: Mapping[str, frozenset[str]] = {
            fact: frozenset(known[fact]) for fact in sorted(known) if fact != URL
        }
        self.patterns = Patterns(known[URL]) if URL in known else None

    def signature(
        self, values: Values, url: str, *, of_site: bool
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What of a context makes a difference here: contexts with equal ones are equal."""
        signature = [
            (fact, there)
            for fact, known in self._known.items()
            if (there := tuple(sorted(known.intersection(values.get(fact, ())))))
        ]
        if self.patterns and (matched := self.patterns.matched(url, of_site=of_site)):
            signature.append((URL, tuple(matched)))
        return tuple(signature)

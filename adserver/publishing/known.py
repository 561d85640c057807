"""What the store has counted and learnt, as far as a plan asks for it; each is read when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from adserver.core.bought import ByUnit, delivered_by_unit
from adserver.core.catalog import Catalog, Generation, names
from adserver.core.outlook import Samples
from adserver.core.pauses import Pause
from adserver.core.ports.commands import KnownSamples, KnownTraffic, Pauses, Totals
from adserver.core.samples import Sample
from adserver.core.traffic import Scope, Traffic


@dataclass
class Known:
    """live: None where nothing is. now: UTC seconds."""

    live: Generation | None
    totals: Totals
    traffic: KnownTraffic
    samples: KnownSamples
    pauses: Pauses
    now: float

    def __post_init__(self) -> None:
        self._sampled: dict[int, list[Sample]] = {}

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        return self.totals.numbers()

    @cached_property
    def ever(self) -> frozenset[str]:
        """The campaigns that were ever live. A number alone does not tell: names are given theirs
        before somebody else turns out to have been quicker."""
        return frozenset(one.campaign for one in self.totals.known_creatives().values())

    @cached_property
    def paused(self) -> list[Pause]:
        """Also what is over."""
        return self.pauses.known()

    @cached_property
    def by_unit(self) -> ByUnit:
        return delivered_by_unit(self.numbers, self.totals.delivered())

    def learnt(self, generation: Generation) -> Traffic:
        return self.traffic.traffic(Scope.of(generation), self.now)

    def sampled(self, slots: Iterable[int]) -> Samples:
        """By the slot's number; each is read once."""
        found: dict[int, list[Sample]] = {}
        for number in slots:
            if number not in self._sampled:
                self._sampled[number] = self.samples.samples(number, self.now)
            found[number] = self._sampled[number]
        return found

    def requests(self, slot: str, seconds: float) -> int:
        """How many of a live slot, in so many seconds before now."""
        number = self.numbers.get(f"slot/{slot}")
        if self.live is None or number is None:
            return 0
        scope = Scope.of(self.live)._replace(slots=(number,))
        counted = self.traffic.requests(scope, self.now - seconds, self.now)
        return sum(by_slot.get(number, 0) for by_slot in counted.values())

    def as_if_live(self, catalog: Catalog) -> Generation:
        """A catalog that is not live yet, whose new names have numbers that nobody knows."""
        numbers = dict(self.numbers)
        unknown = max(numbers.values(), default=0)
        for name in names(catalog):
            if name not in numbers:
                unknown += 1
                numbers[name] = unknown
        return Generation(self.live.number if self.live else 0, catalog, numbers)

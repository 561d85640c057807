"""Values that a campaign is targeted at and that no page has sent, as far as samples tell.

Of each slot some requests of the last days are kept, drawn at random. A value that none of them
has may be a typing mistake, or one that pages do not send yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from adserver.core.candidates import Places
from adserver.core.catalog import Campaign, Catalog, Clause
from adserver.core.outlook import Samples
from adserver.core.samples import Sample
from adserver.core.targeting import URL, fold, values_of
from adserver.core.urls import matches
from adserver.publishing.suggest import listed

# Fewer samples of a campaign's slots say nothing.
MIN_SAMPLES = 30


@dataclass(slots=True)
class Seen:
    """What the samples of one slot have."""

    samples: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)
    pages: set[tuple[str, bool]] = field(default_factory=set)

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Seen:
        seen = cls()
        for context, _ in samples:
            seen.samples += 1
            seen.pages.add((context.url, bool(context.site)))
            for fact, values in values_of(context).items():
                seen.values.setdefault(fact, set()).update(values)
        return seen

    def has(self, fact: str, value: str) -> bool:
        if fact == URL:
            return any(matches(value, url, of_site=of_site) for url, of_site in self.pages)
        return fold(value) in self.values.get(fact, ())


def unseen_values(
    campaigns: Iterable[Campaign],
    catalog: Catalog,
    numbers: Mapping[str, int],
    samples: Samples,
) -> Iterator[tuple[Campaign, str]]:
    """Campaigns with what is to be said of each, a fact at a time.

    numbers: as `Generation.numbers`; samples: of all slots that the campaigns are booked in.
    """
    places, seen = Places(catalog), {number: Seen.of(some) for number, some in samples.items()}
    for campaign in campaigns:
        there = [seen[numbers[f"slot/{slot.name}"]] for slot in places.of(campaign)]
        total = sum(one.samples for one in there)
        if total < MIN_SAMPLES:
            continue
        for clause in campaign.targeting:
            if missing := [value for value in wanted(clause) if not sent(clause, value, there)]:
                which = f"{clause.fact} {listed(missing)}"
                yield campaign, f"none of {total:,} requests sampled in 7 days had {which}"


def wanted(clause: Clause) -> tuple[str, ...]:
    """Of those that it does not want, none has to be there."""
    return (*clause.any, *clause.all)


def sent(clause: Clause, value: str, there: Iterable[Seen]) -> bool:
    return any(seen.has(clause.fact, value) for seen in there)

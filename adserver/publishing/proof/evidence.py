"""What there is to tell of a campaign's delivery, gathered from the store.

A campaign that is live no more is told as it last was: its terms are remembered for ever, the rest
as long as a generation that has it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nextafter

from adserver.core.catalog import Campaign, Catalog, Creative, Flight
from adserver.core.errors import SettingsError
from adserver.core.events import Row
from adserver.core.hour import HOUR_SECONDS
from adserver.core.ports.commands import Catalogs, Totals
from adserver.core.publication import Published
from adserver.core.retention import MAX_RECORDS
from adserver.publishing.proof.finality import Asked, Finality, finality
from adserver.publishing.proof.generations import InForce, from_its_first, in_force, last_seen
from adserver.publishing.recorded import read_records
from adserver.publishing.report import By, Query, Records, Report, folded
from adserver.publishing.report import report as make_report
from adserver.publishing.terms import Terms, identities, terms_of
from adserver.publishing.unknown import no_such

# The tables of a proof, in the order in which its digest is made of them.
TABLES = (By.CREATIVE, By.SLOT, By.SITE, By.DAY)
# More is a book; `--since` and `--until`, or `--campaign`, make it a document.
MAX_CAMPAIGNS = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be proven: of one campaign, or of all of an advertiser. since, until: UTC
    seconds, `until` not included, None for all there is."""

    campaign: str = ""
    advertiser: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One campaign. campaign: as it was last applied, None where no kept generation has it."""

    terms: Terms
    campaign: Campaign | None
    live: bool
    creatives: tuple[Creative, ...]
    finality: Finality
    reports: Mapping[By, Report]
    generations: InForce | None

    @property
    def name(self) -> str:
        return self.terms.name

    @property
    def whole(self) -> Report:
        """Each of its reports has the same total and the same discarded events."""
        return self.reports[By.DAY]


@dataclass(frozen=True, slots=True)
class Evidence:
    """now: UTC seconds. life: a ticket's, seconds."""

    catalog: Catalog
    wish: Wish
    now: float
    life: int
    deliveries: tuple[Delivery, ...]


def gather(catalogs: Catalogs, totals: Totals, wish: Wish, now: float, life: int) -> Evidence:
    """life: a ticket's, seconds. NoSuchName for whom there never was."""
    live = catalogs.live()
    if live is None:
        kind = "campaign" if wish.campaign else "advertiser"
        raise no_such(kind, wish.campaign or wish.advertiser, ())
    catalog = live[0].catalog
    asked = Asked(now, catalog.site.timezone, life, totals.through())
    return Gathering(catalogs, totals, wish, catalog, asked).evidence()


class Gathering:
    """One proof's evidence in the making."""

    def __init__(
        self, catalogs: Catalogs, totals: Totals, wish: Wish, catalog: Catalog, asked: Asked
    ) -> None:
        self._wish, self._catalog, self._asked = wish, catalog, asked
        self._catalogs = catalogs
        self._numbers_of: dict[int, frozenset[int]] = {}
        self._known = totals.known_creatives()
        self._live = {one.name: one for one in catalog.campaigns}
        self._terms = terms_of(self._known.values(), self._live)
        self._history = catalogs.history(MAX_RECORDS)
        names = names_of(wish, self._terms)
        gone = [name for name in names if name not in self._live]
        self._lasts = last_seen(catalogs, gone, self._history)
        self._finalities = {
            name: finality(self._end(name), wish.until, asked) for name in sorted(names)
        }
        until = latest([one.closes for one in self._finalities.values()])
        self._records = read_records(totals, catalog, wish.since, until, asked.now)
        self._rows = by_campaign(self._records, self._records.rows)
        self._earlier = by_campaign(self._records, self._records.earlier)

    def evidence(self) -> Evidence:
        names = [name for name in self._finalities if self._belongs(name)]
        if len(names) > MAX_CAMPAIGNS:
            raise SettingsError(
                f"{self._wish.advertiser} has {len(names)} campaigns in that time, more than the "
                f"{MAX_CAMPAIGNS} of one document; say --since and --until, or --campaign"
            )
        asked = self._asked
        deliveries = tuple(self._delivery(name) for name in names)
        return Evidence(self._catalog, self._wish, asked.now, asked.life, deliveries)

    def _end(self, name: str) -> float | None:
        """When the campaign stops being served, UTC seconds; None if that is open."""
        last = self._lasts.get(name)
        ends = [self._terms[name].flight.until, last.ended_at if last else None]
        return min((end for end in ends if end is not None), default=None)

    def _belongs(self, name: str) -> bool:
        """What has nothing to do with the window is left out of an advertiser's proof."""
        wish = self._wish
        in_it = name in self._live and overlaps(self._terms[name].flight, wish.since, wish.until)
        return bool(wish.campaign) or in_it or bool(self._rows.get(name))

    def _delivery(self, name: str) -> Delivery:
        final = self._finalities[name]
        records = self._records_of(name, final.closes)
        reports = {by: make_report(records, self._query(by, name, final)) for by in TABLES}
        last = self._lasts.get(name)
        campaign = self._live.get(name) or (last.campaign if last else None)
        return Delivery(
            terms=self._terms[name],
            campaign=campaign,
            live=name in self._live,
            creatives=tuple(self._creatives(name, campaign, reports[By.CREATIVE])),
            finality=final,
            reports=reports,
            generations=self._in_force(name, records.rows),
        )

    def _query(self, by: By, name: str, final: Finality) -> Query:
        return Query(by, self._asked.now, name, since=self._wish.since, until=final.closes)

    def _records_of(self, name: str, until: float | None) -> Records:
        """Those of the campaign, in its own window; without the others, as each of its reports
        would go through all of them."""
        own = [self._live[name]] if name in self._live else []
        known = {n: one for n, one in self._known.items() if one.campaign == name}
        numbers = {
            of: number
            for of, number in self._records.numbers.items()
            if not of.startswith(("campaign/", "creative/")) or of.split("/")[1] == name
        }
        rows = [row for row in self._rows.get(name, ()) if until is None or row.hour < until]
        catalog = replace(self._catalog, campaigns=tuple(own))
        return Records(catalog, numbers, known, rows, self._earlier.get(name, []))

    def _creatives(
        self, name: str, campaign: Campaign | None, counted: Report
    ) -> Iterator[Creative]:
        """Those of the campaign, then those that it has no more and that were shown."""
        own = campaign.creatives if campaign else ()
        yield from own
        there = {one.id for one in own}
        for one in self._known.values():
            if one.campaign == name and one.creative.id not in there:
                there.add(one.creative.id)
                if campaign is None or (name, one.creative.id) in counted.lines:
                    yield one.creative

    def _in_force(self, name: str, rows: Sequence[Row]) -> InForce | None:
        """From the flight's beginning, or the first that was counted, to its end, or now; where
        there is no such time, those of its last instant."""
        now, since = self._asked.now, self._terms[name].flight.since
        counted = min((row.hour + HOUR_SECONDS for row in rows), default=inf)
        first = min((row.hour for row in rows), default=now)
        begin = max(first if since is None else since, self._wish.since or 0.0)
        ends = [nextafter(now, inf), self._end(name), self._wish.until]
        end = min(end for end in ends if end is not None)
        found = in_force(self._history, min(begin, nextafter(end, -inf)), end)
        number = self._records.numbers.get(f"campaign/{name}")
        if found is None or number is None:
            return found

        def has(one: Published) -> bool:
            return number in self._campaigns_of(one.number)

        return from_its_first(found, self._history, has, counted)

    def _campaigns_of(self, generation: int) -> frozenset[int]:
        """The numbers of its campaigns, as a name may have been another one's before."""
        if generation not in self._numbers_of:
            stored = self._catalogs.generation(generation)
            numbers = stored[0].numbers.items() if stored else ()
            self._numbers_of[generation] = frozenset(
                number for of, number in numbers if of.startswith("campaign/")
            )
        return self._numbers_of[generation]


def names_of(wish: Wish, terms: Mapping[str, Terms]) -> list[str]:
    """The campaigns that are asked for; NoSuchName."""
    if wish.campaign:
        if wish.campaign not in terms:
            raise no_such("campaign", wish.campaign, terms)
        return [wish.campaign]
    same = folded(wish.advertiser)
    found = [name for name, one in terms.items() if folded(one.advertiser) == same]
    if not found:
        raise no_such("advertiser", wish.advertiser, {one.advertiser for one in terms.values()})
    return found


def latest(ends: Sequence[float | None]) -> float | None:
    """None where one is open."""
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def overlaps(flight: Flight, since: float | None, until: float | None) -> bool:
    late = flight.since is not None and until is not None and flight.since >= until
    early = flight.until is not None and since is not None and flight.until <= since
    return not late and not early


def by_campaign(records: Records, rows: Sequence[Row]) -> dict[str, list[Row]]:
    whose = identities(records.numbers, records.known, records.live)
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.creative in whose:
            found.setdefault(whose[row.creative].campaign, []).append(row)
    return found

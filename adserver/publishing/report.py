"""The report: what was delivered and what it is worth, by campaign, place or time.

Pure functions over the store's rows. Every event with a good ticket is in `gross`; those that
count are in `impressions` and `clicks`; the difference is explained under `discarded`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from adserver.core.booking import booked_slots
from adserver.core.catalog import Campaign, Catalog
from adserver.core.events import METRIC_OF, Delivered, Metric, Row
from adserver.core.flights import zone
from adserver.core.publication import KnownCreative
from adserver.core.reasons import Discard
from adserver.publishing import moments, revenue
from adserver.publishing.billing import ALL, beyond_goal, billed_shares, time_of
from adserver.publishing.terms import Identity, Terms, identities, terms_of
from adserver.publishing.unknown import no_such


class By(StrEnum):
    CAMPAIGN = "campaign"
    CREATIVE = "creative"
    SLOT = "slot"
    SITE = "site"
    DAY = "day"
    HOUR = "hour"

    @property
    def headings(self) -> tuple[str, ...]:
        """The names of a label's parts; a creative's name is unique in its campaign only."""
        return ("campaign", "creative") if self is By.CREATIVE else (self.value,)


Label = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """since, until: UTC seconds, `until` exclusive, None for all there is."""

    by: By
    now: float
    campaign: str = ""
    advertiser: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """All that a report is made of: what is live, every name's number, rows of the window."""

    catalog: Catalog | None
    numbers: Mapping[str, int]
    known: Mapping[int, KnownCreative]
    rows: Sequence[Row]
    # Those before the window, where something was delivered beyond its goal (`goes_beyond`).
    earlier: Sequence[Row] = ()

    @property
    def live(self) -> dict[str, Campaign]:
        return {one.name: one for one in self.catalog.campaigns} if self.catalog else {}


COUNTED = frozenset(
    (Metric.SERVED, *METRIC_OF.values(), Metric.UNMATCHED, Metric.UNMATCHED_VIEWABLE)
)


@dataclass(slots=True)
class Sums:
    served: int = 0
    gross: int = 0
    impressions: int = 0
    viewable: int = 0
    clicks: int = 0
    unmatched: int = 0
    unmatched_viewable: int = 0
    earned: Fraction = revenue.NOTHING

    @property
    def ctr(self) -> float | None:
        return round(self.clicks / self.impressions, 6) if self.impressions else None

    @property
    def revenue(self) -> Decimal:
        return revenue.in_cents(self.earned)

    @property
    def ecpm(self) -> Decimal | None:
        """What a thousand of its impressions have earned."""
        if not self.impressions:
            return None
        return revenue.in_cents(self.earned * 1000 / self.impressions)

    def add(self, row: Row, terms: Terms | None, billed: Fraction = ALL) -> None:
        """billed: the share of it that has a price."""
        price = terms.price if terms else None
        if row.metric is Metric.IMPRESSION and row.reason != Discard.FORGED:
            self.gross += row.count
        if row.reason:
            return
        match row.metric:
            case Metric.SERVED:
                self.served += row.count
            case Metric.IMPRESSION:
                self.impressions += row.count
                self.earned += billed * revenue.of_impressions(price, row.count)
            case Metric.VIEWABLE:
                self.viewable += row.count
            case Metric.CLICK:
                self.clicks += row.count
                self.earned += billed * revenue.of_clicks(price, row.count)
            case Metric.UNMATCHED:
                self.unmatched += row.count
            case Metric.UNMATCHED_VIEWABLE:
                self.unmatched_viewable += row.count


@dataclass(slots=True)
class Report:
    """orders: the publisher's own order numbers, by campaign. whole_days: old days are among its
    rows, whose hours are known no more: by the hour, each is one line.

    would_discard: what rules in dry run would have discarded, which is counted all the same.
    """

    by: By
    lines: dict[Label, Sums] = field(default_factory=dict)
    total: Sums = field(default_factory=Sums)
    discarded_impressions: Counter[str] = field(default_factory=Counter)
    discarded_clicks: Counter[str] = field(default_factory=Counter)
    would_discard_impressions: Counter[str] = field(default_factory=Counter)
    would_discard_clicks: Counter[str] = field(default_factory=Counter)
    orders: dict[str, str] = field(default_factory=dict)
    whole_days: bool = False

    def line(self, label: Label) -> Sums:
        return self.lines.setdefault(label, Sums())

    def note_discard(self, row: Row) -> None:
        if not row.reason:
            return
        match row.metric:
            case Metric.IMPRESSION:
                self.discarded_impressions[row.reason] += row.count
            case Metric.CLICK:
                self.discarded_clicks[row.reason] += row.count
            case Metric.WOULD_IMPRESSION:
                self.would_discard_impressions[row.reason] += row.count
            case Metric.WOULD_CLICK:
                self.would_discard_clicks[row.reason] += row.count


def goes_beyond(records: Records, delivered: Delivered) -> bool:
    """Whether what is billed of a window depends on what came before it. delivered: ever."""
    terms = terms_of(records.known.values(), records.live)
    whose = identities(records.numbers, records.known, records.live)
    return bool(beyond_goal(terms, whose, delivered))


def report(records: Records, query: Query) -> Report:
    """NoSuchName for a campaign or advertiser that there never was."""
    return Reporter(records, query).report()


class Reporter:
    """One report in the making."""

    def __init__(self, records: Records, query: Query) -> None:
        self._records = records
        self._query = query
        catalog = records.catalog
        self._campaigns = records.live
        self._terms = terms_of(records.known.values(), self._campaigns)
        self._zone = zone(catalog.site.timezone if catalog else "UTC")
        self._identities = identities(records.numbers, records.known, self._campaigns)
        self._places = places(records.numbers)
        self._check_names()

    def report(self) -> Report:
        records = self._records
        made = Report(self._query.by, orders={n: t.order for n, t in self._terms.items()})
        shown: dict[str, Counter[Label]] = {name: Counter() for name in self._terms}
        shares = billed_shares(self._terms, self._identities, records.earlier, records.rows)
        for row in records.rows:
            identity = self._identities.get(row.creative)
            if not self._wanted(identity):
                continue
            made.note_discard(row)
            made.whole_days |= bool(row.day)
            if identity is None or row.metric not in COUNTED:
                continue
            label, terms = self._label(row, identity), self._terms.get(identity.campaign)
            billed = shares.get((identity.campaign, time_of(row)), ALL)
            made.line(label).add(row, terms, billed)
            made.total.add(row, terms, billed)
            if terms and row.metric is Metric.IMPRESSION and not row.reason:
                shown[terms.name][label] += row.count
        self._add_flat_prices(made, shown)
        made.lines = dict(sorted(made.lines.items()))
        return made

    def _check_names(self) -> None:
        query = self._query
        everyone = [
            *self._identities.values(),
            *(Identity(c.name, "", c.advertiser) for c in self._campaigns.values()),
        ]
        campaigns = {one.campaign for one in everyone}
        if query.campaign and query.campaign not in campaigns:
            raise no_such("campaign", query.campaign, campaigns)
        advertisers = {one.advertiser for one in everyone}
        if query.advertiser and folded(query.advertiser) not in map(folded, advertisers):
            raise no_such("advertiser", query.advertiser, advertisers)

    def _wanted(self, identity: Identity | None) -> bool:
        """A forged ticket is of no campaign: it is in reports of everything only."""
        query = self._query
        if identity is None:
            return not query.campaign and not query.advertiser
        return query.campaign in ("", identity.campaign) and (
            not query.advertiser or folded(query.advertiser) == folded(identity.advertiser)
        )

    def _label(self, row: Row, identity: Identity) -> Label:
        match self._query.by:
            case By.CAMPAIGN:
                return (identity.campaign,)
            case By.CREATIVE:
                return (identity.campaign, identity.creative)
            case By.SLOT:
                return (self._places.get(("slot", row.slot), ""),)
            case By.SITE:  # "" is a page of none of the sites
                return (self._places.get(("site", row.site), ""),)
            case By.DAY:
                return (row.day or moments.day_of(row.hour, self._zone),)
            case By.HOUR:
                return (row.day or moments.hour_of(row.hour, self._zone),)

    def _add_flat_prices(self, made: Report, shown: Mapping[str, Counter[Label]]) -> None:
        query = self._query
        until = query.now if query.until is None else min(query.now, query.until)
        for name, terms in self._terms.items():
            flat = revenue.flat_price(terms.flight, terms.price)
            if flat is None or not self._wanted(Identity(name, "", terms.advertiser)):
                continue
            if span := flat.earning_time(query.since, until):
                made.total.earned += flat.earned(span)
                for label, amount in self._spread(name, flat, span, shown[name]):
                    made.line(label).earned += amount

    def _spread(
        self, name: str, flat: revenue.Flat, span: revenue.Span, shown: Counter[Label]
    ) -> Iterator[tuple[Label, Fraction]]:
        """A flat price over the report's lines: by time where they are times, else as its
        impressions are spread; before the first impression, evenly."""
        if self._query.by in (By.DAY, By.HOUR):
            cut = revenue.by_day if self._query.by is By.DAY else revenue.by_hour
            for time, part in cut(span, self._zone):
                yield (time,), flat.earned(part)
            return
        parts = shown if shown.total() else Counter(self._homes(name))
        for label, count in parts.items():
            yield label, flat.earned(span) * count / parts.total()

    def _homes(self, name: str) -> list[Label]:
        """The lines on which a campaign may appear; of one that is gone, only its own is known."""
        catalog, campaign = self._records.catalog, self._campaigns.get(name)
        if self._query.by is By.CAMPAIGN:
            return [(name,)]
        if catalog is None or campaign is None:
            return [(name, "")] if self._query.by is By.CREATIVE else [("",)]
        if self._query.by is By.CREATIVE:
            return [(campaign.name, creative.id) for creative in campaign.creatives]
        if self._query.by is By.SITE:
            return [(name,) for name in catalog.site.sites]
        return [(slot.name,) for slot in booked_slots(campaign, catalog.slots)]


def places(numbers: Mapping[str, int]) -> dict[tuple[str, int], str]:
    """Names by kind (`slot`, `site`) and number."""
    split = ((name.partition("/"), number) for name, number in numbers.items())
    return {(kind, number): rest for (kind, _, rest), number in split if kind in ("slot", "site")}


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

"""What requesters were told, against what the report holds.

    A ≤ B ≤ A + in flight

A: distinct events of which somebody was told that they count (`accepted`, or `discarded;
reason=duplicate`: counted before). B: what the report says. In flight: distinct events of which
nobody was told anything (no answer, or a click's `pending`). Held for each metric and campaign.
Of `served` and `gross` a worker that is killed may lose its last second: then they have no floor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from adserver.core.events import METRIC_OF, Kind, Metric
from adserver.core.ticket import Sealer, Ticket
from adserver.publishing.report import By, Query, Records, report
from adserver.store.address import shards_of
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.servers import NEXT_SECRET_KEY, SECRET_KEY

ACCEPTED, DUPLICATE, PENDING = "accepted", "discarded; reason=duplicate", "pending"
GROSS = "gross"
# Written once a second, with no answer that waits for it.
UNACKNOWLEDGED = (GROSS, Metric.SERVED)
# A clock that a test puts forward counts in hours to come.
FAR_SECONDS = 10 * 3_600
SEALER = Sealer([SECRET_KEY.encode(), NEXT_SECRET_KEY.encode()])

Figures = Mapping[tuple[str, str], int]  # (metric, campaign) → how often


class Sent(NamedTuple):
    kind: Kind
    ticket: str


@dataclass(slots=True)
class Told:
    """What the requesters of one load know; campaigns: by the number of their only creative."""

    events: dict[Sent, bool] = field(default_factory=dict)  # → whether anybody was told of it
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    open: Counter[tuple[str, int]] = field(default_factory=Counter)
    refused: int = 0

    def heard(self, sent: Sent, status: int, event: str, *, unsure: bool = False) -> None:
        """An answer to an event. unsure: an earlier attempt at the same had none."""
        if status == 503:
            # Refused: it must not be counted, unless another attempt has been.
            self.refused += 1
            if unsure:
                self.unheard(sent)
            return
        assert event in (ACCEPTED, DUPLICATE, PENDING), (status, event)
        self.events[sent] = self.events.get(sent, False) or event != PENDING
        if sent.kind is Kind.IMPRESSION:
            self.answers[GROSS, creative_of(sent.ticket)] += 1

    def unheard(self, sent: Sent) -> None:
        self.events.setdefault(sent, False)
        if sent.kind is Kind.IMPRESSION:
            self.open[GROSS, creative_of(sent.ticket)] += 1

    def served(self, ticket: str) -> None:
        self.answers[Metric.SERVED, creative_of(ticket)] += 1

    def slot_unheard(self, creative: int) -> None:
        self.open[Metric.SERVED, creative] += 1

    def sums(self) -> tuple[Counter[tuple[str, int]], Counter[tuple[str, int]]]:
        """A, and what is in flight, by metric and creative. A viewable counts as its impression."""
        told, in_flight = self.answers.copy(), self.open.copy()
        for sent, answered in self.events.items():
            shown = self.events.get(Sent(Kind.IMPRESSION, sent.ticket))
            if sent.kind is Kind.VIEWABLE and shown is None:
                continue
            known = answered and (sent.kind is not Kind.VIEWABLE or shown)
            place = (METRIC_OF[sent.kind].value, creative_of(sent.ticket))
            (told if known else in_flight)[place] += 1
        return told, in_flight

    @property
    def acknowledged(self) -> int:
        return sum(self.events.values())

    @property
    def in_flight(self) -> int:
        return len(self.events) - self.acknowledged


def ticket_of(text: str) -> Ticket:
    return SEALER.unseal(text)


def creative_of(text: str) -> int:
    return ticket_of(text).creative


def violations(
    told: Told, counted: Figures, campaigns: Mapping[int, str], *, killed: bool = False
) -> list[str]:
    """Where the report is not what was told. killed: so was a worker."""
    known, in_flight = told.sums()
    return list(compare(known, in_flight, counted, campaigns, killed=killed))


def compare(
    known: Counter[tuple[str, int]],
    in_flight: Counter[tuple[str, int]],
    counted: Figures,
    campaigns: Mapping[int, str],
    *,
    killed: bool,
) -> Iterator[str]:
    metrics = [*map(str, METRIC_OF.values()), *UNACKNOWLEDGED]
    for metric in metrics:
        for creative, campaign in campaigns.items():
            floor, open_ = known[metric, creative], in_flight[metric, creative]
            found = counted.get((metric, campaign), 0)
            if found > floor + open_ or (
                found < floor and not (killed and metric in UNACKNOWLEDGED)
            ):
                yield (
                    f"{metric} of {campaign}: told {floor}, in flight {open_}, counted {found} "
                    f"({found - floor:+d})"
                )


class Books:
    """The report as `adserver report` makes it, without starting a process to ask."""

    def __init__(self, url: str) -> None:
        self.store = ExitStack()
        connection, keys = self.store.enter_context(client(url)), Keys("adserver", shards_of(url))
        self._catalogs = StoredCatalogs(connection, keys)
        self.totals = StoredTotals(connection, keys)

    def figures(self, now: float) -> Figures:
        live = self._catalogs.live()
        rows = self.totals.rows(0, now + FAR_SECONDS)
        records = Records(
            live[0].catalog if live else None,
            self.totals.numbers(),
            self.totals.known_creatives(),
            rows,
        )
        made = report(records, Query(By.CAMPAIGN, now))
        found: dict[tuple[str, str], int] = {}
        for (campaign,), sums in made.lines.items():
            found[GROSS, campaign] = sums.gross
            found[Metric.SERVED, campaign] = sums.served
            found[Metric.IMPRESSION, campaign] = sums.impressions
            found[Metric.VIEWABLE, campaign] = sums.viewable
            found[Metric.CLICK, campaign] = sums.clicks
        return found

    def campaigns(self) -> dict[int, str]:
        """The campaign of each creative, by its number."""
        return {number: one.campaign for number, one in self.totals.known_creatives().items()}

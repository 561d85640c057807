"""The delivery gauges: what the store knows of every campaign, equal on every node."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import structlog

from adserver.core.catalog import Campaign, Generation
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Metric
from adserver.core.flights import standing
from adserver.core.reasons import Reason
from adserver.metrics import OTHER, Dump, label_campaigns
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient
from adserver.store.keys import Keys
from adserver.store.live_totals import StoredLiveTotals

log = structlog.get_logger(__name__)

# Several Prometheus servers may scrape; the store is asked once for all of them.
FRESH_SECONDS = 1.0
UNITS = {Metric.IMPRESSION: "impressions", Metric.CLICK: "clicks"}
RUNNING = "running"
STATES = (
    RUNNING,
    Reason.DRAFT,
    Reason.PAUSED,
    Reason.NOT_STARTED,
    Reason.ENDED,
    Reason.OFF_HOURS,
)


class Delivery:
    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._totals = StoredLiveTotals(client, keys)
        self._catalog = StoredLiveCatalog(client, keys)
        self._generation: Generation | None = None
        self._read_at = 0.0
        self._dump: Dump = {}

    async def dump(self) -> Dump:
        """Empty while the store is away: old numbers would look like new ones."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            try:
                self._dump = await self._read()
            except StoreUnavailable as error:
                log.warning("store_unavailable", op="delivery", error=str(error))
                self._dump = {}
            self._read_at = time.monotonic()
        return self._dump

    async def _read(self) -> Dump:
        number = await self._catalog.live_number()
        if self._generation is None or self._generation.number != number:
            self._generation = await self._catalog.generation(number) if number else None
        if self._generation is None:
            return {}
        await self._totals.look()
        return gauges(self._generation, self._totals.delivered, time.time())


def gauges(generation: Generation, totals: Mapping[tuple[Metric, int], int], now: float) -> Dump:
    """now: UTC seconds."""
    campaigns = generation.catalog.campaigns
    running = {c.name for c in campaigns if standing(c, now) is None}
    labels = label_campaigns(running, {c.name for c in campaigns} - running)
    named = [c for c in campaigns if labels[c.name] != OTHER]
    counted: Counter[tuple[str, ...]] = Counter()
    for campaign in campaigns:
        for metric, unit in UNITS.items():
            counted[labels[campaign.name], unit] += delivered_by(
                campaign, generation, totals, metric
            )
    return {
        "campaign_delivered": list(counted.items()),
        "campaign_state": [
            ((campaign.name, state), int(state == state_of(campaign, now)))
            for campaign in named
            for state in STATES
        ],
        "campaign_flight_end_timestamp_seconds": [
            ((c.name,), c.flight.until) for c in named if c.flight.until is not None
        ],
        "campaign_info": [((c.name, c.advertiser, c.tier), 1) for c in named],
    }


def state_of(campaign: Campaign, now: float) -> str:
    return standing(campaign, now) or RUNNING


def delivered_by(
    campaign: Campaign,
    generation: Generation,
    totals: Mapping[tuple[Metric, int], int],
    metric: Metric,
) -> int:
    return sum(
        totals.get((metric, generation.numbers[f"creative/{campaign.name}/{creative.id}"]), 0)
        for creative in campaign.creatives
    )

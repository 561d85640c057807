"""The delivery gauges: what the store knows of every campaign, equal on every node."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

import structlog

from adserver.between import between_requests
from adserver.core.bought import ByUnit, bought, delivered_by_unit
from adserver.core.catalog import Campaign, Generation
from adserver.core.errors import StoreUnavailable, UnreadablePause
from adserver.core.flights import standing
from adserver.core.outlook import Outlook
from adserver.core.pacing import Verdict
from adserver.core.pauses import Pause, pausing, stopping
from adserver.core.reasons import Reason
from adserver.metrics.meter import OTHER, Dump, label_campaigns
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient
from adserver.store.keys import Keys
from adserver.store.live_totals import StoredLiveTotals
from adserver.store.totals import numbers
from adserver.wiring.expected import Expected

log = structlog.get_logger(__name__)

# Several Prometheus servers may scrape; the store is asked once for all of them.
FRESH_SECONDS = 1.0
RUNNING = "running"
GOAL_GAUGES = (
    "campaign_goal",
    "campaign_delivered_ratio",
    "campaign_expected_ratio",
    "campaign_verdict",
)
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
        self._client, self._keys = client, keys
        self._totals = StoredLiveTotals(client, keys)
        self._numbers: Mapping[str, int] = {}
        self._catalog = StoredLiveCatalog(client, keys)
        self._expected = Expected(client, keys)
        self._generation: Generation | None = None
        self._known_pauses: tuple[Pause, ...] = ()
        self._served: Generation | None = None
        # By which generation and pauses, and until when.
        self._served_by: tuple[Generation, tuple[Pause, ...]] | None = None
        self._served_until = 0.0
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
            # Also those of creatives that a campaign has no more: they were delivered.
            self._numbers = await numbers(self._client, self._keys)
            self._generation = await self._catalog.generation(number) if number else None
        if self._generation is None:
            return {}
        await self._totals.look()
        now, pauses = time.time(), await self._pauses()
        served = await self._as_served(self._generation, pauses, now)
        by_unit = delivered_by_unit(self._numbers, self._totals.delivered)
        outlooks = await self._expected.at(served, by_unit, now)
        in_force = sum(pause.holds(now) for pause in pauses)
        return {**gauges(served, by_unit, outlooks, now), "pauses": [((), in_force)]}

    async def _pauses(self) -> tuple[Pause, ...]:
        """Those that were read last, where another release has written since."""
        try:
            self._known_pauses = await self._catalog.pauses()
        except UnreadablePause:
            log.exception("pauses_not_read")
        return self._known_pauses

    async def _as_served(
        self, live: Generation, pauses: tuple[Pause, ...], now: float
    ) -> Generation:
        """The same one until another is live, or something is paused, resumed or over."""
        by = self._served_by
        if (
            self._served is None
            or by is None
            or by[0] is not live
            or by[1] is not pauses
            or now >= self._served_until
        ):
            stopped = await between_requests(stopping(live.catalog, pauses, now), lasting=False)
            self._served = await between_requests(pausing(live, stopped), lasting=False)
            self._served_by, self._served_until = (live, pauses), stopped.until
        return self._served


def gauges(
    generation: Generation, by_unit: ByUnit, outlooks: Mapping[str, Outlook], now: float
) -> Dump:
    """now: UTC seconds."""
    campaigns = generation.catalog.campaigns
    running = {c.name for c in campaigns if standing(c, now) is None}
    labels = label_campaigns(running, {c.name for c in campaigns} - running)
    named = [c for c in campaigns if labels[c.name] != OTHER]
    counted: Counter[tuple[str, ...]] = Counter()
    for campaign in campaigns:
        for unit, delivered in by_unit.items():
            counted[labels[campaign.name], unit] += delivered.get(campaign.name, 0)
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
        **goal_gauges(named, by_unit, outlooks),
    }


def goal_gauges(
    campaigns: Iterable[Campaign], by_unit: ByUnit, outlooks: Mapping[str, Outlook]
) -> Dump:
    """Of those that have bought a number."""
    dump: Dump = {name: [] for name in GOAL_GAUGES}
    goals, delivered_ratios, expected_ratios, verdicts = dump.values()
    for campaign in campaigns:
        if (order := bought(campaign)) is None:
            continue
        name = campaign.name
        goals.append(((name, order.unit), order.goal))
        delivered_ratios.append(((name,), by_unit[order.unit].get(name, 0) / order.goal))
        outlook = outlooks.get(name)
        if outlook is None:
            continue
        if outlook.expected is not None:
            expected_ratios.append(((name,), outlook.expected / order.goal))
        verdicts += [((name, one), int(one is outlook.verdict)) for one in Verdict]
    return dump


def state_of(campaign: Campaign, now: float) -> str:
    return standing(campaign, now) or RUNNING

"""What a worker serves now; swapped whole, by one reference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from adserver.between import between_requests
from adserver.core.catalog import Generation
from adserver.core.errors import NoSuchName, StoreUnavailable
from adserver.core.events import KIND_OF, Kind, Metric, Row
from adserver.core.goals import Limits, limits_of
from adserver.core.ports.serving import LiveCatalog
from adserver.core.publication import KnownCreative
from adserver.core.snapshot import Snapshot
from adserver.metrics.meter import OTHER, Meter
from adserver.serving.invalid import Invalid
from adserver.serving.pausing import Pausing
from adserver.serving.served import EVENT_METRICS, Served, preparing

# Creatives of ended campaigns that are still clicked; past that the store is asked each time.
MAX_GONE = 10_000
RETRY_SECONDS = 10.0


async def at_once(_: Generation, __: Snapshot) -> None:
    """Nothing has to be done before a generation is served."""


class Live:
    """What a worker serves now, and how it finds what is no longer served.

    before: awaited before a generation is served. invalid: by whose rules events are judged.
    """

    def __init__(
        self,
        catalog: LiveCatalog,
        public_url: str,
        meter: Meter,
        before: Callable[[Generation, Snapshot], Awaitable[None]] = at_once,
        invalid: Invalid | None = None,
    ) -> None:
        self._invalid = invalid or Invalid()
        self._before = before
        self._catalog = catalog
        self._public_url = public_url
        self._meter = meter
        self.pausing = Pausing(catalog)
        self._gone: dict[int, KnownCreative] = {}
        self.served: Served | None = None
        self._broken = 0
        self._retry_at = 0.0
        self.since = 0.0  # UTC seconds at which `served` began to be served
        self.confirmed = 0.0  # UTC seconds at which it was last known to be the live one

    @property
    def timezone(self) -> str:
        return self.served.site.timezone if self.served else "UTC"

    @property
    def generation(self) -> int:
        return self.served.snapshot.generation if self.served else 0

    async def refresh(self, now: float) -> bool:
        """Serve the live generation; whether that was a change. A broken one changes nothing."""
        number = await self._catalog.live_number()
        if number == self.generation:
            self.confirmed = now
            return False
        if number == 0 or (number == self._broken and now < self._retry_at):
            return False
        try:
            generation = await self._catalog.generation(number)
            if generation is None:
                raise NoSuchName("generation", str(number))
            served = await between_requests(
                preparing(generation, self._public_url, self._meter, now, self._invalid)
            )
            await self.pausing.know()
            await self.pausing.stop(served.snapshot, now)
            await self._before(generation, served.snapshot)
            self.served = served
        except StoreUnavailable:
            raise
        except Exception:
            # Not tried again, and complained of, twice a second.
            self._broken, self._retry_at = number, now + RETRY_SECONDS
            raise
        self._gone.clear()
        self.since = self.confirmed = now
        return True

    async def pause(self, now: float) -> bool:
        """Stop serving what is paused, as far as it is known; whether that changes anything."""
        return self.served is not None and await self.pausing.stop(self.served.snapshot, now)

    def serves(self, creative: int) -> bool:
        """Whether a creative, by its number, is of the generation that is served."""
        return self.served is not None and creative in self.served.snapshot.of_creative

    def limits(self, creative: int) -> Limits | None:
        """Those of the campaign of a creative, by its number, that is served; None without any."""
        found = self.served and self.served.snapshot.of_creative.get(creative)
        return limits_of(found) if found else None

    def known(self, number: int) -> KnownCreative | None:
        """A creative by its number: of the snapshot, or one that is gone and remembered here."""
        known = self._gone.get(number)
        if known is None and self.served is not None:
            found = self.served.snapshot.creative(number)
            known = KnownCreative.of(*found) if found is not None else None
        return known

    async def creative(self, number: int) -> KnownCreative | None:
        """A creative by its number, also one that only the store remembers."""
        known = self.known(number)
        if known is None:
            known = await self._catalog.known_creative(number)
            if known is not None and len(self._gone) < MAX_GONE:
                self._gone[number] = known
        return known

    def note(self, rows: Iterable[Row]) -> None:
        """Show events that the store has counted, or not, in the node's metrics."""
        counts = self._meter.counts
        for row in rows:
            slot = self.slot_label(row.slot)
            if row.metric is Metric.WOULD_CLICK:
                word = Kind.CLICK.word
                counts["events_would_discard_total"][word, slot, row.reason] += row.count
                continue
            kind = KIND_OF.get(row.metric)
            if kind is None:
                continue  # unmatched: among the clicks; viewable, not counted yet
            if row.reason:
                counts["events_discarded_total"][kind.word, slot, row.reason] += row.count
            else:
                labels = (slot, self.campaign_label(row.creative))
                counts[EVENT_METRICS[kind]][labels] += row.count

    def campaign_label(self, creative_number: int) -> str:
        if self.served is None:
            return OTHER
        campaign = self.served.snapshot.of_creative.get(creative_number)
        return self.served.campaign_label(campaign.name) if campaign else OTHER

    def slot_label(self, slot_number: int) -> str:
        return self.served.slot_names.get(slot_number, OTHER) if self.served else OTHER

"""Pictures and HTML documents in memory, least recently used out first, bounded in bytes.

What the store hands out is held to its digest before anybody is shown it: whoever changes a file
there, or damages it, takes it from pages and puts nothing in its place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import structlog

from adserver.core.assets import Asset, Refusal, refusal_of
from adserver.core.errors import StoreUnavailable
from adserver.core.ports.serving import LiveCatalog
from adserver.metrics.meter import Meter

log = structlog.get_logger(__name__)

# The pictures of some 300 image creatives; behind a cache or CDN each is asked for once a year.
MAX_BYTES = 32 * 1024 * 1024
# Refused files of which the log has been told; past that it is told each time.
MAX_TOLD = 1_000


class AssetCache:
    """refusal: why a file of that digest may not be served, None where it may."""

    def __init__(
        self,
        catalog: LiveCatalog,
        meter: Meter,
        refusal: Callable[[str, Asset], Refusal | None] = refusal_of,
    ) -> None:
        self._catalog = catalog
        self._meter = meter
        self._refusal = refusal
        self._held: OrderedDict[str, Asset] = OrderedDict()
        self._bytes = 0
        self._told: set[str] = set()
        for reason in Refusal:
            meter.present("assets_refused_total", (reason,))

    async def get(self, digest: str) -> Asset | None:
        """None for what the store does not have, or has otherwise than it was applied."""
        held = self._held.get(digest)
        if held is not None:
            self._held.move_to_end(digest)
            return held
        asset = await self._catalog.asset(digest)
        if asset is None:
            return None
        reason = self._refusal(digest, asset)
        if reason is not None:
            self._refuse(digest, reason)
            return None
        self._hold(digest, asset)
        return asset

    async def preload(self, digests: list[str]) -> None:
        """Fetch what fits, so that a store that goes away later takes no picture with it."""
        for digest in digests:
            if self._bytes >= MAX_BYTES:
                return
            try:
                await self.get(digest)
            except StoreUnavailable:
                return

    def _refuse(self, digest: str, reason: Refusal) -> None:
        self._meter.counts["assets_refused_total"][(reason,)] += 1
        if digest not in self._told:
            log.error("asset_refused", digest=digest, reason=reason)
            if len(self._told) < MAX_TOLD:
                self._told.add(digest)

    def _hold(self, digest: str, asset: Asset) -> None:
        if digest in self._held:
            return
        self._held[digest] = asset
        self._bytes += len(asset.data)
        while self._bytes > MAX_BYTES and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= len(dropped.data)

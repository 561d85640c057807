"""Pictures and HTML documents in memory, least recently used out first, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict

from adserver.core.assets import Asset
from adserver.core.errors import StoreUnavailable
from adserver.core.ports.serving import LiveCatalog

# The pictures of some 300 image creatives; behind a cache or CDN each is asked for once a year.
MAX_BYTES = 32 * 1024 * 1024


class AssetCache:
    def __init__(self, catalog: LiveCatalog) -> None:
        self._catalog = catalog
        self._held: OrderedDict[str, Asset] = OrderedDict()
        self._bytes = 0

    async def get(self, digest: str) -> Asset | None:
        held = self._held.get(digest)
        if held is not None:
            self._held.move_to_end(digest)
            return held
        asset = await self._catalog.asset(digest)
        if asset is not None:
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

    def _hold(self, digest: str, asset: Asset) -> None:
        if digest in self._held:
            return
        self._held[digest] = asset
        self._bytes += len(asset.data)
        while self._bytes > MAX_BYTES and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= len(dropped.data)

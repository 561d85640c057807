"""Pauses beside requests: twice a second a look for those that were put or lifted, or are over.

A loop of its own, so that whoever stops something waits for no apply that is under way; and what
is over is over while the store is away as well.
"""

from __future__ import annotations

from adserver.between import between_requests
from adserver.core.pauses import Pause, stopping
from adserver.core.ports.serving import LiveCatalog
from adserver.core.snapshot import Snapshot
from adserver.core.steps import Steps


class Pausing:
    """One worker's: what is known to be paused, and what of it has been done."""

    def __init__(self, catalog: LiveCatalog) -> None:
        self._catalog = catalog
        self._pauses: tuple[Pause, ...] | None = None
        # Of which snapshot, by which pauses.
        self._done: tuple[Snapshot, tuple[Pause, ...]] | None = None

    async def look(self) -> None:
        """StoreUnavailable, UnreadablePause: what was known before stays known."""
        self._pauses = await self._catalog.pauses()

    async def know(self) -> None:
        """Nothing is served by somebody who has never heard what is paused. Raises as `look`."""
        if self._pauses is None:
            await self.look()

    async def stop(self, snapshot: Snapshot, now: float) -> bool:
        """Stop what is paused at `now` (UTC seconds), and nothing else; whether that changes."""
        pauses = self._pauses or ()
        done = self._done
        known = done is not None and done[0] is snapshot and done[1] is pauses
        if known and now < snapshot.stopped.until:
            return False
        changed = await between_requests(stop(snapshot, pauses, now), lasting=False)
        self._done = snapshot, pauses
        return changed


def stop(snapshot: Snapshot, pauses: tuple[Pause, ...], now: float) -> Steps[bool]:
    stopped = yield from stopping(snapshot.catalog, pauses, now)
    if stopped == snapshot.stopped:
        return False
    yield from snapshot.stopping(stopped)
    return True

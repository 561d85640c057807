"""What a node's admin process does for the store from time to time."""

from __future__ import annotations

import time
from dataclasses import asdict

import structlog

from adserver.core.errors import AdserverError
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient
from adserver.store.folding import Folding
from adserver.store.keys import SLACK_SECONDS, Keys
from adserver.store.retiring import Retiring

log = structlog.get_logger(__name__)

# Every node folds, at whatever time it was started; what one has folded, the next one finds done.
UPKEEP_SECONDS = 3_600.0


class Upkeep:
    """ticket_life: seconds in which a ticket's events count."""

    def __init__(self, client: AsyncClient, keys: Keys, ticket_life: int) -> None:
        self._catalog = StoredLiveCatalog(client, keys)
        self._folding = Folding(client, keys)
        # As long as anything else is kept for the sake of tickets.
        self._retiring = Retiring(client, keys, 2 * ticket_life + SLACK_SECONDS)

    async def run(self) -> None:
        """Once; what fails is logged, and tried again the next time."""
        try:
            generation = await self._catalog.generation(await self._catalog.live_number())
            if generation is None:
                return
            folded = await self._folding.run(time.time(), generation.catalog.site.timezone)
            retired = await self._retiring.run(time.time())
        except AdserverError as error:
            log.warning("upkeep_failed", error=str(error))
            return
        if folded.hours:
            log.info("hours_folded", hours=folded.hours, rows=folded.rows)
        if retired:
            log.info("generations_retired", **asdict(retired))

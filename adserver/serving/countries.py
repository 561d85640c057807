"""In which country a reader's address is, by the operator's own database.

Asked of every request for a slot, also where no campaign wants to know: forecasts are for a
targeting that nobody has bought yet. Of the address nothing is kept: neither in memory, nor in a
log, nor with what is counted or sampled.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from adserver.core.errors import SettingsError
from adserver.metrics.meter import Meter
from adserver.serving.country_file import Reader, Stamp, country_in, renewed, stamp_of
from adserver.serving.headers import COUNTRY_FOUND, country_said
from adserver.serving.http import Scope
from adserver.serving.peers import Address, Networks, readers_address

log = structlog.get_logger(__name__)

# A new file is there once a week or a month; to look costs nothing.
LOOK_SECONDS = 60.0
FAILURES = "country_database_failures_total"
BUILT = "country_database_build_timestamp_seconds"
NOT_LOOKED: Stamp = (0, 0, 0)


class Countries:
    """One worker's.

    source: the operator's file. kept: our copy of the last good one, which all workers of the
    node share, and which whoever begins opens. trusted: whose X-Forwarded-For is believed.
    """

    def __init__(self, source: Path, kept: Path, trusted: Networks, meter: Meter) -> None:
        self._source, self._kept = source, kept
        self._trusted = trusted
        self._meter = meter
        self._stamp: Stamp | None = NOT_LOOKED
        self._reader = Reader(kept)
        for what in ("file", "lookup"):
            meter.present(FAILURES, (what,))
        self._show()

    def _show(self) -> None:
        self._meter.gauges[BUILT][()] = self._reader.built

    def note(self, scope: Scope) -> None:
        """Hand it over with the request's headers, where no proxy has said it."""
        headers = scope["headers"]
        if country_said(dict(headers)):
            return
        country = self.of(readers_address(scope, self._trusted))
        if country:
            scope["headers"] = [*headers, (COUNTRY_FOUND, country.encode())]

    def of(self, address: Address | None) -> str:
        """Two letters; "" where it is not known, as of private addresses."""
        if address is None or (address.version == 6 and self._reader.ip_version == 4):
            return ""
        try:
            return country_in(self._reader.record(address))
        # A damaged record makes anything of others' code, and the reader is to see an ad.
        except Exception:
            self._meter.counts[FAILURES]["lookup",] += 1
            return ""

    async def look(self) -> None:
        """Take up a file that has been put in place of the one that was read."""
        stamp = await asyncio.to_thread(stamp_of, self._source)
        if stamp == self._stamp:
            return
        # From before it is read: one that is being written meanwhile is read again.
        self._stamp = stamp
        try:
            reader = await asyncio.to_thread(renewed, self._source, self._kept)
        except SettingsError as error:
            self._meter.counts[FAILURES]["file",] += 1
            log.error("country_database_not_renewed", error=str(error), do="the old one is used")
            return
        before, self._reader = self._reader, reader
        before.close()
        self._show()

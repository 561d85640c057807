"""What a report is made of, read from the store."""

from __future__ import annotations

from dataclasses import replace

from adserver.core.catalog import Catalog
from adserver.core.ports.commands import Totals
from adserver.publishing.report import Records, goes_beyond

# The hour that has just begun on a node whose clock is a little ahead is in the report too.
AHEAD_SECONDS = 3_600


def read_records(
    totals: Totals, catalog: Catalog | None, since: float | None, until: float | None, now: float
) -> Records:
    """since, until: the report's window, as `Query` has it; now: UTC seconds."""
    rows = totals.rows(
        since if since is not None else 0.0, until if until is not None else now + AHEAD_SECONDS
    )
    records = Records(catalog, totals.numbers(), totals.known_creatives(), rows)
    if since is not None and goes_beyond(records, totals.delivered()):
        return replace(records, earlier=totals.rows(0.0, since))
    return records

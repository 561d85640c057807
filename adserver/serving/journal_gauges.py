"""The gauges of a worker's journals: the one place that sets them, present at 0 from the start.

`journal_events` and `journal_bytes` are of what this worker holds, its own journal and those it
has adopted; a node adds its workers up. `journals_quarantined` and `journal_limit_bytes` are of
the whole node: every worker tells the same.
"""

from __future__ import annotations

from adserver.metrics import Meter


def set_journal_gauges(
    meter: Meter,
    *,
    events: int = 0,
    held_bytes: int = 0,
    quarantined: int = 0,
    limit_bytes: int = 0,
) -> None:
    """events: of this worker's journals, not yet known to be in the store. held_bytes: all files
    of those journals, shipped ones that are still kept included. quarantined: journals or parts
    of them in the node's quarantine. limit_bytes: of the node, all of its workers together."""
    gauges = meter.gauges
    gauges["journal_events"][()] = events
    gauges["journal_bytes"][()] = held_bytes
    gauges["journals_quarantined"][()] = quarantined
    gauges["journal_limit_bytes"][()] = limit_bytes

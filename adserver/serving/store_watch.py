"""Whether the store answers this worker: for the metrics each time, for the log now and then."""

from __future__ import annotations

import time
from collections.abc import Hashable

import structlog

from adserver.metrics.meter import Meter

log = structlog.get_logger(__name__)

KIND_OF_CAUSE = {"TimeoutError": "timeout", "ConnectionError": "connection"}
ERROR_KINDS = (*KIND_OF_CAUSE.values(), "other")
# While it stays away; each worker asks several times a second.
REMIND_SECONDS = 60.0


class StoreWatch:
    """Of each that asks, since when it has failed: a store that is full answers when it is asked,
    and takes nothing, and of a Cluster one master may be away."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._since: dict[Hashable, float] = {}
        self._told_at = 0.0

    def measured(self, op: str, asked: float) -> None:
        """asked: when, in seconds of a monotonic clock."""
        took = time.monotonic() - asked
        self._meter.observe("store_command_duration_seconds", (op,), took)

    def answered(self, who: Hashable) -> None:
        """Has what it wanted of the store, or wants no more."""
        since = self._since.pop(who, None)
        if since is not None and not self._since:
            log.warning("store_is_back", after_seconds=round(time.monotonic() - since, 1))
        self._meter.gauges["store_up"][()] = 0 if self._since else 1

    def failed(self, op: str, error: Exception, who: Hashable) -> None:
        now = time.monotonic()
        self._meter.gauges["store_up"][()] = 0
        self._meter.counts["store_errors_total"][(kind_of(error),)] += 1
        if not self._since or now - self._told_at >= REMIND_SECONDS:
            self._told_at = now
            log.warning("store_unavailable", op=op, error=str(error))
        self._since.setdefault(who, now)


def kind_of(error: Exception) -> str:
    """A closed list: what the metric's label may be."""
    return KIND_OF_CAUSE.get(type(error.__cause__).__name__, "other")

"""What a node's parent has done to its processes: counted by it, shown by the admin process.

In a page of shared memory, made before the first process is forked: nothing has to be sent, and
nothing is lost when the admin process itself is replaced.
"""

from __future__ import annotations

from enum import StrEnum
from mmap import PAGESIZE, mmap
from struct import Struct

from adserver.metrics.meter import Dump

COUNT = Struct("Q")


class Restart(StrEnum):
    """Why a process was started in place of another."""

    DIED = "died"
    HUNG = "hung"
    REPLACED = "replaced"


class Failure(StrEnum):
    """What did not come of a SIGHUP; what was there before goes on."""

    WORKERS = "workers"
    KEYS = "keys"
    TOKEN = "token"  # noqa: S105 - what failed, not a secret


METRIC_OF: dict[type[StrEnum], str] = {
    Restart: "worker_restarts_total",
    Failure: "reload_failures_total",
}
SERIES: tuple[StrEnum, ...] = (*Restart, *Failure)


class ParentCounts:
    def __init__(self) -> None:
        self._page = mmap(-1, PAGESIZE)

    def add(self, what: StrEnum) -> None:
        """Each series has one process that adds to it."""
        COUNT.pack_into(self._page, place_of(what), self.count(what) + 1)

    def count(self, what: StrEnum) -> int:
        found: int = COUNT.unpack_from(self._page, place_of(what))[0]
        return found

    def dump(self) -> Dump:
        found: Dump = {}
        for what in SERIES:
            found.setdefault(METRIC_OF[type(what)], []).append(((what.value,), self.count(what)))
        return found


def place_of(what: StrEnum) -> int:
    """Behind each other, in the order of SERIES. Bytes from the page's beginning."""
    return SERIES.index(what) * COUNT.size

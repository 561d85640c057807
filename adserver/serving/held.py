"""A journal that a worker ships: its own, or one that a dead worker left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from adserver.core.batch import Stream
from adserver.core.ports.serving import Source
from adserver.serving.journal import Journal


@dataclass(slots=True, eq=False)
class Held:
    """A journal that is ours to ship, and how far each shard has it.

    confirmed: when each shard was last asked something that it answered; since: it is held, both by
    the monotonic clock.
    """

    journal: Journal
    streams: list[Stream]
    wakes: list[asyncio.Event]
    confirmed: list[float]
    since: float
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    closing: bool = False

    @property
    def source(self) -> Source:
        return Source(self.journal.writer, self.journal.epoch)

    @property
    def position(self) -> int:
        """Every shard has the records up to this one."""
        return min(stream.position for stream in self.streams)

    @property
    def idle(self) -> bool:
        return all(stream.idle for stream in self.streams)

    def wake(self) -> None:
        for wake in self.wakes:
            wake.set()

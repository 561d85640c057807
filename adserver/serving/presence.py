"""A worker says every second that it is there, and learns the store's time by it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from adserver.core.errors import StoreUnavailable
from adserver.core.nodes import CLOCK_SECONDS, NodeState, ahead_of
from adserver.core.ports.serving import LiveCatalog
from adserver.serving.state import State

log = structlog.get_logger(__name__)

# A clock that is wrong is complained of so often.
REMIND_SECONDS = 600.0


@dataclass(slots=True)
class Presence:
    """name, settings, start: as `NodeState`'s. ahead: how far its clock is ahead of the store's,
    seconds."""

    state: State
    catalog: LiveCatalog
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    ahead: float = 0.0
    _told_at: float = field(default=-REMIND_SECONDS)

    async def say(self) -> None:
        state, asked = self.state, self.state.clock()
        try:
            said = await self.catalog.report_node(self._now(asked))
        except StoreUnavailable:
            return
        self.ahead = ahead_of(asked, state.clock(), said)
        state.meter.gauges["clock_ahead_seconds"][()] = self.ahead
        if abs(self.ahead) > CLOCK_SECONDS:
            self._complain()

    async def leave(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self.catalog.forget_node(self._now(self.state.clock()))

    def _now(self, clock: float) -> NodeState:
        live, signs_with = self.state.live, self.state.sealer.signs_with
        return NodeState(
            self.name,
            live.generation,
            live.since,
            clock,
            signs_with,
            self.ahead,
            self.settings,
            self.start,
        )

    def _complain(self) -> None:
        now = time.monotonic()
        if now - self._told_at < REMIND_SECONDS:
            return
        self._told_at = now
        log.warning(
            "clock_differs",
            ahead_of_the_store_seconds=round(self.ahead, 1),
            do="set this machine's clock, or the store's, right: flights and hours go by it",
        )

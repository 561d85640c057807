"""Requests that wait, unparsed, until their worker has time for them.

A round of the event loop takes up whatever has come, and nothing that is timed runs before it ends:
not what measures how late the loop is, not the heartbeat. Thousands of connections that each send
several requests at once would make one round of seconds. So a round parses so many requests; who
comes then is put aside, and taken up a few milliseconds' worth at a time, with all timers between.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adserver.serving.turns import Turns

# Parsed in one round: what takes 5 to 20 ms, so that a worker that keeps up never gets there.
ROUND_REQUESTS = 256
# From here on a round is counted. So a request pays for comparing two numbers, and not for a timer.
NOTICED_REQUESTS = 64
# How long those who were put aside are taken up for, before everything else has its turn.
TURN_SECONDS = 0.010


def nothing() -> None:
    """Of a worker whose heart nobody watches."""


class Backlog:
    """One worker's. Each connection is in it once at most, those first that have waited longest;
    but as many of those that sent one request, as readers do, as of those that sent several.

    taken: requests begun in this round. limit: ask `full` from here on.
    beat: called as requests are worked through, as that is no hanging.
    """

    __slots__ = ("_counted", "_round_requests", "_several", "_single", "beat", "limit", "taken")

    def __init__(self, round_requests: int = ROUND_REQUESTS) -> None:
        self.taken = 0
        self.limit = min(NOTICED_REQUESTS, round_requests)
        self.beat: Callable[[], None] = nothing
        self._round_requests = round_requests
        # Whether `_turn` will run as soon as this round is over.
        self._counted = False
        self._single: OrderedDict[Turns, None] = OrderedDict()
        self._several: OrderedDict[Turns, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._single) + len(self._several)

    def full(self) -> bool:
        """Whether this round has parsed all that it may; to be asked once `taken` is at `limit`."""
        if not self._counted:
            self._next_turn()
            self.limit = self._round_requests
        if self.taken < self._round_requests:
            return False
        self.beat()
        return True

    def put(self, connection: Turns, *, several: bool) -> None:
        (self._several if several else self._single)[connection] = None
        if not self._counted:
            self._next_turn()

    def forget(self, connection: Turns) -> bool:
        """Whether it was waiting here."""
        for waiting in (self._single, self._several):
            if connection in waiting:
                del waiting[connection]
                return True
        return False

    def _next_turn(self) -> None:
        self._counted = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._counted = False
        self.taken = 0
        if len(self):
            self.beat()
            self._take_up(time.perf_counter() + TURN_SECONDS)
            self.taken = 0  # for those who have only come now
        if len(self):
            self._next_turn()
        self.limit = (
            self._round_requests if self._counted else min(NOTICED_REQUESTS, self._round_requests)
        )

    def _take_up(self, end: float) -> None:
        while len(self) and self.taken < self._round_requests and time.perf_counter() < end:
            for waiting in (self._single, self._several):
                if waiting:
                    waiting.popitem(last=False)[0].take_up()

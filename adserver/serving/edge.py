"""What all connections of a worker share: their limits, their number, and one look at the clock.

Deadlines are kept by a single sweep over the open connections, twice a second, and not by a
timer for each request: a request costs nothing for having one. A connection that has waited for
the same thing at enough sweeps in a row is too late, by half a second at most.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import nlargest
from operator import attrgetter
from typing import TYPE_CHECKING

from adserver.serving.backlog import Backlog
from adserver.serving.heads import Heads
from adserver.serving.hosts import Hosts
from adserver.serving.outbox import Outbox
from adserver.serving.refusals import Refusal

if TYPE_CHECKING:
    from adserver.serving.connection import Connection

# Files that a worker needs for itself: 28 were open in a worker at rest. The rest is for more
# connections to the store and for those that are on their way out.
RESERVED_FILES = 40
# Of a worker that may open as many files as it likes; each is about 8 KiB of memory.
MOST_CONNECTIONS = 8_192
FEWEST_CONNECTIONS = 16
# A visitor's first request comes a round trip after the connection: until then another one goes,
# unless there are so many who ask for nothing that they are no visitors.
FRESH_SECONDS = 1.0
FRESH_SHARE = 0.5
# Where all others are being answered, this part of the limit, but no more than so many, may be let
# in above it at once, each for one that ends with the answer that it is waiting for.
OVER_SHARE = 1 / 8
MOST_OVER = 4
# Who has had most answers is looked for so often, 2 ms for 8,192 connections.
BUSIEST_SECONDS = 0.050
BUSIEST = 64
# Connections that are looked at in one go: about 0.5 ms.
SWEPT_AT_ONCE = 500


class Wait(IntEnum):
    """What of the client a connection waits for."""

    NOTHING = 0  # it is our turn
    FIRST = 1  # the first byte of its first request
    HEAD = 2  # the rest of a head
    BODY = 3  # the rest of a body
    READING = 4  # that it reads what we have answered
    NEXT = 5  # its next request
    END = 6  # that it has heard why it is refused


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one connection. Each deadline is kept to within a sweep."""

    head_bytes: int = 16_384
    headers: int = 100
    body_bytes: int = 65_536
    # As sent: sizes, extensions and trailers of chunks included.
    body_raw_bytes: int = 131_072
    # Read and not answered; further ones wait unread.
    pipelined: int = 8
    # What has come with them in one read, and waits to be looked at.
    unparsed_bytes: int = 16_384
    # What a client has to read within `reading_seconds` of a long answer.
    reading_bytes: int = 65_536
    first_seconds: float = 5.0
    head_seconds: float = 5.0
    body_seconds: float = 10.0
    reading_seconds: float = 30.0
    # Longer than nginx keeps connections to a server behind it (60 s): a proxy closes first.
    next_seconds: float = 75.0
    # So long is what a refused client still sends thrown away, so that it can hear why: closing
    # at once would reset the connection, and take the answer with it.
    end_seconds: float = 2.0
    sweep_seconds: float = 0.5

    def deadlines(self) -> tuple[float, ...]:
        """Seconds for each `Wait`, in its order."""
        return (
            float("inf"),
            self.first_seconds,
            self.head_seconds,
            self.body_seconds,
            self.reading_seconds,
            self.next_seconds,
            self.end_seconds,
        )


def most_connections(files: int) -> int:
    """For a worker that may have so many files open."""
    return min(MOST_CONNECTIONS, files - RESERVED_FILES)


@dataclass(slots=True)
class Edge:
    """refused: counted by reason. most: connections of this worker, all there are together."""

    limits: Limits = field(default_factory=Limits)
    hosts: Hosts = field(default_factory=Hosts)
    most: int = MOST_CONNECTIONS
    backlog: Backlog = field(default_factory=Backlog)
    outbox: Outbox = field(default_factory=Outbox)
    heads: Heads = field(default_factory=Heads)
    refused: MutableMapping[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    # A gauge of how many there are, as of the last sweep.
    open: MutableMapping[tuple[str, ...], float] = field(default_factory=dict)
    connections: dict[Connection, None] = field(default_factory=dict)
    # The worker is on its way out: whoever comes now has come too late to stay.
    leaving: bool = False
    # Those that have never asked for anything, the oldest first.
    fresh: dict[Connection, None] = field(default_factory=dict)
    # Others that could be closed for a new one, those first that have waited longest.
    _spare: deque[Connection] = field(default_factory=deque)
    _looked_for_spare: bool = False
    # Those that are always being answered, those last that have had most answers.
    _busiest: list[Connection] = field(default_factory=list)
    _looked_for_busiest: float = -BUSIEST_SECONDS
    # Those that end for others behind the answers that they are owed.
    _making_way: dict[Connection, None] = field(default_factory=dict)
    _over: int = 0
    _deadlines: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self._over = min(MOST_OVER, int(self.most * OVER_SHARE))
        # Sweeps are never quite half a second apart: without this, one would come too early,
        # and the next half a second later.
        early = self.limits.sweep_seconds / 2
        self._deadlines = tuple(seconds - early for seconds in self.limits.deadlines())

    def room(self) -> int:
        """For how many more connections there is some, without closing one for another."""
        return self.most - len(self.connections)

    def count(self, refusal: Refusal) -> None:
        self.refused[refusal.value,] += 1

    def opened(self, connection: Connection) -> None:
        """At the limit somebody has to go: who has never asked, or has waited longest. Where
        nobody waits, who has been answered most often ends with what it is owed."""
        if len(self.connections) >= self.most:
            leaves = self._longest_waiting()
            if leaves is not None:
                self.count(Refusal.CROWDED_OUT)
                leaves.drop()
            elif not self._has_way_made(connection.loop.time()):
                self.count(Refusal.FULL)
                connection.drop()
                return
        self.connections[connection] = self.fresh[connection] = None

    def _has_way_made(self, now: float) -> bool:
        """Whether there is room for one more until then."""
        if len(self._making_way) <= self._over:
            self._make_way(now)
        return len(self.connections) < self.most + min(self._over, len(self._making_way))

    def _make_way(self, now: float) -> None:
        if not self._busiest and now - self._looked_for_busiest >= BUSIEST_SECONDS:
            self._looked_for_busiest = now
            self._busiest = nlargest(BUSIEST, self.connections, attrgetter("begun"))[::-1]
        while self._busiest:
            connection = self._busiest.pop()
            if connection in self.connections and connection.make_way():
                self.count(Refusal.CROWDED_OUT)
                self._making_way[connection] = None
                return

    def asked(self, connection: Connection) -> None:
        """It has asked for something: a visitor, as far as we know."""
        self.fresh.pop(connection, None)

    def closed(self, connection: Connection) -> None:
        self.connections.pop(connection, None)
        self.fresh.pop(connection, None)
        self._making_way.pop(connection, None)

    def _longest_waiting(self) -> Connection | None:
        for connection in self._making_way:
            if connection.ending:
                return connection
        oldest = next(iter(self.fresh), None)
        if oldest is not None and (
            len(self.fresh) > self.most * FRESH_SHARE
            or oldest.loop.time() - oldest.since > FRESH_SECONDS
        ):
            return oldest
        if not self._spare and not self._looked_for_spare:
            # Once a sweep, as it looks at all of them.
            self._looked_for_spare = True
            waiting = [one for one in self.connections if one.wait is not Wait.NOTHING]
            self._spare.extend(sorted(waiting, key=attrgetter("since")))
        while self._spare:
            connection = self._spare.popleft()
            if connection in self.connections and connection.wait_now()[0] is not Wait.NOTHING:
                return connection
        return oldest

    async def sweeping(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.limits.sweep_seconds)
            for part in parts(list(self.connections)):
                for connection in part:
                    self._look(connection, loop.time())
                await asyncio.sleep(0)
            self.open[()] = len(self.connections)
            self._spare.clear()
            self._looked_for_spare = False

    def _look(self, connection: Connection, now: float) -> None:
        wait, which = connection.wait_now()
        if wait is not connection.wait or which != connection.awaited:
            connection.wait, connection.awaited, connection.since = wait, which, now
        elif now - connection.since >= self._deadlines[wait]:
            connection.too_late(wait)


def parts(connections: list[Connection]) -> Iterator[list[Connection]]:
    for start in range(0, len(connections), SWEPT_AT_ONCE):
        yield connections[start : start + SWEPT_AT_ONCE]

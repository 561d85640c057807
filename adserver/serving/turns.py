"""When what a connection has sent is parsed: at once, if it is its turn and there is time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from adserver.serving.connection import BODY, DEAF, Connection
from adserver.serving.edge import Edge
from adserver.serving.refusals import Refusal

# Nobody looks for several requests in so small a read, which costs 1 ns a byte: there are at most
# 39. Most readers' requests are smaller.
SMALL_BYTES = 1_024
# A larger read is parsed in parts, so that no head grows far beyond its limit.
PART_BYTES = 8_192
HEAD_END: Final = b"\r\n\r\n"


def nobody_counts() -> None:
    """Of applications that do not want to know how many requests wait for them."""


class Turns(Connection):
    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, edge=edge, **more)
        self.backlog = edge.backlog
        self.unparsed = bytearray()
        self.queued: Callable[[], None] = getattr(self.app, "queued", nobody_counts)
        self.taken_up: Callable[[], None] = getattr(self.app, "taken_up", nobody_counts)

    @abstractmethod
    def parse(self, data: bytes) -> None:
        """Now."""

    def data_received(self, data: bytes) -> None:
        backlog = self.backlog
        if backlog.taken >= backlog.limit and backlog.full():
            self._without_time(data)
        elif self.unparsed or len(data) > SMALL_BYTES:
            self._take(data)
        else:
            self.parse(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_aside()
        super().connection_lost(exc)

    def drop(self) -> None:
        self._forget_aside()
        super().drop()

    def make_way(self) -> bool:
        if not super().make_way():
            return False
        self._forget_aside()
        self.unparsed.clear()
        return True

    def _take(self, data: bytes) -> None:
        if self.unparsed or (
            len(data) > SMALL_BYTES
            and (len(data) > PART_BYTES or data.count(HEAD_END) > self.limits.pipelined)
        ):
            self.unparsed += data
            self._parse_in_parts()
        else:
            self.parse(data)

    def _without_time(self, data: bytes) -> None:
        """This round has parsed enough. What would be too much to keep is parsed all the same."""
        if self.parser is DEAF:
            return
        if len(self.unparsed) + len(data) > self.limits.unparsed_bytes:
            self._take(data)
            return
        if HEAD_END in data:
            self.edge.asked(self)
        self.unparsed += data
        self._put_aside()

    def parse_more(self) -> None:
        """Of what has waited for its turn, which has come."""
        if self.backlog.full():
            self._put_aside()
        else:
            self._parse_in_parts()

    def _parse_in_parts(self) -> None:
        """Until as many requests as may wait for their turn do; the rest waits unread."""
        while self.unparsed and self._parses_on():
            end = self.unparsed.find(HEAD_END, 0, PART_BYTES)
            size = PART_BYTES if end < 0 else end + len(HEAD_END)
            part = bytes(self.unparsed[:size])
            del self.unparsed[:size]
            self.parse(part)
        if self.unparsed:
            self.flow.pause_reading()
            if len(self.unparsed) > self.limits.unparsed_bytes:
                self.unparsed.clear()
                self.refuse(Refusal.PIPELINED)

    def _parses_on(self) -> bool:
        """The last that may wait is read whole: its body, which has limits of its own, is none of
        the requests behind it. One of these may begin in the part that has the body's end."""
        before_last = self.limits.pipelined - 1 - len(self.pipeline)
        return before_last > 0 or (before_last == 0 and self.reading == BODY)

    def _put_aside(self) -> None:
        """Until the worker has time for it. TCP slows its sender down, and that is all that
        happens to it: it is not late, and nothing of it is refused."""
        self.flow.pause_reading()
        if not self.aside:
            self.aside = True
            self.backlog.put(self, several=bool(self.pipeline) or self.unparsed.count(HEAD_END) > 1)
            self.queued()

    def take_up(self) -> None:
        """The backlog has come to it, and has let go of it."""
        self.aside = False
        self.taken_up()
        if self.pipeline:
            self._parse_in_parts()
        elif self.unparsed:
            data, self.unparsed = bytes(self.unparsed), bytearray()
            self._take(data)
        if self.said_all:
            self.end_if_all_is_said()
        elif not (self.unparsed or self.pipeline or self.transport.is_closing()):
            self.flow.resume_reading()

    def _forget_aside(self) -> None:
        if self.backlog.forget(self):
            self.aside = False
            self.taken_up()
            self.unparsed.clear()

"""How requests are read: strictly and within bounds.

What llhttp lets pass and a proxy may read in another way is refused before the application sees
it. A usual request, whole in one read, pays nothing for the limits.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

import httptools
import structlog

from adserver.serving.connection import BODY, DEAF, HEAD, NOTHING
from adserver.serving.edge import Edge
from adserver.serving.framing import HOST, WATCHED, check_target, framing_of, head_bytes
from adserver.serving.heads import asked_in
from adserver.serving.http import Header
from adserver.serving.refusals import Refusal, Refused
from adserver.serving.turns import Turns

log = structlog.get_logger(__name__)

SLASH: Final = ord("/")
# As a number, which costs 13 ns to look for; as bytes it is 150.
FRAGMENT: Final = ord("#")


def refusal_of(error: httptools.HttpParserError) -> Refusal:
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause.refusal
    if cause is not None and not isinstance(cause, httptools.HttpParserError):
        log.error("request_not_read", exc_info=cause)  # a defect of ours
    return Refusal.MALFORMED


class Parsing(Turns):
    # How much of a request's head or body has come in reads after its first one.
    partly = (0, NOTHING)
    partly_bytes = 0
    long_head = False
    body_bytes = 0
    # Whether the request that was read last keeps the connection.
    kept = True

    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, edge=edge, **more)
        self.heads = edge.heads

    @abstractmethod
    def answers_at_once(self, method: bytes, headers: list[Header], keeps: bool) -> bool:
        """Whether the request, whose head has been read, has its answer or its place in line.

        keeps: the connection, for another request.
        """

    @abstractmethod
    def begin_cycle(self, version: str, method: bytes, headers: list[Header], keeps: bool) -> None:
        """Of a request that is answered in the ordinary way."""

    def parse(self, data: bytes) -> None:
        asked = None
        if self.kept and self.reading == NOTHING and self.parser is not DEAF:
            asked = asked_in(data)
            if asked is not None and (known := self.heads.known(asked)) is not None:
                self._take_known(asked[0], asked[1], known)
                return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered like any other request. What follows may be no HTTP, so nobody reads it.
            self.parser = DEAF
            self.cycle.is_last = True
        except httptools.HttpParserError as error:
            self.refuse(refusal_of(error))
        else:
            if self.reading:
                self._count_part(len(data))
            elif self.kept and asked is not None:
                self.heads.remember(asked, self.headers)

    def _take_known(self, method: bytes, url: bytes, headers: list[Header]) -> None:
        """A whole request, as the parser would have told of it and `_check` would have let it."""
        self.begun += 1
        self.backlog.taken += 1
        self.url, self.expect_100_continue = url, False
        before = self.cycle
        if before is None:
            self.edge.asked(self)
        if not self.answers_at_once(method, headers, keeps=True):
            self.begin_cycle("1.1", method, headers, keeps=True)
        self.on_message_complete()

    def _count_part(self, size: int) -> None:
        """A head or body goes on in another read. Its first may hold other requests, too."""
        self.long_head = self.reading == HEAD
        part = (self.begun, self.reading)
        if part != self.partly:
            self.partly, self.partly_bytes = part, 0
            return
        self.partly_bytes += size
        if self.reading == HEAD:
            if self.partly_bytes > self.limits.head_bytes:
                self.refuse(Refusal.HEAD_TOO_LARGE)
        elif self.partly_bytes > self.limits.body_raw_bytes:
            self.refuse(Refusal.BODY_TOO_LARGE)

    def on_message_begin(self) -> None:
        self.reading = HEAD
        self.begun += 1
        self.backlog.taken += 1
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.watched: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in WATCHED:
            self.watched.append((name, value))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser, headers = self.parser, self.headers
        version, method = parser.get_http_version(), parser.get_method()
        self._check(version, method)
        self.reading = BODY
        # A client that has waited for a 100 may send its body or not: who could tell?
        keeps = version == "1.1" and not self.expect_100_continue and parser.should_keep_alive()
        self.kept = keeps
        before = self.cycle
        if before is None:
            self.edge.asked(self)
        if not self.answers_at_once(method, headers, keeps):
            self.begin_cycle(version, method, headers, keeps)

    def _check(self, version: str, method: bytes) -> None:
        """Raises `Refused` for a head that we do not answer."""
        if version != "1.1" and version != "1.0":  # noqa: PLR1714 - it is quicker than a set
            raise Refused(Refusal.VERSION)
        if self.long_head or len(self.headers) > self.limits.headers:
            self._check_size(method)
        watched = self.watched
        if len(watched) == 1 and watched[0][0] == HOST:
            if refusal := self.edge.hosts.refusal(watched[0][1]):
                raise Refused(refusal)
        else:
            self._read_framing(version)
        if FRAGMENT in self.url:
            # It is the browser's own, and never sent (RFC 9112, 3.2).
            raise Refused(Refusal.MALFORMED)
        if self.url[0] != SLASH:
            check_target(method, self.url, self.edge.hosts)

    def _check_size(self, method: bytes) -> None:
        self.long_head = False
        size = head_bytes(method, self.url, self.headers)
        if size > self.limits.head_bytes or len(self.headers) > self.limits.headers:
            raise Refused(Refusal.HEAD_TOO_LARGE)

    def _read_framing(self, version: str) -> None:
        limits, hosts = self.limits, self.edge.hosts
        framing = framing_of(self.watched, version, hosts, limits.body_bytes)
        self.body_bytes = 0
        self.expect_100_continue = framing.expects_100
        if framing.body and self.parser.should_upgrade():
            # llhttp takes the body for the other protocol's first bytes.
            raise Refused(Refusal.MALFORMED)
        if framing.chunked:
            # The application has these; trailers, which nobody reads, go into another list.
            self.headers = []

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        if self.body_bytes > self.limits.body_bytes:
            raise Refused(Refusal.BODY_TOO_LARGE)
        if not self.cycle.response_complete:
            self.cycle.body += body
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        self.reading = NOTHING
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

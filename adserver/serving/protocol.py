"""How requests are read: uvicorn's protocol, strict and bounded, with cycles of our own.

What llhttp lets pass and a proxy may read in another way is refused before the application sees
it. A usual request, whole in one read, pays nothing for the limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote

import httptools
import structlog

from adserver.serving.connection import BODY, DEAF, HEAD, NOTHING
from adserver.serving.cycle import ANSWERED, JoiningCycle, encoded
from adserver.serving.edge import Edge
from adserver.serving.framing import HOST, WATCHED, check_target, framing_of, head_bytes
from adserver.serving.http import Header, Prompt
from adserver.serving.refusals import ANSWERS, Refusal, Refused
from adserver.serving.turns import Turns

log = structlog.get_logger(__name__)

# (method, address, headers) → the answer, or None where it takes a task
AtOnce = Callable[[bytes, bytes, Iterable[Header]], Prompt | None]

# `OPTIONS *` asks about the server as a whole.
ASTERISK: Final = SimpleNamespace(path=b"*", query=None)
SLASH: Final = ord("/")
# As a number, which costs 13 ns to look for; as bytes it is 150.
FRAGMENT: Final = ord("#")


def nothing_at_once(_method: bytes, _url: bytes, _headers: Iterable[Header]) -> None:
    """Of applications that answer all requests in the ordinary way."""


def refusal_of(error: httptools.HttpParserError) -> Refusal:
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause.refusal
    if cause is not None and not isinstance(cause, httptools.HttpParserError):
        log.error("request_not_read", exc_info=cause)  # a defect of ours
    return Refusal.MALFORMED


class AdProtocol(Turns):
    """Reads requests and gives them to the application. No upgrades, no root path."""

    # How much of a request's head or body has come in reads after its first one.
    partly = (0, NOTHING)
    partly_bytes = 0
    long_head = False
    body_bytes = 0

    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, edge=edge, **more)
        self.at_once: AtOnce = getattr(self.app, "at_once", nothing_at_once)

    def parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Answered like any other request. What follows may be no HTTP, so nobody reads it.
            self.parser = DEAF
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            self.refuse(refusal_of(error))
        else:
            if self.reading:
                self._count_part(len(data))

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
        self.scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,  # type: ignore[typeddict-item]
            "root_path": "",
            "headers": self.headers,
        }

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in WATCHED:
            self.watched.append((name, value))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        method = self.parser.get_method()
        self._check(version, method)
        self.reading = BODY
        # A client that has waited for a 100 may send its body or not: who could tell?
        keeps = (
            version == "1.1" and not self.expect_100_continue and self.parser.should_keep_alive()
        )
        before = self.cycle
        if before is None:
            self.edge.asked(self)
        if self._answers_at_once(method, keeps):
            return
        self.scope["method"] = method.decode("ascii")
        self.scope["http_version"] = version
        # There is no target `*` but that of OPTIONS.
        parsed = httptools.parse_url(self.url) if self.url != b"*" else ASTERISK
        raw_path = parsed.path or b"/"
        path = raw_path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = parsed.query or b""
        self.cycle = JoiningCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keeps and not self.leaving,
            on_response=self.on_response_complete,
        )
        if self.leaving:
            self.ends_behind(before, keeps)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.queued()
        super()._start_asgi_task(cycle, app)

    def _answers_at_once(self, method: bytes, keeps: bool) -> bool:
        """Without a task, where nobody waits for an answer before this one, and it is read.

        keeps: the connection, for another request.
        """
        if (
            (self.cycle is not None and not self.cycle.response_complete)
            or self.flow.write_paused
            or self.unparsed
            or self.leaving
            or self.expect_100_continue
            or self.parser.should_upgrade()
        ):
            return False
        prompt = self.at_once(method, self.url, self.scope["headers"])
        if prompt is None:
            return False
        head = encoded(prompt.status, prompt.head, self.server_state.default_headers, keeps)
        self.transport.write(head if method == b"HEAD" else head + prompt.body)
        self.cycle = ANSWERED
        self.server_state.total_requests += 1
        if not keeps:
            self.transport.close()
        return True

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

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.refusal is not None:
            self._end(ANSWERS[self.refusal])
            return
        elif self.making_way:
            self._end(b"")
            return
        if self.unparsed and not self.pipeline and not self.aside:
            # The body of the request that has just begun may be in it.
            self.parse_more()
        if not self.unparsed and not self.pipeline:
            self.flow.resume_reading()

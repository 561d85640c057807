"""How requests are read: uvicorn's protocol, strict and bounded, with cycles of our own.

What llhttp lets pass and a proxy may read in another way is refused before the application sees
it. A usual request, whole in one read, pays nothing for the limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote

import httptools
import structlog

from adserver.serving.connection import BODY, DEAF, HEAD, NOTHING
from adserver.serving.cycle import ANSWERED, BEGINNINGS, CLOSE, END, JoiningCycle, WaitingCycle
from adserver.serving.edge import Edge
from adserver.serving.framing import HOST, WATCHED, check_target, framing_of, head_bytes
from adserver.serving.heads import asked_in
from adserver.serving.http import Header, Later, Prompt, Scope
from adserver.serving.refusals import ANSWERS, Refusal, Refused
from adserver.serving.turns import Turns

log = structlog.get_logger(__name__)

# (method, address, `headers` and `client` of a scope) → the answer; None where it takes a task
AtOnce = Callable[[bytes, bytes, Scope], Prompt | Later | None]

# `OPTIONS *` asks about the server as a whole.
ASTERISK: Final = SimpleNamespace(path=b"*", query=None)
SLASH: Final = ord("/")
# As a number, which costs 13 ns to look for; as bytes it is 150.
FRAGMENT: Final = ord("#")


def nothing_at_once(_method: bytes, _url: bytes, _scope: Scope) -> None:
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
    # Whether the request that was read last keeps the connection.
    kept = True

    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, edge=edge, **more)
        self.heads = edge.heads
        self.at_once: AtOnce = getattr(self.app, "at_once", nothing_at_once)

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
        if not self._answers_at_once(method, headers, keeps=True):
            self._begin_cycle("1.1", method, headers, keeps=True)
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
        if not self._answers_at_once(method, headers, keeps):
            self._begin_cycle(version, method, headers, keeps)

    def _begin_cycle(self, version: str, method: bytes, headers: list[Header], keeps: bool) -> None:
        """In the ordinary way: a task, when it is this request's turn."""
        before = self.cycle
        self.cycle = JoiningCycle(
            scope=self._scope_of(version, method, headers),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        if self.leaving:
            self.ends_behind(before, keeps)
        if self.leaving or not keeps:
            self.cycle.is_last = True
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _scope_of(self, version: str, method: bytes, headers: list[Header]) -> Any:
        # There is no target `*` but that of OPTIONS.
        parsed = httptools.parse_url(self.url) if self.url != b"*" else ASTERISK
        raw_path = parsed.path or b"/"
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "headers": headers,
            "method": method.decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": parsed.query or b"",
        }

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.queued()
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def _answers_at_once(self, method: bytes, headers: list[Header], keeps: bool) -> bool:
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
        made = self.at_once(method, self.url, {"headers": headers, "client": self.client})
        if made is None:
            return False
        if isinstance(made, Later):
            self._wait(made, method, keeps)
            return True
        status, head, body = made
        begins = BEGINNINGS.of(status, self.server_state.default_headers)
        if method == b"HEAD":
            body = b""
        answer = b"".join((begins, head.shared, head.own, END if keeps else CLOSE, body))
        self.cycle = ANSWERED
        if keeps:
            self.edge.outbox.put(self.transport, answer)
        else:
            self._end(answer)
        self.server_state.total_requests += 1
        return True

    def _wait(self, later: Later, method: bytes, keeps: bool) -> None:
        self.cycle = self.answering = waiting = WaitingCycle(
            self.edge.outbox,
            self.transport,
            self.server_state.default_headers,
            later.answer,
            self.on_response_complete,
            not keeps,
            method == b"HEAD",
        )
        later.waiter.then(waiting.told)

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
        if self.answering.is_last:
            self._end(b"")
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.refusal is not None:
            self._end(ANSWERS[self.refusal])
            return
        if self.unparsed and not self.pipeline and not self.aside:
            # The body of the request that has just begun may be in it.
            self.parse_more()
        if self.said_all:
            self.end_if_all_is_said()
        elif not self.unparsed and not self.pipeline:
            self.flow.resume_reading()

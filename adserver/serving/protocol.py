"""How requests are answered: at once where that can be, or in uvicorn's way with cycles of our
own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote

import httptools

from adserver.serving.cycle import ANSWERED, BEGINNINGS, CLOSE, END, JoiningCycle, WaitingCycle
from adserver.serving.edge import Edge
from adserver.serving.http import Header, Later, Prompt, Scope
from adserver.serving.parsing import Parsing
from adserver.serving.refusals import ANSWERS

# (method, address, `headers` and `client` of a scope) → the answer; None where it takes a task
AtOnce = Callable[[bytes, bytes, Scope], Prompt | Later | None]

# `OPTIONS *` asks about the server as a whole.
ASTERISK: Final = SimpleNamespace(path=b"*", query=None)


def nothing_at_once(_method: bytes, _url: bytes, _scope: Scope) -> None:
    """Of applications that answer all requests in the ordinary way."""


class AdProtocol(Parsing):
    """Gives requests to the application. No upgrades, no root path."""

    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, edge=edge, **more)
        self.at_once: AtOnce = getattr(self.app, "at_once", nothing_at_once)

    def begin_cycle(self, version: str, method: bytes, headers: list[Header], keeps: bool) -> None:
        """A task, when it is this request's turn."""
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

    def answers_at_once(self, method: bytes, headers: list[Header], keeps: bool) -> bool:
        """Without a task, where nobody waits for an answer before this one, and it is read."""
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

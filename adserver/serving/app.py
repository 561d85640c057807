"""The public port: which path is whose, and one table from error to answer.

Paths are found by their first segment in a dictionary, those that are asked for most without a
task (`at_once`); everything that is no path of ours goes to `beside`, an ordinary Starlette app
(the demo's blog, or a plain 404).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, cast

import structlog
from starlette.types import ASGIApp

from adserver.serving import assets, at_once, clicks, decisions, documents, slots
from adserver.serving.at_once import STATUS, AtOnce
from adserver.serving.http import (
    Header,
    Later,
    Message,
    Prompt,
    Receive,
    Scope,
    Send,
    answer_empty,
    answer_with,
)
from adserver.serving.shedding import Shedding
from adserver.serving.state import State

log = structlog.get_logger(__name__)

# As `at_once.Promptly`, of what never has to wait.
Always = Callable[[State, Scope, str], Prompt | Later]
# (state, scope, receive, send, the path's rest) → the status that was answered
Handler = Callable[[State, Scope, Receive, Send, str], Awaitable[int]]

READ = frozenset(at_once.READ.values())
POST = frozenset({"POST"})
# Browsers ask once a day whether a page may POST.
PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, HEAD, POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
)


class Route(NamedTuple):
    """As `at_once.Route`, in a task."""

    label: str
    methods: frozenset[str]
    handler: Handler
    decides: bool = False
    whole: bool = False


def in_a_task(
    route: at_once.Route, handler: Handler | None = None, more: frozenset[str] = frozenset()
) -> Route:
    """handler: of one that may have to wait. more: methods that always have to."""
    methods = frozenset(route.methods.values()) | more
    handler = handler or ordinarily(cast("Always", route.handler))
    return Route(route.label, methods, handler, route.decides, route.whole)


def ordinarily(handler: Always) -> Handler:
    """One that is answered at once wherever it can be, in a task."""

    async def handle(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
        return await answer_with(send, handler(state, scope, rest))

    return handle


# By the first segment of the path.
ROUTES: dict[str, Route] = {
    **{first.decode(): in_a_task(route) for first, route in at_once.ROUTES.items()},
    "c": in_a_task(at_once.ROUTES[b"c"], clicks.click),
    "decisions": in_a_task(at_once.ROUTES[b"decisions"], decisions.decisions, POST),
    "h": Route("/h", READ, documents.document),
    "assets": Route("/assets", READ, assets.picture),
    "frame": Route("/frame", READ, slots.frame, decides=True),
    "slots.css": Route("/slots.css", READ, assets.stylesheet, whole=True),
    "tag.js": Route("/tag.js", READ, assets.tag, whole=True),
}
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


class PublicApp:
    """prefix: the path of the public address, so that a proxy may pass it on or strip it.

    beside: makes the app for all other paths; it may call this one.
    """

    def __init__(
        self, state: State, prefix: str, beside: Callable[[Callable[[], PublicApp]], ASGIApp]
    ) -> None:
        self._state = state
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        self._beside = beside(lambda: self)
        self._meter = state.meter
        self._requests = state.meter.counts["http_requests_total"]
        self.shedding = Shedding(state, self._prefix)
        # Asked by the protocol as soon as a request's head is there.
        self.at_once = AtOnce(state, self._prefix, self.shedding)
        self._overload = state.overload
        # Called by the protocol for each request that it will call us for.
        self.queued = state.overload.queued
        # Called for those that had to wait to be looked at, and were `queued` as well.
        self.taken_up = state.overload.begun
        # What never is.
        self._when_shed: dict[tuple[str, str], Handler] = {
            ("frame", "GET"): self.shedding.frame,
            ("frame", "HEAD"): self.shedding.frame,
            ("decisions", "POST"): self.shedding.post_decisions,
        }

    @property
    def generation(self) -> int:
        """The one that is served, 0 for none."""
        return self._state.live.generation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self._overload.begun()
        path = scope["path"]
        if self._prefix and path.startswith(self._prefix):
            path = path[len(self._prefix) - 1 :]
        first, slash, rest = path[1:].partition("/")
        route = ROUTES.get(first)
        method = scope["method"]
        if route is None or (slash and route.whole):
            label, status = await self._elsewhere(scope, receive, send)
        else:
            label, methods, handler, decides, _ = route
            try:
                if method in methods:
                    if decides:
                        self._state.note_country(scope)
                        shed = self._when_shed.get((first, method))
                        if shed is not None and self.shedding.sheds():
                            handler = shed
                    status = await handler(self._state, scope, receive, send, rest)
                else:
                    status = await self._other_method(scope, send, methods)
            except Exception:
                # Nothing that a page sends may end here: it is a defect of ours, and logged.
                # Its path may have a ticket, which is for whoever saw the ad alone.
                log.exception("request_failed", route=label)
                await answer_empty(send, 500)
                status = 500
        self._requests[label, method if method in METHODS else "other", STATUS[status]] += 1
        took = time.perf_counter() - started
        if route is not None and route.decides:
            self._overload.took(took)
        self._meter.observe("http_request_duration_seconds", (label,), took)

    async def _other_method(self, scope: Scope, send: Send, methods: frozenset[str]) -> int:
        if scope["method"] == "OPTIONS":
            await answer_empty(send, 204, *PREFLIGHT)
            return 204
        await answer_empty(send, 405, (b"allow", ", ".join(sorted(methods)).encode()))
        return 405

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._beside(scope, receive, noting)
        except Exception:
            # Starlette has answered 500 and lets us log it.
            log.exception("request_failed", route="other")
        return "other", status

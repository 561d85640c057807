"""The public port: which path is whose, and one table from error to answer.

The hot paths are found by their first segment in a dictionary; everything that is no path of
ours goes to `beside`, an ordinary Starlette app (the demo's blog, or a plain 404).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.types import ASGIApp

from adserver.core.events import Kind
from adserver.serving import assets, beacons, clicks, decisions, slots
from adserver.serving.http import Header, Message, Receive, Scope, Send, answer_empty
from adserver.serving.state import State

log = structlog.get_logger(__name__)

Handler = Callable[[State, Scope, Receive, Send, str], Awaitable[int]]

READ = frozenset({"GET", "HEAD"})
EVENT = frozenset({"GET", "HEAD", "POST"})
# Browsers ask once a day whether a page may POST.
PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, HEAD, POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
)


async def slot(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await slots.slot(state, scope, send, rest)


async def frame(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await slots.frame(state, scope, send, rest)


async def decide(state: State, scope: Scope, receive: Receive, send: Send, rest: str) -> int:
    if rest:
        await answer_empty(send, 404)
        return 404
    if scope["method"] == "POST":
        return await decisions.post_decisions(state, scope, receive, send)
    return await decisions.get_decisions(state, scope, send)


async def impression(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await beacons.beacon(state, scope, send, rest, Kind.IMPRESSION)


async def viewable(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await beacons.beacon(state, scope, send, rest, Kind.VIEWABLE)


async def click(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await clicks.click(state, scope, send, rest)


async def document(state: State, scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await assets.document(state, scope, send, rest)


async def picture(state: State, _scope: Scope, _: Receive, send: Send, rest: str) -> int:
    return await assets.picture(state, send, rest)


async def stylesheet(state: State, scope: Scope, _: Receive, send: Send, _rest: str) -> int:
    return await assets.stylesheet(state, scope, send)


async def tag(_state: State, scope: Scope, _: Receive, send: Send, _rest: str) -> int:
    return await assets.tag(scope, send)


# First segment → route label, methods, handler.
ROUTES: dict[str, tuple[str, frozenset[str], Handler]] = {
    "slots": ("/slots", READ, slot),
    "i": ("/i", EVENT, impression),
    "v": ("/v", EVENT, viewable),
    "c": ("/c", READ, click),
    "decisions": ("/decisions", EVENT, decide),
    "h": ("/h", READ, document),
    "assets": ("/assets", READ, picture),
    "frame": ("/frame", READ, frame),
    "slots.css": ("/slots.css", READ, stylesheet),
    "tag.js": ("/tag.js", READ, tag),
}
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


class PublicApp:
    """prefix: the path of the public address, so that a proxy may pass it on or strip it.

    beside: makes the app for all other paths; it may call this one.
    """

    def __init__(
        self, state: State, prefix: str, beside: Callable[[Callable[[], ASGIApp]], ASGIApp]
    ) -> None:
        self._state = state
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        self._beside = beside(lambda: self)
        self._meter = state.meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path = scope["path"]
        if self._prefix and path.startswith(self._prefix):
            path = path[len(self._prefix) - 1 :]
        first, _, rest = path[1:].partition("/")
        route = ROUTES.get(first)
        if route is None:
            label, status = await self._elsewhere(scope, receive, send)
        else:
            label, methods, handler = route
            if scope["method"] in methods:
                status = await self._handle(handler, scope, receive, send, rest)
            else:
                status = await self._other_method(scope, send, methods)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._meter.counts["http_requests_total"][label, method, str(status)] += 1
        self._meter.observe(
            "http_request_duration_seconds", (label,), time.perf_counter() - started
        )

    async def _handle(
        self, handler: Handler, scope: Scope, receive: Receive, send: Send, rest: str
    ) -> int:
        try:
            return await handler(self._state, scope, receive, send, rest)
        except Exception:
            # A page must never see a 5xx for what it sent; this is a defect of ours, and logged.
            log.exception("request_failed", path=scope["path"][:200])
            await answer_empty(send, 500)
            return 500

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

        await self._beside(scope, receive, noting)
        return "other", status

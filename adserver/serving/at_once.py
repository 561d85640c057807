"""Requests that are answered as soon as their head has been read, without a task.

A slot, a call of several, a beacon and a click need nothing that has to be waited for: the
decision is made of what is in memory, and whoever waits for an event to be durable is told by
`Later`. A task of its own for each would cost as much as the decision. What has to wait for the
store, for a body, or for the answer before it on its connection goes the ordinary way through
`PublicApp`, to the same handlers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

import structlog

from adserver.core.events import Kind
from adserver.serving import beacons, clicks, decisions, slots
from adserver.serving.http import Later, Prompt, Scope, empty
from adserver.serving.patience import Told
from adserver.serving.shedding import Shedding
from adserver.serving.state import State

log = structlog.get_logger(__name__)

# (state, scope, the path's rest) → the answer; None where something has to be waited for.
Promptly = Callable[[State, Scope, str], Prompt | Later | None]

READ = {b"GET": "GET", b"HEAD": "HEAD"}
EVENT = {**READ, b"POST": "POST"}
FAILED = empty(500)
# Codes as labels; a dictionary, as turning a number into text costs more than finding it.
STATUS = {code: str(code) for code in range(100, 600)}


class Route(NamedTuple):
    """decides: so that the reader's country may have to be known. whole: it is a file or a call,
    and no folder; `/tag.js/x` is nothing of ours."""

    label: str
    methods: Mapping[bytes, str]
    handler: Promptly
    decides: bool = False
    whole: bool = False


# By the first segment of the path.
ROUTES: dict[bytes, Route] = {
    b"slots": Route("/slots", READ, slots.slot, decides=True),
    b"i": Route("/i", EVENT, partial(beacons.beacon, Kind.IMPRESSION)),
    b"v": Route("/v", EVENT, partial(beacons.beacon, Kind.VIEWABLE)),
    b"c": Route("/c", READ, clicks.click_promptly),
    b"decisions": Route("/decisions", READ, decisions.get_decisions, decides=True, whole=True),
}


class AtOnce:
    """One worker's. prefix: as `PublicApp`'s."""

    def __init__(self, state: State, prefix: str, shedding: Shedding) -> None:
        self._state = state
        self._prefix = prefix.encode()
        self._shedding = shedding
        self._overload = state.overload
        self._knows_countries = bool(state.country_header or state.countries)
        self._requests = state.meter.counts["http_requests_total"]
        self._observe = {
            route.label: state.meter.observing("http_request_duration_seconds", (route.label,))
            for route in ROUTES.values()
        }

    def __call__(self, method: bytes, url: bytes, scope: Scope) -> Prompt | Later | None:
        """The answer; None where it takes a task.

        url: as it was sent. scope: `headers`, their names in small letters, and `client`.
        """
        started = time.perf_counter()
        if not self._overload.is_calm(started):
            shed = self._shedding.at_once(method, url, scope["headers"])
            if shed is not None:
                return shed
        path, _, query = url.partition(b"?")
        if self._prefix and path.startswith(self._prefix):
            path = path[len(self._prefix) - 1 :]
        first, slash, rest = path[1:].partition(b"/")
        route = ROUTES.get(first)
        if route is None or method not in route.methods or (slash and route.whole):
            return None
        said = scope["method"] = route.methods[method]
        scope["query_string"] = query
        made = self._made(route, scope, rest)
        if isinstance(made, Later):
            return Later(made.waiter, partial(self._told, route, said, started, made.answer))
        if made is not None:
            self._note(route, said, started, made)
        return made

    def _made(self, route: Route, scope: Scope, rest: bytes) -> Prompt | Later | None:
        text = rest.decode("latin-1")
        if "%" in text:
            text = unquote(text)
        try:
            if route.decides and self._knows_countries:
                self._state.note_country(scope)
            return route.handler(self._state, scope, text)
        except Exception:
            # Nothing that a page sends may end here: it is a defect of ours, and logged.
            # Its path may have a ticket, which is for whoever saw the ad alone.
            log.exception("request_failed", route=route.label)
            return FAILED

    def _told(
        self,
        route: Route,
        method: str,
        started: float,
        answer: Callable[[Told], Prompt],
        told: Told,
    ) -> Prompt:
        made = answer(told)
        self._note(route, method, started, made)
        return made

    def _note(self, route: Route, method: str, started: float, made: Prompt) -> None:
        self._requests[route.label, method, STATUS[made.status]] += 1
        took = time.perf_counter() - started
        if route.decides:
            self._overload.took(took)
        self._observe[route.label](took)

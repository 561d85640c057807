"""Overload: what a worker answers that has more to do than it can.

A slot is not decided: a house ad that needs no decision stands there, with a ticket of its own, so
that it counts and leads as ever; where there is none, the empty wrapper. If that is not enough, the
empty wrapper everywhere, and beacons are refused (503), which is the last step; clicks always lead
to where they lead. How likely that is, `core.overload` says; all else is answered as ever.

`at_once` answers a request as soon as its head has been read, without a task, as what it saves has
to be most of what a request costs. What has a body, or is rarely asked for, goes the ordinary way
to `frame` and `post_decisions`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from urllib.parse import unquote

import structlog

from adserver.core.places import Places
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.metrics.meter import UNKNOWN
from adserver.serving import decisions, markup, slots
from adserver.serving.beacons import RETRY_AFTER
from adserver.serving.calls import EXAMPLE, Malformed, checked_slots, mapping, read_json
from adserver.serving.glance import Reader, names_in, reader_of
from adserver.serving.headers import Headers, device_of, is_prefetch, visitor_headers
from adserver.serving.http import (
    CORS,
    HTML,
    JSON,
    NO_STORE,
    Head,
    Header,
    Prompt,
    Receive,
    Scope,
    Send,
    answer,
    answer_with,
    head_of,
)
from adserver.serving.peers import may_speak_for
from adserver.serving.request import read_query
from adserver.serving.served import DECISION, Served
from adserver.serving.stand_ins import UNKNOWN_SLOT, StandIns, described_unknown
from adserver.serving.state import State

log = structlog.get_logger(__name__)

REFUSED = Prompt(503, Head([*CORS, NO_STORE, RETRY_AFTER], 0), b"")
READ = frozenset({b"GET", b"HEAD"})
EVENT = frozenset({b"GET", b"HEAD", b"POST"})
BEACONS = {b"i": "/i", b"v": "/v"}
# What is shed, as labels; the first two are also what became of a slot.
HOUSE, EMPTY, BEACON = "house", "empty", "beacon"
NO_FILL_SHED = f"n.{Reason.SHED}"
# As `MAX_CALLS`; what is long is rarely asked for again.
MAX_ASKED = 1_024
MAX_ASKED_BYTES = 1_024


class Shedding:
    """One worker's. prefix: as `PublicApp`'s."""

    def __init__(self, state: State, prefix: str) -> None:
        self._state = state
        self._prefix = prefix.encode()
        self._counts = state.meter.counts
        self._tally = state.counting.tally
        self._kept: StandIns | None = None
        self._asked: dict[bytes, Sequence[str]] = {}
        for what in (HOUSE, EMPTY, BEACON):
            state.meter.present("shed_total", (what,))

    def sheds(self) -> bool:
        """Whether to shed a request that has come the ordinary way; to be asked once for each."""
        state = self._state
        return state.sheds and state.overload.sheds(time.perf_counter(), state.draw())

    def at_once(self, method: bytes, url: bytes, headers: Iterable[Header]) -> Prompt | None:
        """The answer to a request that is shed; None where it is to be answered as ever.

        url: as it was sent. headers: their names in small letters.
        """
        state = self._state
        if not state.sheds:
            return None
        started, draw = time.perf_counter(), state.draw()
        if not state.overload.sheds(started, draw):
            return None
        try:
            route, prompt = self._route(method, url, headers, draw)
        except Exception:
            # A defect of ours; the ordinary way may still have an answer.
            log.exception("shedding_failed")
            return None
        if prompt is not None:
            self._counts["http_requests_total"][route, method.decode(), str(prompt.status)] += 1
            state.meter.observe(
                "http_request_duration_seconds", (route,), time.perf_counter() - started
            )
        return prompt

    def _route(
        self, method: bytes, url: bytes, headers: Iterable[Header], draw: float
    ) -> tuple[str, Prompt | None]:
        path, _, query = url.partition(b"?")
        if self._prefix and path.startswith(self._prefix):
            path = path[len(self._prefix) - 1 :]
        first, slash, rest = path[1:].partition(b"/")
        served = self._state.live.served
        if first in BEACONS and method in EVENT:
            return BEACONS[first], self._refuse(draw)
        if served is None or method not in READ:
            return "", None
        if first == b"slots":
            return "/slots", self._slot(self._of(served), rest, query, headers)
        if first == b"decisions" and not slash:
            return "/decisions", self._decisions(self._of(served), query, headers)
        return "", None

    def _of(self, served: Served) -> StandIns:
        if self._kept is None or self._kept.served is not served:
            self._kept = StandIns(self._state, served)
        return self._kept

    def _refuse(self, draw: float) -> Prompt | None:
        if not self._state.overload.refuses(time.perf_counter(), draw):
            return None
        self._counts["shed_total"][BEACON,] += 1
        return REFUSED

    def _slot(
        self, stand_ins: StandIns, rest: bytes, query: bytes, headers: Iterable[Header]
    ) -> Prompt:
        name = rest.decode("latin-1")
        places = stand_ins.places(unquote(name) if "%" in name else name)
        if places is None:
            self._note_unknown()
            return UNKNOWN_SLOT
        return self._stand_in(stand_ins, places, reader_of(query, dict(headers)))

    def _stand_in(
        self, stand_ins: StandIns, places: Places, reader: Reader, *, framed: bool = False
    ) -> Prompt:
        now = self._state.clock()
        placement = None if self._is_last_step() else self._house(stand_ins, places, reader, now)
        self._note(places, now, EMPTY if placement is None else HOUSE)
        if placement is None:
            return stand_ins.empty(places)
        reading = stand_ins.reading(reader.device, reader.prefetch)
        return stand_ins.fill(placement, reading, now, framed=framed)

    def _is_last_step(self) -> bool:
        return self._state.overload.is_last_step(time.perf_counter())

    def _house(
        self,
        stand_ins: StandIns,
        places: Places,
        reader: Reader,
        now: float,
        shown: Container[tuple[str, str]] = (),
    ) -> Placement | None:
        """The house ad of a slot, None where there is none."""
        return stand_ins.houses.choose(
            places, reader.device, now, self._state.draw(), reader.excluded, shown
        )

    def _note(self, places: Places, now: float, what: str, many: int = 1) -> None:
        """Count what became of a slot, which a call may ask for several times."""
        counts, tally, slot, number = self._counts, self._tally, places.slot.name, places.number
        counts["decisions_total"][slot, what] += many
        counts["shed_total"][what,] += many
        tally(now, ("r", 0, number, 0), many)
        if what is EMPTY:
            counts["no_fill_total"][slot, Reason.SHED] += many
            tally(now, (NO_FILL_SHED, 0, number, 0), many)

    def _note_unknown(self, many: int = 1) -> None:
        self._counts["decisions_total"][UNKNOWN, EMPTY] += many
        self._counts["no_fill_total"][UNKNOWN, Reason.UNKNOWN_SLOT] += many

    def _decisions(
        self, stand_ins: StandIns, query: bytes, headers: Iterable[Header]
    ) -> Prompt | None:
        asked = self._slots_in(query)
        if not asked:
            return None
        if self._is_last_step():
            return self._none_of(stand_ins, asked)
        body = self._call(stand_ins, asked, reader_of(query, dict(headers)))
        return Prompt(200, head_of(JSON, len(body), NO_STORE), body)

    def _none_of(self, stand_ins: StandIns, asked: Sequence[str]) -> Prompt:
        """The one answer to a call without anything in its slots."""
        self._note_empty(stand_ins, Counter(asked), self._state.clock())
        return stand_ins.none_of(tuple(asked))

    def _note_empty(self, stand_ins: StandIns, times: Mapping[str, int], now: float) -> None:
        """times: how often each name was asked for."""
        for name, many in times.items():
            places = stand_ins.places(name)
            if places is None:
                self._note_unknown(many)
            else:
                self._note(places, now, EMPTY, many)

    def _slots_in(self, query: bytes) -> Sequence[str]:
        """The names that are asked for; none where the ordinary way has to look."""
        raw = b"&".join(part for part in query.split(b"&") if part.startswith(b"slots="))
        asked = self._asked.get(raw)
        if asked is None:
            try:
                asked = checked_slots(read_query(raw)[0].get("slots", []), EXAMPLE)
            except Malformed:
                return ()
            if len(self._asked) < MAX_ASKED and len(raw) <= MAX_ASKED_BYTES:
                self._asked[raw] = asked
        return asked

    def _call(self, stand_ins: StandIns, asked: Sequence[str], reader: Reader) -> bytes:
        now, made, last_step = self._state.clock(), [], self._is_last_step()
        times, shown = Counter[str](), set[tuple[str, str]]()
        empty = Counter[str]()
        reading = stand_ins.reading(reader.device, reader.prefetch)
        for name in asked:
            places = stand_ins.places(name)
            if places is None:
                empty[name] += 1
                made.append(described_unknown(name))
                continue
            times[name] += 1
            placement = None if last_step else self._house(stand_ins, places, reader, now, shown)
            if placement is None:
                empty[name] += 1
                made.append(stand_ins.described_empty(places))
                continue
            self._note(places, now, HOUSE)
            shown.add((placement.campaign.name, placement.creative.id))
            made.append(stand_ins.described(placement, reading, times[name], now))
        self._note_empty(stand_ins, empty, now)
        return stand_ins.call(made)

    async def frame(self, state: State, scope: Scope, _: Receive, send: Send, name: str) -> int:
        served = state.live.served
        places = served.snapshot.places.get(name) if served is not None else None
        if served is None or places is None:
            return await slots.frame(state, scope, _, send, name)
        reader = reader_of(scope["query_string"], dict(scope["headers"]))
        prompt = self._stand_in(self._of(served), places, reader, framed=True)
        site = served.site
        page = markup.frame(prompt.body.decode(), site.language, site, served.addresses)
        said = next(header for header in prompt.head if header[0] == DECISION)
        await answer(send, 200, HTML, page.encode(), NO_STORE, slots.FRAME_POLICY, said)
        return 200

    async def post_decisions(
        self, state: State, scope: Scope, receive: Receive, send: Send, rest: str
    ) -> int:
        served = state.live.served
        if served is None or rest:
            return await decisions.decisions(state, scope, receive, send, rest)
        try:
            call = await read_json(receive)
            asked, excluded = names_in(call)
            visitor = mapping(call.get("visitor", {}), "visitor")
        except Malformed as problem:
            return await answer_with(send, decisions.refusal(problem))
        headers: Headers = dict(scope["headers"])
        if visitor and may_speak_for(scope, state.trusted_peers):
            headers = visitor_headers(visitor, headers)
        reader = Reader(device_of("", headers), is_prefetch(headers), excluded)
        await answer(send, 200, JSON, self._call(self._of(served), asked, reader), NO_STORE)
        return 200

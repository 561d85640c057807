"""What stands in a slot that is not decided: a house ad or nothing, in bytes, of one generation."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from adserver.core.catalog import Device, OnEmpty
from adserver.core.context import Context
from adserver.core.decision import Decision
from adserver.core.places import Places
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.serving import markup
from adserver.serving.described import TICKET, as_call, describe, describe_empty, unfilled
from adserver.serving.houses import Houses
from adserver.serving.http import CORS, JSON, NO_STORE, SLOT_HEAD, Head, Prompt, head_of
from adserver.serving.readings import Reading
from adserver.serving.served import MAX_FILLS, Fill, Served, decision_header
from adserver.serving.state import State

# Pages ask for few combinations of slots; of the largest, these are some 8 MiB.
MAX_CALLS = 1_024
SHED = decision_header(f"empty; reason={Reason.SHED}")
# Without a hint: looking for the nearest name costs more than a decision.
UNKNOWN_SLOT = Prompt(
    404, Head([*CORS, NO_STORE, decision_header(f"empty; reason={Reason.UNKNOWN_SLOT}")], 0), b""
)


class StandIns:
    """Made at the first request that needs them."""

    def __init__(self, state: State, served: Served) -> None:
        self.served = served
        self._state = state
        language = served.site.language
        # All that is known of a page that is not read.
        self._readings = {
            (device, prefetch): served.reader.of(
                Context(language=language, device=device, prefetch=prefetch)
            )
            for device in Device
            for prefetch in (False, True)
        }
        self.houses = Houses({device: self.reading(device).context for device in Device})
        self._empties: dict[int, Prompt] = {}
        self._heads: dict[Fill, Head] = {}
        self._described: dict[Fill, tuple[bytes, ...]] = {}
        self._described_empty: dict[int, bytes] = {}
        self._none_of: dict[tuple[str, ...], Prompt] = {}

    def reading(self, device: Device, prefetch: bool = False) -> Reading:
        return self._readings[device, prefetch]

    def places(self, slot: str) -> Places | None:
        return self.served.snapshot.places.get(slot)

    def fill(
        self, placement: Placement, reading: Reading, now: float, *, framed: bool = False
    ) -> Prompt:
        fill = self.served.fill(placement, reading, framed=framed)
        ticket = self._state.issue(fill, reading, now)
        body = ticket.join(fill.with_beacon)
        head = self._heads.get(fill)
        if head is None:
            if len(self._heads) >= MAX_FILLS:
                self._heads.clear()
            name, said = fill.decision
            shed = (name, said + f"; reason={Reason.SHED}".encode())
            head = self._heads[fill] = SLOT_HEAD.before(len(body), shed)
        return Prompt(200, head, body)

    def empty(self, places: Places) -> Prompt:
        made = self._empties.get(places.number)
        if made is None:
            slot = places.slot
            body = b"" if slot.on_empty is OnEmpty.COLLAPSE else markup.empty(slot).encode()
            made = Prompt(200, SLOT_HEAD.before(len(body), SHED), body)
            self._empties[places.number] = made
        return made

    def described(self, placement: Placement, reading: Reading, nth: int, now: float) -> bytes:
        """As JSON. nth: as `Served.fill`."""
        fill = self.served.fill(placement, reading, nth)
        pieces = self._described.get(fill)
        if pieces is None:
            if len(self._described) >= MAX_FILLS:
                self._described.clear()
            html = TICKET.join(fill.without_beacon).decode()
            said = describe(self.served, placement, reading.context, markup.TICKET, html)
            pieces = tuple(orjson.dumps({**said, "reason": Reason.SHED}).split(TICKET))
            self._described[fill] = pieces
        return self._state.issue(fill, reading, now).join(pieces)

    def described_empty(self, places: Places) -> bytes:
        made = self._described_empty.get(places.number)
        if made is None:
            decision = Decision(places.slot.name, None, Reason.SHED)
            made = orjson.dumps(describe_empty(self.served, decision, ""))
            self._described_empty[places.number] = made
        return made

    def call(self, made: Iterable[bytes]) -> bytes:
        """Decisions, as the answer to one call."""
        return as_call(self.served.snapshot.generation, made)

    def none_of(self, asked: tuple[str, ...]) -> Prompt:
        """The answer to a call, with nothing in its slots."""
        made = self._none_of.get(asked)
        if made is None:
            each = ((name, self.places(name)) for name in asked)
            body = self.call(
                described_unknown(name) if places is None else self.described_empty(places)
                for name, places in each
            )
            made = Prompt(200, head_of(JSON, len(body), NO_STORE), body)
            if len(self._none_of) < MAX_CALLS:
                self._none_of[asked] = made
        return made


def described_unknown(name: str) -> bytes:
    return orjson.dumps(unfilled(name, Reason.UNKNOWN_SLOT))

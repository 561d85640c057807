"""Slot → HTML: `GET /slots/{slot}` and the iframe page `GET /frame/{slot}`."""

from __future__ import annotations

import time

from adserver.core.catalog import OnEmpty
from adserver.core.context import Context
from adserver.core.decision import Decision, choose, decision_of
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.serving import markup, strip
from adserver.serving.http import (
    HTML,
    NO_STORE,
    SLOT_HEAD,
    Header,
    Prompt,
    Receive,
    Scope,
    Send,
    answer,
    answer_with,
    empty,
)
from adserver.serving.readings import Reading
from adserver.serving.served import DECISION, Served, decision_header
from adserver.serving.state import State, random_number

FRAME_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; img-src 'self' https:; frame-src 'self'; "
    b"base-uri 'none'; form-action 'none'",
)
NO_GENERATION = decision_header(f"empty; reason={Reason.NO_CAMPAIGN}")


def slot(state: State, scope: Scope, name: str) -> Prompt:
    served = state.live.served
    if served is None:
        return WITHOUT_GENERATION
    return answer_for(state, served, read(state, served, scope), name)


WITHOUT_GENERATION = Prompt(200, SLOT_HEAD.before(0, NO_GENERATION))


async def frame(state: State, scope: Scope, _: Receive, send: Send, name: str) -> int:
    served = state.live.served
    if served is None:
        return await answer_with(send, WITHOUT_GENERATION)
    reading = read(state, served, scope)
    made = answer_for(state, served, reading, name, framed=True)
    if made.status == 404:
        return await answer_with(send, made)
    language = reading.context.language
    page = markup.frame(made.body.decode(), language, served.site, served.addresses)
    said = next(header for header in made.head if header[0] == DECISION)
    await answer(send, 200, HTML, page.encode(), NO_STORE, FRAME_POLICY, said)
    return 200


def read(state: State, served: Served, scope: Scope) -> Reading:
    reading = served.reader.read(scope)
    if reading.ignored:
        state.ignored(reading.ignored)
    if state.preview:
        return served.reader.of(strip.at_home(served, reading.context))
    return reading


def answer_for(
    state: State, served: Served, reading: Reading, name: str, *, framed: bool = False
) -> Prompt:
    """A decided slot; 404 for one that is unknown."""
    context, now, rooms = reading.context, state.clock(), state.leasing.rooms
    started = time.perf_counter()
    chosen = choose(served.snapshot, name, context, now, state.draw(), None, rooms, reading.tables)
    state.decided(time.perf_counter() - started)
    if not isinstance(chosen, Placement):
        decision = Decision(name, None, chosen)
        state.note_empty(served, decision, reading, now)
        return unfilled(served, decision, strip_of(state, served, decision, context, now))
    fill = served.fill(chosen, reading, framed=framed)
    body = state.give(fill, reading, now).join(fill.with_beacon)
    if state.preview:
        added = strip_of(state, served, decision_of(name, chosen), context, now)
        body = strip.inside(body.decode(), added).encode()
    elif fill.head is not None:
        return Prompt(200, fill.head, body)
    body = body.replace(markup.RANDOM.encode(), random_number(state).encode())
    return Prompt(200, SLOT_HEAD.before(len(body), fill.decision), body)


def strip_of(state: State, served: Served, decision: Decision, context: Context, now: float) -> str:
    """What `serve --dev` adds to a place; "" otherwise."""
    if not state.preview:
        return ""
    return strip.strip(served, decision, context, now, state.leasing.rooms)


def unfilled(served: Served, decision: Decision, added: str) -> Prompt:
    """added: what `serve --dev` says in the place; "" otherwise."""
    said = f"empty; reason={decision.reason}"
    if decision.reason is Reason.UNKNOWN_SLOT:
        hint = served.hint(decision.slot)
        return empty(404, decision_header(f"{said}; hint={hint}" if hint else said))
    slot = served.snapshot.places[decision.slot].slot
    body = b"" if slot.on_empty is OnEmpty.COLLAPSE else markup.empty(slot).encode()
    if added:
        body = strip.empty(slot, added).encode()
    return Prompt(200, SLOT_HEAD.before(len(body), decision_header(said)), body)

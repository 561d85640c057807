"""Slot → HTML: `GET /slots/{slot}` and the iframe page `GET /frame/{slot}`."""

from __future__ import annotations

import time
from typing import NamedTuple

from adserver.core.catalog import OnEmpty
from adserver.core.context import Context
from adserver.core.decision import Decision, decide
from adserver.core.reasons import Reason
from adserver.serving import markup, strip
from adserver.serving.http import (
    HTML,
    NO_STORE,
    Head,
    Header,
    Prompt,
    Receive,
    Scope,
    Send,
    answer,
    answer_with,
    empty,
    head_of,
)
from adserver.serving.served import Served, decision_header
from adserver.serving.state import State, random_number

FRAME_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; img-src 'self' https:; frame-src 'self'; "
    b"base-uri 'none'; form-action 'none'",
)
NO_GENERATION = decision_header(f"empty; reason={Reason.NO_CAMPAIGN}")


class Answer(NamedTuple):
    """A decided slot: its HTML ("" where it collapses or is unknown) and what to say of it.

    head: the prepared head of a fill, None for an empty slot.
    """

    status: int
    body: bytes
    decision: Header
    language: str
    head: Head | None = None


def slot(state: State, scope: Scope, name: str) -> Prompt:
    served = state.live.served
    if served is None:
        return WITHOUT_GENERATION
    made = answer_for(state, served, scope, name)
    if made.status == 404:
        return empty(404, made.decision)
    head = made.head or head_of(HTML, len(made.body), NO_STORE, made.decision)
    return Prompt(200, head, made.body)


WITHOUT_GENERATION = Prompt(200, head_of(HTML, 0, NO_STORE, NO_GENERATION))


async def frame(state: State, scope: Scope, _: Receive, send: Send, name: str) -> int:
    served = state.live.served
    if served is None:
        return await answer_with(send, WITHOUT_GENERATION)
    made = answer_for(state, served, scope, name, framed=True)
    if made.status == 404:
        return await answer_with(send, empty(404, made.decision))
    page = markup.frame(made.body.decode(), made.language, served.site, served.addresses)
    await answer(send, 200, HTML, page.encode(), NO_STORE, FRAME_POLICY, made.decision)
    return 200


def answer_for(
    state: State, served: Served, scope: Scope, name: str, *, framed: bool = False
) -> Answer:
    reading = served.reader.read(scope)
    if reading.ignored:
        state.ignored(reading.ignored)
    context, now = reading.context, state.clock()
    if state.preview:
        context = strip.at_home(served, context)
    started = time.perf_counter()
    decision = decide(served.snapshot, name, context, now, state.draw(), None, state.leasing.rooms)
    state.meter.observe("decision_duration_seconds", (), time.perf_counter() - started)
    state.note(served, decision, context, now)
    placement = decision.placement
    if placement is None:
        return unfilled(served, decision, context, strip_of(state, served, decision, context, now))
    fill = served.fill(placement, context, framed=framed)
    ticket = state.issue(served, placement, context, now)
    body = ticket.join(fill.with_beacon)
    if fill.head is None:
        body = body.replace(markup.RANDOM.encode(), random_number(state).encode())
    if added := strip_of(state, served, decision, context, now):
        body = strip.inside(body.decode(), added).encode()
        return Answer(200, body, fill.decision, context.language)
    return Answer(200, body, fill.decision, context.language, fill.head)


def strip_of(state: State, served: Served, decision: Decision, context: Context, now: float) -> str:
    """What `serve --dev` adds to a place; "" otherwise."""
    if not state.preview:
        return ""
    return strip.strip(served, decision, context, now, state.leasing.rooms)


def unfilled(served: Served, decision: Decision, context: Context, added: str) -> Answer:
    """added: what `serve --dev` says in the place; "" otherwise."""
    said = f"empty; reason={decision.reason}"
    if decision.reason is Reason.UNKNOWN_SLOT:
        hint = served.hint(decision.slot)
        if hint:
            said += f"; hint={hint}"
        return Answer(404, b"", decision_header(said), context.language)
    slot = served.snapshot.places[decision.slot].slot
    body = b"" if slot.on_empty is OnEmpty.COLLAPSE else markup.empty(slot).encode()
    if added:
        body = strip.empty(slot, added).encode()
    return Answer(200, body, decision_header(said), context.language)

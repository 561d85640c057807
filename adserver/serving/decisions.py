"""Decisions as JSON: all slots of a page in one call, by GET from a browser, POST from a server."""

from __future__ import annotations

import time
from collections.abc import MutableMapping, Sequence

import orjson

from adserver.core.decision import Decision
from adserver.core.page import decide_page
from adserver.core.places import Table
from adserver.core.reasons import Reason
from adserver.serving import strip
from adserver.serving.calls import Malformed, checked_slots, read_call, read_json
from adserver.serving.described import (
    RANDOM,
    as_call,
    describe,
    describe_empty,
    described,
    unfilled,
)
from adserver.serving.http import Prompt, Receive, Scope, Send, answer_with, as_json
from adserver.serving.peers import may_speak_for
from adserver.serving.readings import Reader, Reading
from adserver.serving.request import Pages
from adserver.serving.served import Served
from adserver.serving.slots import strip_of
from adserver.serving.state import State, random_number

# The slots that are asked for, each with what is known of who asks.
Asked = Sequence[tuple[str, Reading]]
NO_PAGES = Pages(sites=(), languages=(), default_language="en", declared={})


async def decisions(state: State, scope: Scope, receive: Receive, send: Send, _rest: str) -> int:
    if scope["method"] == "POST":
        return await post_decisions(state, scope, receive, send)
    return await answer_with(send, get_decisions(state, scope, _rest))


def get_decisions(state: State, scope: Scope, _rest: str) -> Prompt:
    served = state.live.served
    reader = served.reader if served else Reader(NO_PAGES, {})
    reading = reader.read(scope)
    try:
        slots = checked_slots(reading.slots, "GET /decisions?slots=post-top,post-bottom")
    except Malformed as problem:
        return refusal(problem)
    if reading.ignored:
        state.ignored(reading.ignored)
    if state.preview and served is not None:
        reading = reader.of(strip.at_home(served, reading.context))
    return decide_call(state, [(slot, reading) for slot in slots], reading.tables)


async def post_decisions(state: State, scope: Scope, receive: Receive, send: Send) -> int:
    try:
        body = await read_json(receive)
        served = state.live.served
        call = read_call(
            body,
            dict(scope["headers"]),
            served.pages if served else NO_PAGES,
            may_speak_for(scope, state.trusted_peers),
            state.countries.of if state.countries is not None else None,
        )
    except Malformed as problem:
        return await answer_with(send, refusal(problem))
    if call.ignored:
        state.ignored(call.ignored)
    reader = served.reader if served else Reader(NO_PAGES, {})
    asked = []
    for slot, context in call.asked:
        home = strip.at_home(served, context) if state.preview and served else context
        asked.append((slot, reader.of(home)))
    return await answer_with(send, decide_call(state, asked))


def refusal(problem: Malformed) -> Prompt:
    body = orjson.dumps({"error": problem.error, "hint": problem.hint})
    return as_json(body, problem.status)


def decide_call(
    state: State, asked: Asked, known: MutableMapping[str, Table] | None = None
) -> Prompt:
    """known: as `decide_page` has it."""
    served = state.live.served
    if served is None:
        made = [orjson.dumps(unfilled(slot, Reason.NO_CAMPAIGN)) for slot, _ in asked]
    else:
        made = decide_served(state, served, asked, known)
    return as_json(as_call(state.live.generation, made))


def decide_served(
    state: State, served: Served, asked: Asked, known: MutableMapping[str, Table] | None
) -> list[bytes]:
    now, draw = state.clock(), state.draw
    contexts = [(slot, reading.context) for slot, reading in asked]
    started = time.perf_counter()
    draws = [draw() for _ in asked]
    made = decide_page(served.snapshot, contexts, now, draws, state.leasing.rooms, known)
    state.decided(time.perf_counter() - started)
    told = told_in_preview if state.preview else told_of
    times: dict[str, int] = {}
    answers = []
    for decision, (slot, reading) in zip(made, asked, strict=True):
        nth = times[slot] = times.get(slot, 0) + 1
        answers.append(told(state, served, decision, reading, now, nth))
    return answers


def told_of(  # noqa: PLR0913 - all that an answer is made of
    state: State, served: Served, decision: Decision, reading: Reading, now: float, nth: int
) -> bytes:
    if decision.placement is None:
        state.note_empty(served, decision, reading, now)
        return orjson.dumps(describe_empty(served, decision, ""))
    fill = served.fill(decision.placement, reading, nth)
    state.note_fill(fill, reading, now)
    ticket = state.issue(fill, reading, now)
    said = ticket.join(fill.described or described(served, fill, reading))
    return said.replace(RANDOM, random_number(state).encode()) if fill.head is None else said


def told_in_preview(  # noqa: PLR0913 - as `told_of`
    state: State, served: Served, decision: Decision, reading: Reading, now: float, nth: int
) -> bytes:
    context, placement = reading.context, decision.placement
    added = strip_of(state, served, decision, context, now)
    if placement is None:
        state.note_empty(served, decision, reading, now)
        return orjson.dumps(describe_empty(served, decision, added))
    fill = served.fill(placement, reading, nth)
    state.note_fill(fill, reading, now)
    ticket = state.issue(fill, reading, now)
    html = strip.inside(ticket.join(fill.without_beacon).decode(), added)
    said = orjson.dumps(describe(served, placement, context, ticket.decode(), html))
    return said.replace(RANDOM, random_number(state).encode())

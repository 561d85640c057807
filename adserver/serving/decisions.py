"""Decisions as JSON: all slots of a page in one call, by GET from a browser, POST from a server."""

from __future__ import annotations

import time
from collections.abc import Iterable, MutableMapping
from itertools import repeat

import orjson

from adserver.core.decision import MAX_KNOWN, Chosen, Decision, decision_of
from adserver.core.page import choose_page
from adserver.core.places import Table
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
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
from adserver.serving.readings import Asked, Reader, Reading, asked_for
from adserver.serving.request import Pages
from adserver.serving.served import Served
from adserver.serving.slots import strip_of
from adserver.serving.state import State, random_number

Moment = tuple[float, float]
"""UTC seconds, by this machine's clock and by the store's: one for all slots of a call."""
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
    asked = reading.asked
    if asked is None:
        asked = asked_for((slot, reading.context) for slot in slots)
        # Of names that somebody makes up, by the dozen, nothing is kept.
        if len(slots) <= MAX_KNOWN:
            reading.asked = asked
    return decide_call(state, asked, repeat(reading, len(slots)), reading.tables)


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
    contexts = call.asked
    if state.preview and served is not None:
        contexts = [(slot, strip.at_home(served, context)) for slot, context in contexts]
    readings = [reader.of(context) for _, context in contexts]
    return await answer_with(send, decide_call(state, asked_for(contexts), readings))


def refusal(problem: Malformed) -> Prompt:
    body = orjson.dumps({"error": problem.error, "hint": problem.hint})
    return as_json(body, problem.status)


def decide_call(
    state: State,
    asked: Asked,
    readings: Iterable[Reading],
    known: MutableMapping[str, Table] | None = None,
) -> Prompt:
    """readings: of each slot's context. known: as `choose_page` has it."""
    served = state.live.served
    if served is None:
        made = [orjson.dumps(unfilled(slot, Reason.NO_CAMPAIGN)) for slot, _ in asked.slots]
    else:
        made = decide_served(state, served, asked, readings, known)
    return as_json(as_call(state.live.generation, made))


def decide_served(
    state: State,
    served: Served,
    asked: Asked,
    readings: Iterable[Reading],
    known: MutableMapping[str, Table] | None,
) -> list[bytes]:
    now, draw, leasing = state.clock(), state.draw, state.leasing
    started = time.perf_counter()
    draws = [draw() for _ in asked.slots]
    chosen = choose_page(served.snapshot, asked.contexts, now, draws, leasing.rooms, known)
    state.decided(time.perf_counter() - started)
    told = told_in_preview if state.preview else told_of
    moment = now, leasing.now()
    return [
        told(state, served, reading, entry, one, moment)
        for reading, entry, one in zip(readings, asked.slots, chosen, strict=True)
    ]


def told_of(  # noqa: PLR0913 - all that an answer is made of
    state: State,
    served: Served,
    reading: Reading,
    entry: tuple[str, int],
    chosen: Chosen,
    moment: Moment,
) -> bytes:
    """entry: as `Asked.slots` has it."""
    (slot, nth), (now, here) = entry, moment
    if not isinstance(chosen, Placement):
        decision = Decision(slot, None, chosen)
        state.note_empty(served, decision, reading, now)
        return orjson.dumps(describe_empty(served, decision, ""))
    fill = served.fill(chosen, reading, nth)
    said = state.give(fill, reading, now, here).join(
        fill.described or described(served, fill, reading)
    )
    return said.replace(RANDOM, random_number(state).encode()) if fill.head is None else said


def told_in_preview(  # noqa: PLR0913 - all that an answer is made of
    state: State,
    served: Served,
    reading: Reading,
    entry: tuple[str, int],
    chosen: Chosen,
    moment: Moment,
) -> bytes:
    """entry: as `Asked.slots` has it."""
    (slot, nth), (now, here) = entry, moment
    context, decision = reading.context, decision_of(slot, chosen)
    added = strip_of(state, served, decision, context, now)
    if decision.placement is None:
        state.note_empty(served, decision, reading, now)
        return orjson.dumps(describe_empty(served, decision, added))
    fill = served.fill(decision.placement, reading, nth)
    ticket = state.give(fill, reading, now, here)
    html = strip.inside(ticket.join(fill.without_beacon).decode(), added)
    said = orjson.dumps(describe(served, decision.placement, context, ticket.decode(), html))
    return said.replace(RANDOM, random_number(state).encode())

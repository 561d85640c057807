"""Decisions as JSON: all slots of a page in one call, by GET from a browser, POST from a server."""

from __future__ import annotations

import time
from collections import Counter

import orjson

from adserver.core.context import Context
from adserver.core.decision import Decision
from adserver.core.page import decide_page
from adserver.core.reasons import Reason
from adserver.serving import strip
from adserver.serving.calls import Call, Malformed, checked_slots, read_call, read_json
from adserver.serving.described import (
    RANDOM,
    as_call,
    describe,
    describe_empty,
    described,
    unfilled,
)
from adserver.serving.http import JSON, NO_STORE, Prompt, Receive, Scope, Send, answer_with, head_of
from adserver.serving.peers import may_speak_for
from adserver.serving.readings import Reader
from adserver.serving.request import Pages
from adserver.serving.served import Served
from adserver.serving.slots import strip_of
from adserver.serving.state import State, random_number

NO_PAGES = Pages(sites=(), languages=(), default_language="en", declared={})


async def decisions(state: State, scope: Scope, receive: Receive, send: Send, _rest: str) -> int:
    if scope["method"] == "POST":
        return await post_decisions(state, scope, receive, send)
    return await answer_with(send, get_decisions(state, scope, _rest))


def get_decisions(state: State, scope: Scope, _rest: str) -> Prompt:
    served = state.live.served
    reading = (served.reader if served else Reader(NO_PAGES)).read(scope)
    try:
        slots = checked_slots(reading.slots, "GET /decisions?slots=post-top,post-bottom")
    except Malformed as problem:
        return refusal(problem)
    context = reading.context
    return decide_call(state, Call([(slot, context) for slot in slots], list(reading.ignored)))


async def post_decisions(state: State, scope: Scope, receive: Receive, send: Send) -> int:
    try:
        body = await read_json(receive)
        call = read_call(
            body,
            dict(scope["headers"]),
            state.live.served.pages if state.live.served else NO_PAGES,
            may_speak_for(scope, state.trusted_peers),
            state.countries.of if state.countries is not None else None,
        )
    except Malformed as problem:
        return await answer_with(send, refusal(problem))
    return await answer_with(send, decide_call(state, call))


def refusal(problem: Malformed) -> Prompt:
    body = orjson.dumps({"error": problem.error, "hint": problem.hint})
    return Prompt(problem.status, head_of(JSON, len(body), NO_STORE), body)


def decide_call(state: State, call: Call) -> Prompt:
    if call.ignored:
        state.ignored(call.ignored)
    served = state.live.served
    if served is None:
        made = [orjson.dumps(unfilled(slot, Reason.NO_CAMPAIGN)) for slot, _ in call.asked]
    else:
        made = decide_served(state, served, call)
    body = as_call(state.live.generation, made)
    return Prompt(200, head_of(JSON, len(body), NO_STORE), body)


def decide_served(state: State, served: Served, call: Call) -> list[bytes]:
    now = state.clock()
    if state.preview:
        call.asked = [(slot, strip.at_home(served, context)) for slot, context in call.asked]
    started = time.perf_counter()
    draws = [state.draw() for _ in call.asked]
    made = decide_page(served.snapshot, call.asked, now, draws, state.leasing.rooms)
    state.meter.observe("decision_duration_seconds", (), time.perf_counter() - started)
    times = Counter[str]()
    answers = []
    for decision, (slot, context) in zip(made, call.asked, strict=True):
        times[slot] += 1
        state.note(served, decision, context, now)
        told = told_in_preview if state.preview else told_of
        answers.append(told(state, served, decision, context, now, times[slot]))
    return answers


def told_of(  # noqa: PLR0913 - all that an answer is made of
    state: State, served: Served, decision: Decision, context: Context, now: float, nth: int
) -> bytes:
    placement = decision.placement
    if placement is None:
        return orjson.dumps(describe_empty(served, decision, ""))
    said = state.issue(served, placement, context, now).join(
        described(served, placement, context, nth)
    )
    return said.replace(RANDOM, random_number(state).encode()) if RANDOM in said else said


def told_in_preview(  # noqa: PLR0913 - as `told_of`
    state: State, served: Served, decision: Decision, context: Context, now: float, nth: int
) -> bytes:
    added = strip_of(state, served, decision, context, now)
    placement = decision.placement
    if placement is None:
        return orjson.dumps(describe_empty(served, decision, added))
    ticket = state.issue(served, placement, context, now)
    html = ticket.join(served.fill(placement, context, nth).without_beacon).decode()
    said = describe(served, placement, context, ticket.decode(), strip.inside(html, added))
    return orjson.dumps(said).replace(RANDOM, random_number(state).encode())

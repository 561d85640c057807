"""Decisions as JSON: all slots of a page in one call, by GET from a browser, POST from a server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adserver.core.catalog import Frequency, OnEmpty
from adserver.core.context import Context
from adserver.core.decision import Decision
from adserver.core.page import MAX_SLOTS_PER_CALL, decide_page
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.serving import markup, strip
from adserver.serving.headers import CountryOf, Headers, visitor_headers
from adserver.serving.http import JSON, NO_STORE, Receive, Scope, Send, answer
from adserver.serving.peers import may_speak_for
from adserver.serving.request import MAX_CAPPED, Pages, context_of, gather, read_query
from adserver.serving.served import Served, pixels_of
from adserver.serving.slots import strip_of
from adserver.serving.state import State, random_number

MAX_BODY_BYTES = 65_536
MAX_LIST_VALUES = 64


class Malformed(Exception):
    """A call that cannot be understood: `error` says what is wrong, `hint` what to send."""

    def __init__(self, error: str, hint: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.hint = hint
        self.status = status


@dataclass(slots=True)
class Call:
    """The asked slots with their contexts, in order, and why facts were ignored."""

    asked: list[tuple[str, Context]]
    ignored: list[str] = field(default_factory=list)


EXAMPLE = 'a call looks like {"slots": ["post-top"], "context": {"url": "https://…"}}'


async def decisions(state: State, scope: Scope, receive: Receive, send: Send, _rest: str) -> int:
    if scope["method"] == "POST":
        return await post_decisions(state, scope, receive, send)
    return await get_decisions(state, scope, send)


async def get_decisions(state: State, scope: Scope, send: Send) -> int:
    pages = pages_of(state)
    try:
        query, ignored = read_query(scope["query_string"])
        slots = checked_slots(query.get("slots", []), "GET /decisions?slots=post-top,post-bottom")
        context = context_of(query, dict(scope["headers"]), pages, ignored)
    except Malformed as problem:
        return await refuse(send, problem)
    return await decide_call(state, send, Call([(slot, context) for slot in slots], ignored))


async def post_decisions(state: State, scope: Scope, receive: Receive, send: Send) -> int:
    try:
        body = await read_json(receive)
        call = read_call(
            body,
            dict(scope["headers"]),
            pages_of(state),
            may_speak_for(scope, state.trusted_peers),
            state.countries.of if state.countries is not None else None,
        )
    except Malformed as problem:
        return await refuse(send, problem)
    return await decide_call(state, send, call)


NO_PAGES = Pages(sites=(), languages=(), default_language="en", declared={})


def pages_of(state: State) -> Pages:
    return state.live.served.pages if state.live.served else NO_PAGES


async def refuse(send: Send, problem: Malformed) -> int:
    body = orjson.dumps({"error": problem.error, "hint": problem.hint})
    await answer(send, problem.status, JSON, body, NO_STORE)
    return problem.status


async def decide_call(state: State, send: Send, call: Call) -> int:
    if call.ignored:
        state.ignored(tuple(call.ignored))
    served = state.live.served
    if served is None:
        made = [unfilled(slot, Reason.NO_CAMPAIGN) for slot, _ in call.asked]
    else:
        made = decide_served(state, served, call)
    body = orjson.dumps({"generation": state.live.generation, "decisions": made})
    await answer(send, 200, JSON, body, NO_STORE)
    return 200


def decide_served(state: State, served: Served, call: Call) -> list[dict[str, Any]]:
    now = state.clock()
    if state.preview:
        call.asked = [(slot, strip.at_home(served, context)) for slot, context in call.asked]
    started = time.perf_counter()
    draws = [state.draw() for _ in call.asked]
    made = decide_page(served.snapshot, call.asked, now, draws, state.leasing.rooms)
    state.meter.observe("decision_duration_seconds", (), time.perf_counter() - started)
    answers, times = [], Counter[str]()
    for decision, (slot, context) in zip(made, call.asked, strict=True):
        times[slot] += 1
        state.note(served, decision, context, now)
        added = strip_of(state, served, decision, context, now)
        if decision.placement is None:
            answers.append(describe_empty(served, decision, added))
        else:
            ticket = state.issue(served, decision.placement, context, now)
            fill = served.fill(decision.placement, context, times[slot])
            html = ticket.join(fill.without_beacon).decode()
            if added:
                html = strip.inside(html, added)
            answers.append(describe(state, served, decision.placement, context, ticket, html))
    return answers


def unfilled(slot: str, reason: Reason) -> dict[str, Any]:
    return {"slot": slot, "filled": False, "reason": reason}


def describe_empty(served: Served, decision: Decision, added: str) -> dict[str, Any]:
    """added: what `serve --dev` says in the place, for tag.js to put there; "" otherwise."""
    empty = unfilled(decision.slot, decision.reason) | ({"strip": added} if added else {})
    places = served.snapshot.places.get(decision.slot)
    if places is None:
        return {**empty, "hint": served.hint(decision.slot)}
    slot = places.slot
    html = "" if slot.on_empty is OnEmpty.COLLAPSE else markup.empty(slot)
    if added:
        html = strip.empty(slot, added)
    return {**empty, "on_empty": slot.on_empty, "html": html}


def describe(  # noqa: PLR0913 - all that an answer is made of
    state: State,
    served: Served,
    placement: Placement,
    context: Context,
    ticket: bytes,
    html: str,
) -> dict[str, Any]:
    token, addresses = ticket.decode(), served.addresses
    pixels = pixels_of(placement, context, random_number(state))
    return {
        "slot": placement.slot.name,
        "filled": True,
        "campaign": placement.campaign.name,
        "creative": placement.creative.id,
        "tier": placement.campaign.tier,
        "kind": placement.creative.kind,
        "size": markup.size_of(placement, context.device),
        "html": html,
        "parts": markup.parts(placement, context.language, served.site, addresses),
        "impression_url": addresses.of(f"/i/{token}"),
        "viewable_url": addresses.of(f"/v/{token}"),
        "click_url": addresses.of(f"/c/{token}"),
        **({"frame_url": addresses.of(f"/h/{token}")} if placement.creative.html else {}),
        **({"pixels": pixels} if pixels else {}),
        **frequency_of(placement, context),
    }


def frequency_of(placement: Placement, context: Context) -> dict[str, Any]:
    """The cap that the browser is to keep count of; under GPC or DNT it is not asked to."""
    match placement.campaign.frequency:
        case Frequency(impressions, per) if not context.private:
            return {"frequency": {"impressions": impressions, "per": per}}
        case _:
            return {}


async def read_json(receive: Receive) -> Mapping[str, Any]:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("the request ended early", EXAMPLE)
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise Malformed(f"the body is over {MAX_BODY_BYTES} bytes", EXAMPLE, 413)
        if not message.get("more_body", False):
            break
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # In our words: the library's change with its releases, and may quote what was sent.
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the body is not JSON from {where} on", EXAMPLE) from error
    if not isinstance(call, dict):
        raise Malformed("the body is not a JSON object", EXAMPLE)
    return call


def read_call(
    call: Mapping[str, Any],
    headers: Headers,
    pages: Pages,
    trusted: bool,
    country_of: CountryOf | None = None,
) -> Call:
    """trusted: whether what the peer says of its visitor is believed."""
    entries = call.get("slots")
    if not isinstance(entries, list):
        raise Malformed("`slots` is not a list", EXAMPLE)
    shared = mapping(call.get("context", {}), "context")
    visitor = mapping(call.get("visitor", {}), "visitor")
    result = Call([])
    seen: list[str] = []
    if visitor and trusted:
        headers = visitor_headers(visitor, headers, country_of)
        seen = capped_of(visitor, result.ignored)
    elif visitor:
        result.ignored.append("untrusted_visitor")
    names = [name_and_context(entry) for entry in entries]
    checked_slots([name for name, _ in names], EXAMPLE)
    for name, own in names:
        query, ignored = gather(pairs({**shared, **own}, result.ignored))
        result.ignored += ignored
        query["capped"] = [*seen, *query.get("capped", [])]
        result.asked.append((name, context_of(query, headers, pages, result.ignored)))
    return result


def capped_of(visitor: Mapping[str, Any], ignored: list[str]) -> list[str]:
    """The campaigns that a trusted server has seen its visitor see often enough.

    One more than are read, so that it is known where some are left out.
    """
    named = visitor.get("capped", [])
    values = named[: MAX_CAPPED + 1] if isinstance(named, list) else [named]
    texts = [value for value in values if isinstance(value, str)]
    query, unusable = gather(("capped", text) for text in texts)
    ignored += [*unusable, *["unusable_value"] * (len(texts) < len(values))]
    return query.get("capped", [])[: MAX_CAPPED + 1]


def checked_slots(slots: list[str], hint: str) -> list[str]:
    if not slots:
        raise Malformed("no slots are asked for", hint)
    if len(slots) > MAX_SLOTS_PER_CALL:
        raise Malformed(f"{len(slots)} slots, at most {MAX_SLOTS_PER_CALL} a call", hint)
    return slots


def name_and_context(entry: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, dict) and isinstance(entry.get("slot"), str):
        return entry["slot"], mapping(entry.get("context", {}), "context")
    raise Malformed('a slot is neither a name nor {"slot": name, "context": {…}}', EXAMPLE)


def mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"`{key}` is not an object", EXAMPLE)
    return value


def pairs(context: Mapping[str, Any], ignored: list[str]) -> list[tuple[str, str]]:
    """The context's JSON values as a query would bring them."""
    found = []
    for key, value in context.items():
        values = value if isinstance(value, list) else [value]
        if len(values) > MAX_LIST_VALUES:
            ignored.append("too_many")
        for one in values[:MAX_LIST_VALUES]:
            if isinstance(one, bool):
                found.append((key, "1" if one else "0"))
            elif isinstance(one, str | int | float):
                found.append((key, str(one)))
            else:
                ignored.append("unusable_value")
    return found

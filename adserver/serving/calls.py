"""What a call of `/decisions` asks for: the slots of a page, each with its context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adserver.core.context import Context
from adserver.core.page import MAX_SLOTS_PER_CALL
from adserver.serving.headers import CountryOf, Headers, visitor_headers
from adserver.serving.http import Receive
from adserver.serving.request import MAX_CAPPED, Pages, context_of, gather

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


def checked_slots(slots: Sequence[str], hint: str) -> Sequence[str]:
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

"""What a request may bring: parts of its path, its query, and the headers that are read."""

from __future__ import annotations

from typing import Any

from adserver.core.catalog import Device
from adserver.core.page import MAX_SLOTS_PER_CALL
from adserver.core.ticket import TEXT_LENGTH
from adserver.serving.headers import MAX_URL_CHARACTERS
from adserver.serving.request import MAX_CAPPED, MAX_VALUE_CHARACTERS

STRING: dict[str, Any] = {"type": "string"}
VALUE = {"type": "string", "maxLength": MAX_VALUE_CHARACTERS}
# Of a slot or a campaign, as it may be written in the files.
NAME = {"type": "string", "maxLength": 80}
# Of `exclude`: what a page can have on it, twice over.
MAX_EXCLUDED = 64
TICKET = f"^[A-Za-z0-9_-]{{{TEXT_LENGTH}}}$"


def in_path(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def in_query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def lists(name: str, description: str, most: int) -> dict[str, Any]:
    """Commas; repeating the parameter does the same."""
    schema = {"type": "array", "items": NAME, "maxItems": most}
    return {**in_query(name, description, schema), "style": "form", "explode": False}


def in_header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


PARAMETERS: dict[str, dict[str, Any]] = {
    "slot": in_path("slot", "a name of slots.yaml", {**STRING, "example": "post-top"}),
    "ticket": in_path("ticket", "the sealed token of one served ad", {**STRING, "pattern": TICKET}),
    "digest": in_path(
        "digest", "of the picture's content", {**STRING, "pattern": "^[0-9a-f]{32}$"}
    ),
    "name": in_path("name", "for people; any will do", STRING),
    "slots": {
        **lists("slots", "names of slots.yaml, in the order of the page", MAX_SLOTS_PER_CALL),
        "required": True,
    },
    "url": in_query(
        "url", "the page; else its Referer", {**STRING, "maxLength": MAX_URL_CHARACTERS}
    ),
    "lang": in_query("lang", "the page's language; else Accept-Language", VALUE),
    "country": in_query("country", "of the reader, ISO 3166-1", VALUE),
    "device": in_query(
        "device",
        "else client hints, else the user agent",
        {**STRING, "enum": [str(device) for device in Device]},
    ),
    "consent": in_query(
        "consent", "1: the reader agrees to third parties", {**STRING, "enum": ["0", "1"]}
    ),
    "capped": lists("capped", "campaigns seen to their cap", MAX_CAPPED),
    "exclude": lists("exclude", "campaigns already on the page", MAX_EXCLUDED),
    "frame": {
        **in_query("frame", "for a slot that stands alone in an iframe", STRING),
        "allowEmptyValue": True,
    },
    "Sec-GPC": in_header("Sec-GPC", "1: no caps, no third parties", STRING),
    "DNT": in_header("DNT", "1: the same", STRING),
    "Sec-Purpose": in_header("Sec-Purpose", "prefetch: served, and never counted", STRING),
    "If-None-Match": in_header("If-None-Match", "the ETag that is held", STRING),
}

HEADERS_READ = ("Sec-GPC", "DNT", "Sec-Purpose")
CONTEXT = ("url", "lang", "country", "device", "consent", "capped", "exclude")
DECIDING = (*CONTEXT, *HEADERS_READ)

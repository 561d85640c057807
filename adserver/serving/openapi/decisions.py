"""JSON Schemas (2020-12) of a call for decisions and of its answer."""

from __future__ import annotations

from typing import Any

from adserver.core.catalog import Device, OnEmpty, Period, Tier
from adserver.core.page import MAX_SLOTS_PER_CALL
from adserver.core.reasons import Reason
from adserver.serving.calls import MAX_LIST_VALUES
from adserver.serving.request import MAX_CAPPED

STRING: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items, **({"maxItems": most} if most else {})}


def words(kind: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [str(one) for one in kind]}


def record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these and no other properties."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


SHARED_PARTS = {"label": STRING, "advertiser": STRING, "about": STRING}
PARTS = {
    "image": record({**SHARED_PARTS, "alt": STRING, "images": array(ref("Image"))}),
    "text": record({**SHARED_PARTS, "headline": STRING, "body": STRING, "cta": STRING}),
    "html": record({**SHARED_PARTS, "width": COUNT, "height": COUNT}),
}
# Why a slot is empty: what only a candidate can be told is no reason of a slot.
EMPTY_REASONS = [reason for reason in Reason if reason is not Reason.WON]

SCHEMAS: dict[str, dict[str, Any]] = {
    "Call": {
        "type": "object",
        "required": ["slots"],
        "properties": {
            "slots": {
                **array({"anyOf": [STRING, ref("AskedSlot")]}, MAX_SLOTS_PER_CALL),
                "minItems": 1,
            },
            "context": ref("Context"),
            "visitor": {
                "type": "object",
                "description": "of trusted peers alone, else ignored",
                "properties": {
                    "ip": STRING,
                    "user_agent": STRING,
                    "capped": array(STRING, MAX_CAPPED),
                },
            },
        },
        "example": {"slots": ["post-top"], "context": {"url": "https://blog.example/a-post"}},
    },
    "AskedSlot": {
        "type": "object",
        "required": ["slot"],
        "properties": {"slot": STRING, "context": ref("Context")},
    },
    "Context": {
        "type": "object",
        "description": "what the page says of itself; keys that site.yaml does not declare are "
        "ignored, and counted",
        "properties": {
            "url": STRING,
            "lang": STRING,
            "country": STRING,
            "device": words(Device),
            "consent": {"enum": ["0", "1", True, False, 0, 1]},
            "capped": array(STRING, MAX_LIST_VALUES),
            "exclude": array(STRING, MAX_LIST_VALUES),
        },
        "additionalProperties": {"anyOf": [SCALAR, array(SCALAR, MAX_LIST_VALUES)]},
    },
    "Decisions": record({"generation": COUNT, "decisions": array(ref("Decision"))}),
    "Decision": {"oneOf": [ref("Filled"), ref("Empty")]},
    "Filled": record(
        {
            "slot": STRING,
            "filled": {"const": True},
            "campaign": STRING,
            "creative": STRING,
            "tier": words(Tier),
            "kind": {"type": "string", "enum": list(PARTS)},
            "size": {"type": "string", "pattern": r"^(\d+x\d+)?$"},
            "html": STRING,
            "parts": {"anyOf": list(PARTS.values())},
            "impression_url": STRING,
            "viewable_url": STRING,
            "click_url": STRING,
        },
        {
            "frame_url": STRING,
            "pixels": array(STRING),
            "frequency": record({"impressions": COUNT, "per": words(Period)}),
            "reason": {"const": Reason.SHED},
        },
    ),
    "Empty": record(
        {"slot": STRING, "filled": {"const": False}, "reason": words(EMPTY_REASONS)},
        {"hint": STRING, "on_empty": words(OnEmpty), "html": STRING},
    ),
    "Image": record({"src": STRING, "width": COUNT, "height": COUNT, "density": COUNT}),
    "Refusal": record({"error": STRING, "hint": STRING}),
}

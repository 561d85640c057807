"""The values under keys, as JSON Schema has them: texts, numbers, words, sizes, addresses.

Patterns are those of the readers as JavaScript reads them, without flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from adserver.publishing.links import MAX_LINK
from adserver.publishing.schema import MAX_TEXT, NAME

Schema = dict[str, Any]

# `schema.CONTROL` as a class: a text holds none of these, and something to see.
NO_CONTROL = r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]"
SOMETHING = rf"^{NO_CONTROL}*[^\x00-\x20\x7f-\xa0]{NO_CONTROL}*$"
# At most 8,000 a side, as `schema.MAX_SIDE` has it.
SIDE = "([1-9][0-9]{0,2}|[1-7][0-9]{3}|8000)"
ADDRESS_END = r"[^/?#@%\s\\]+([/?#][^\s\\]*)?$"
SITE_ADDRESS_END = r"[^/?#@%\s\\]+(/[^\s\\?#]*)?$"


def text(longest: int = MAX_TEXT) -> Schema:
    """A number is taken as it is written: `order: 0042` keeps its zeros."""
    return {"type": ["string", "number"], "pattern": SOMETHING, "maxLength": longest}


def matching(pattern: re.Pattern[str] | str) -> Schema:
    written = pattern if isinstance(pattern, str) else pattern.pattern
    return {"type": "string", "pattern": f"^(?:{written})$"}


def name() -> Schema:
    return matching(NAME)


def size() -> Schema:
    return matching(f"{SIDE}x{SIDE}")


def number(low: Decimal, high: Decimal) -> Schema:
    return {"type": "number", "minimum": float(low), "maximum": int(high)}


def whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def flag() -> Schema:
    return {"type": "boolean"}


def word(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(one) for one in words]}


def link() -> Schema:
    pattern = f"^[Hh][Tt][Tt][Pp][Ss]?://{ADDRESS_END}"
    return {"type": "string", "pattern": pattern, "maxLength": MAX_LINK}


def secure_link() -> Schema:
    return link() | {"pattern": f"^[Hh][Tt][Tt][Pp][Ss]://{ADDRESS_END}"}


def site_address() -> Schema:
    return link() | {"pattern": f"^[Hh][Tt][Tt][Pp][Ss]?://{SITE_ADDRESS_END}"}


def items(of: Schema, most: int | None = None) -> Schema:
    return {"type": "array", "minItems": 1, "items": of} | ({"maxItems": most} if most else {})


def mapping(
    keys: Mapping[str, Schema], needed: Iterable[str] = (), others: Schema | bool = False
) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": dict(keys),
        "additionalProperties": others,
    }
    return schema | ({"required": list(needed)} if needed else {})


def named(of: Schema, names: Schema) -> Schema:
    """A mapping of names that people choose."""
    return {"type": "object", "propertyNames": names, "additionalProperties": of}


def described(
    keys: Mapping[str, Schema], words: Mapping[str, str], where: str = ""
) -> dict[str, Schema]:
    """Each key with its description. where: begins the keys of `words`, such as `goal.`."""
    return {key: {"description": words[where + key], **schema} for key, schema in keys.items()}


def any_of(*keys: str) -> Schema:
    return {"anyOf": [{"required": [key]} for key in keys]}


def when(condition: Schema, then: Schema) -> Schema:
    return {"if": condition, "then": then}


def is_word(key: str, *words: str) -> Schema:
    return {"properties": {key: {"enum": list(words)}}, "required": [key]}


def without(*keys: str) -> Schema:
    return {"properties": dict.fromkeys(keys, False)}

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

# What `signs.SHOWN` leaves out: a text holds none of these, and something to see. Line ends around
# a text are trimmed.
UNSEEN = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff"
OF_A_LINE = rf"[^\x00-\x1f{UNSEEN}]"
OF_LINES = rf"[^\x00-\x09\x0b-\x1f{UNSEEN}]"
SOMETHING = rf"[^\x00-\x20\xa0{UNSEEN}]"
ONE_LINE = rf"^[\n ]*{OF_A_LINE}*{SOMETHING}{OF_A_LINE}*[\n ]*$"
LINES = rf"^{OF_LINES}*{SOMETHING}{OF_LINES}*$"
# At most 8,000 a side, as `schema.MAX_SIDE` has it.
SIDE = "([1-9][0-9]{0,2}|[1-7][0-9]{3}|8000)"
ADDRESS_END = r"[^/?#@%\s\\]+([/?#][^\s\\]*)?$"
SITE_ADDRESS_END = r"[^/?#@%\s\\]+(/[^\s\\?#]*)?$"


def text(longest: int = MAX_TEXT, pattern: str = ONE_LINE) -> Schema:
    """A number is taken as it is written: `order: 0042` keeps its zeros."""
    return {"type": ["string", "number"], "pattern": pattern, "maxLength": longest}


def lines(longest: int) -> Schema:
    """A text that may have several."""
    return text(longest, LINES)


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

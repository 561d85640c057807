"""Escaping: one value, written so that it stays a value wherever in a document it stands.

No way of writing lets through a quote or an angle bracket, and only text keeps its spaces, so
that nothing ends the place it stands in, not even an unquoted attribute.
"""

from __future__ import annotations

from urllib.parse import quote

SAFE_IN_ATTRIBUTE = frozenset("-._~:/?#@,;=%+!*()$[]")
SAFE_IN_SCRIPT = frozenset("-._:/")
# Reserved characters that an address keeps, `%` included: it is one already.
SAFE_IN_ADDRESS = "-._~:/?#[]@!$&'()*+,;=%"


def escape_text(value: str) -> str:
    return "".join(
        c if c.isalnum() or c == " " or c in SAFE_IN_ATTRIBUTE else f"&#{ord(c)};" for c in value
    )


def escape_attribute(value: str) -> str:
    """Safe in quoted and in unquoted attributes: white space is written out as well."""
    return "".join(c if c.isalnum() or c in SAFE_IN_ATTRIBUTE else f"&#{ord(c)};" for c in value)


def escape_script(value: str) -> str:
    r"""Inside a JavaScript or JSON string; everything doubtful as \uXXXX, as both read it."""
    return "".join(
        c if (c.isascii() and c.isalnum()) or c in SAFE_IN_SCRIPT else _code_units(c) for c in value
    )


def _code_units(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))


def percent_encode(value: str) -> str:
    return quote(value, safe="", errors="replace")


def write_address(value: str) -> str:
    return escape_attribute(quote(value, safe=SAFE_IN_ADDRESS, errors="replace"))


def write_handler(value: str) -> str:
    """An event handler is JavaScript inside an attribute: written twice, read twice."""
    return escape_attribute(escape_script(value))


def drop(_value: str) -> str:
    return ""

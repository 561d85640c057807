"""How a number is to be written, told of one that is written otherwise."""

from __future__ import annotations

import re

from adserver.publishing.nodes import Kind, Node, Scalar

# 1,000 · 1.000 · 1 000 · 1_000 · 1'000, and with the two spaces that do not break.
THOUSANDS = re.compile(r"[0-9]{1,3}([.,_ '\u00a0\u202f][0-9]{3})+")
# A price with its currency, before or behind it.
CURRENCY = "(?:[€$£¥]|[A-Z]{3})"
PLAIN_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
MONEY = re.compile(rf"{CURRENCY}\s*{PLAIN_NUMBER}|{PLAIN_NUMBER}\s*{CURRENCY}")


def whole_hint(node: Node | None) -> str:
    """Where marks between thousands are meant, the number without them."""
    if not isinstance(node, Scalar):
        return ""
    text = node.text.strip()
    if THOUSANDS.fullmatch(text):
        return f"write {re.sub('[^0-9]', '', text)}"
    return f"write {text}, without quotes" if re.fullmatch("[0-9]+", text) else ""


def number_hint(node: Node) -> str:
    if isinstance(node, Scalar) and Kind.TEXT is node.kind:
        plain = node.text.strip().replace(",", ".")
        if money := MONEY.fullmatch(plain):
            return f"write {money[1] or money[2]}: the currency is that of site.yaml"
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", plain):
            return f"write {plain}, without quotes, with a point"
    return ""

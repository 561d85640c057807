"""What a YAML file says, with the place where it says it: scalars, lists and mappings.

Lines and columns begin at 1. Scalars follow the YAML 1.2 core rules in the plain cases: only
`true` and `false` are flags, only decimal notation is a number, so `no`, `on`, `12:30` and
`2026-11-02` are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a scalar is; BROKEN stands where a value was refused already."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    NOTHING = "nothing"
    BROKEN = "broken"


@dataclass(slots=True)
class Scalar:
    line: int
    column: int
    text: str
    kind: Kind = Kind.TEXT


@dataclass(slots=True)
class ListNode:
    line: int
    column: int
    items: list[Node]


@dataclass(slots=True)
class MapNode:
    """A mapping; `entries` holds each key's own node, for its place, and its value."""

    line: int
    column: int
    entries: dict[str, tuple[Scalar, Node]]


Node = Scalar | ListNode | MapNode

NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
CONSTANTS = dict.fromkeys(("", "~", "null", "Null", "NULL"), Kind.NOTHING) | dict.fromkeys(
    ("true", "True", "TRUE", "false", "False", "FALSE"), Kind.FLAG
)
LONGEST_SHOWN = 60


def plain_kind(text: str) -> Kind:
    """The kind of a scalar that was written without quotes."""
    constant = CONSTANTS.get(text)
    if constant is not None:
        return constant
    return Kind.NUMBER if NUMBER.fullmatch(text) else Kind.TEXT


def describe(node: Node) -> str:
    """A node in words, for "expected …, found …"."""
    match node:
        case ListNode(items=items):
            return "a list" if items else "an empty list"
        case MapNode(entries=entries):
            return "a mapping" if entries else "an empty mapping"
        case Scalar(kind=Kind.NOTHING):
            return "nothing"
    return quoted(node.text)


def quoted(text: str) -> str:
    """A text as a message shows it: in backquotes, shortened, control characters visible."""
    shown = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    return f"`{visible(shown)}`"


def visible(text: str) -> str:
    """A text in one line, with what is not printed shown as Python writes it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

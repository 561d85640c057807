"""The grammar of the files: keys of a mapping, and the simple values under them.

`Fields` reads one mapping. Each reader returns None where the key is absent or its value was
refused; the refusal is among the findings by then. `where` begins every name in a message,
such as `flight.` or `creatives.carte.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeGuard, TypeVar

from adserver.core.catalog import Size
from adserver.publishing.alphabets import foreign_letter
from adserver.publishing.findings import Findings, Placed
from adserver.publishing.nodes import Kind, ListNode, MapNode, Node, Scalar, describe, quoted
from adserver.publishing.number_hints import THOUSANDS, number_hint, whole_hint
from adserver.publishing.signs import NOT_OF_A_LINE, NOT_OF_LINES
from adserver.publishing.suggest import did_you_mean, nearest, nearest_or_all

MAX_TEXT = 200
# Longer than any number that is meant, shorter than any that hurts.
MAX_NUMBER_LENGTH = 30
MAX_SIDE = 8_000

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
NAME_RULE = "letters A-Z and a-z, digits, `.`, `_`, `-`, at most 80, the first a letter or digit"
OCTAL_LOOKING = re.compile("[-+]?0[0-9]")
SIZE = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")

Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class Fields:
    """meant: the keys that misspelt ones stand for, which `only` finds; they are not missing."""

    node: MapNode
    findings: Findings
    where: str = ""
    meant: set[str] = field(default_factory=set)

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def only(self, known: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> None:
        """Refuse every other key. elsewhere: keys that are known to be misplaced, and why."""
        allowed = tuple(known)
        for name, (key, _) in self.node.entries.items():
            if name in allowed:
                continue
            hint = (elsewhere or {}).get(name) or nearest_or_all(name, allowed, "known keys are")
            if near := nearest(name, allowed):
                self.meant.add(near)
            message = f"unknown key {quoted(self.where + name)}"
            self.findings.error(key, "unknown_key", message, hint)

    def at(self, key: str) -> Placed:
        """The place of a key's value, or of the mapping where the key is missing."""
        return self.get(key) or self.node

    def get(self, key: str) -> Node | None:
        entry = self.node.entries.get(key)
        return entry[1] if entry else None

    def need(self, *keys: str, hint: str = "") -> None:
        """Say of each key that it is missing, after `only`."""
        for key in keys:
            if key not in self.node.entries and key not in self.meant:
                message = f"`{self.where}{key}` is missing"
                self.findings.error(self.node, "missing_key", message, hint)

    def expected(self, key: str, what: str, hint: str = "") -> None:
        """Refuse a key's value: `key: expected …, found …`."""
        node = self.get(key)
        if node is not None:
            expected(node, self.findings, self.where + key, what, hint)

    def text(self, key: str, longest: int = MAX_TEXT) -> str | None:
        node = self.get(key)
        if node is None:
            return None
        return read_text(node, self.findings, self.where + key, longest)

    def lines(self, key: str, longest: int) -> str | None:
        """A text that may have several lines."""
        node = self.get(key)
        if node is None:
            return None
        return read_text(node, self.findings, self.where + key, longest, NOT_OF_LINES)

    def number(self, key: str, hint: str = "") -> Decimal | None:
        node = self.get(key)
        if node is None:
            return None
        if not (isinstance(node, Scalar) and node.kind is Kind.NUMBER):
            self.expected(key, "a number", hint or number_hint(node))
            return None
        if len(node.text) > MAX_NUMBER_LENGTH:
            self.expected(key, f"a number of at most {MAX_NUMBER_LENGTH} characters")
            return None
        if OCTAL_LOOKING.match(node.text):
            # Eight times less to some readers of YAML.
            hint = f"write {node.text.lstrip('+-0') or '0'}"
            self.expected(key, "a number that does not begin with a zero", hint)
            return None
        return Decimal(node.text)

    def number_between(self, key: str, low: Decimal, high: Decimal) -> Decimal | None:
        value = self.number(key)
        if value is not None and not low <= value <= high:
            self.expected(key, f"a number from {low:f} to {high:,f}")
            return None
        return value

    def whole_between(self, key: str, low: int, high: int) -> int | None:
        value = self.number(key, whole_hint(self.get(key)))
        if value is None:
            return None
        node = self.get(key)
        if isinstance(node, Scalar) and THOUSANDS.fullmatch(node.text):
            # A thousand to some, one to others.
            self.expected(key, "a whole number, written without a point", whole_hint(node))
            return None
        # The range first: nobody waits for the digits of 1e999999.
        if low <= value <= high and value == int(value):
            return int(value)
        self.expected(key, f"a whole number from {low:,} to {high:,}")
        return None

    def flag(self, key: str) -> bool | None:
        node = self.get(key)
        if isinstance(node, Scalar) and node.kind is Kind.FLAG:
            return node.text.casefold() == "true"
        self.expected(key, "true or false")
        return None

    def choice(self, key: str, words: type[Word]) -> Word | None:
        node = self.get(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and node.text in (known := [str(w) for w in words]):
            return words(node.text)
        known = [str(word) for word in words]
        hint = did_you_mean(node.text, known) if isinstance(node, Scalar) else ""
        self.expected(key, f"{', '.join(known[:-1])} or {known[-1]}", hint)
        return None

    def size(self, key: str) -> Size | None:
        node = self.get(key)
        match = SIZE.fullmatch(node.text) if isinstance(node, Scalar) else None
        size = Size(int(match[1]), int(match[2])) if match else None
        if size is None or max(size.width, size.height) > MAX_SIDE:
            self.expected(key, "a size in pixels such as 728x90", f"at most {MAX_SIDE:,} a side")
            return None
        return size

    def table(self, key: str, example: str = "") -> Fields | None:
        node = self.get(key)
        if isinstance(node, MapNode):
            return Fields(node, self.findings, f"{self.where}{key}.")
        hint = f"write it as {example}" if example else ""
        self.expected(key, "a mapping (`name: value` lines)", hint)
        return None

    def items(self, key: str) -> list[Node]:
        """The items of a list; an empty list is refused."""
        node = self.get(key)
        if isinstance(node, ListNode) and node.items:
            return node.items
        hint = f"write `{key}: [{node.text}]`" if is_text(node) else ""
        self.expected(key, "a list with at least one item", hint)
        return []

    def items_if_any(self, key: str) -> list[Node]:
        """The items of a list, without a word about what is no list."""
        node = self.get(key)
        return node.items if isinstance(node, ListNode) else []

    def texts(self, key: str, longest: int = MAX_TEXT) -> Iterator[tuple[Scalar, str]]:
        """The texts of a list, each with its node."""
        for item in self.items(key):
            text = read_text(item, self.findings, f"an item of {self.where}{key}", longest)
            if text is not None and isinstance(item, Scalar):
                yield item, text

    def tables(self, key: str) -> Iterator[tuple[Scalar, Node]]:
        """The entries of a mapping of names, each key with its value; an empty one is refused."""
        node = self.get(key)
        if isinstance(node, MapNode) and node.entries:
            yield from node.entries.values()
        else:
            self.expected(key, "a mapping with at least one entry")


def is_text(node: Node | None) -> TypeGuard[Scalar]:
    return isinstance(node, Scalar) and node.kind in (Kind.TEXT, Kind.NUMBER)


def expected(node: Node, findings: Findings, name: str, what: str, hint: str = "") -> None:
    if isinstance(node, Scalar) and node.kind is Kind.BROKEN:
        return
    message = f"`{name}`: expected {what}, found {describe(node)}"
    findings.error(node, "wrong_value", message, hint)


def read_text(
    node: Node,
    findings: Findings,
    name: str,
    longest: int = MAX_TEXT,
    refused: re.Pattern[str] = NOT_OF_A_LINE,
) -> str | None:
    """A text for people: trimmed, not empty, of one line, nothing in it that is not seen. refused:
    the characters that it may not have.

    A number is taken as it is written (`order: 0042` keeps its zeros).
    """
    if not is_text(node):
        hint = f'put it in quotes: "{node.text}"' if is_flag(node) else ""
        expected(node, findings, name, "a text", hint)
        return None
    text = node.text.strip()
    if not text:
        expected(node, findings, name, "a text")
    elif len(text) > longest:
        expected(node, findings, name, f"a text of at most {longest:,} characters")
    elif unseen := refused.search(text):
        expected(node, findings, name, *without(unseen[0]))
    else:
        return text
    return None


def without(sign: str) -> tuple[str, str]:
    """What is expected where a sign is refused, and a hint."""
    if sign in "\r\n":
        return "a text of one line", "only the `body` of a creative's text may have more"
    kind = "control" if sign < "\xa0" else "invisible"
    return f"a text without the {kind} character U+{ord(sign):04X}", ""


def is_flag(node: Node) -> TypeGuard[Scalar]:
    return isinstance(node, Scalar) and node.kind is Kind.FLAG


def name_hint(text: str) -> str:
    foreign = foreign_letter(text)
    return f"{foreign}; {NAME_RULE}" if foreign else NAME_RULE


def check_name(text: str, at: Placed, findings: Findings, kind: str) -> bool:
    if NAME.fullmatch(text):
        return True
    findings.error(
        at, "bad_name", f"{quoted(text)} cannot be the name of a {kind}", name_hint(text)
    )
    return False


@dataclass(slots=True)
class Names:
    """The names of one kind that were met so far; no two may differ in case only."""

    kind: str
    findings: Findings
    met: dict[str, int] = field(default_factory=dict)

    def take(self, text: str, at: Placed) -> bool:
        """Whether this is a good name that nobody else has."""
        if not check_name(text, at, self.findings, self.kind):
            return False
        if text.casefold() in self.met:
            line = self.met[text.casefold()]
            message = f"the {self.kind} {quoted(text)} is there already, in line {line}"
            self.findings.error(at, "duplicate_name", message, "rename one of the two")
            return False
        self.met[text.casefold()] = at.line
        return True

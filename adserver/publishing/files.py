"""A campaign file's bytes become a tree of positioned nodes, or problems.

Strict on purpose: what different YAML readers read differently is refused rather than guessed
(duplicate keys, anchors, aliases, tags, merge keys). The tree is built from the parser's
events, so that depth and size are limits of ours and no value is ever constructed.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import yaml
from yaml._yaml import CParser  # yaml.CLoader's own parser, without its constructors

from adserver.publishing.findings import WHOLE_FILE, Findings, Place
from adserver.publishing.nodes import Kind, ListNode, MapNode, Node, Scalar, plain_kind, quoted
from adserver.publishing.signs import NOT_OF_A_FILE
from adserver.publishing.yaml_errors import explain

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 10_000

WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def load(path: Path, findings: Findings) -> tuple[str, MapNode | None]:
    """The file's text ("" where it cannot be read) and its top mapping (None after a problem)."""
    data = read_bytes(path, findings)
    text = decode(data, findings) if data is not None else None
    return text or "", parse(text, findings) if text is not None else None


def load_draft(draft: str, findings: Findings) -> tuple[str, MapNode | None]:
    """The same of a text that is in no file yet."""
    data = draft.encode("utf-8", "surrogateescape")
    text = decode(data, findings) if len(data) <= MAX_BYTES else None
    if len(data) > MAX_BYTES:
        findings.error(WHOLE_FILE, "file_too_large", "the file is larger than 1 MiB")
    return text or "", parse(text, findings) if text is not None else None


def read_bytes(path: Path, findings: Findings) -> bytes | None:
    if path.exists() and not path.is_file():
        # A pipe would keep the reader waiting for ever.
        findings.error(WHOLE_FILE, "unreadable_file", "this is no regular file")
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        findings.error(WHOLE_FILE, "missing_file", f"there is no file {path.name}")
        return None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        findings.error(WHOLE_FILE, "unreadable_file", f"the file cannot be read: {reason}")
        return None
    if len(data) > MAX_BYTES:
        findings.error(WHOLE_FILE, "file_too_large", "the file is larger than 1 MiB")
        return None
    return data


def decode(data: bytes, findings: Findings) -> str | None:
    """UTF-8 without surprises; a mark at the start (BOM) is refused, as editors hide it."""
    save_as = "save the file as UTF-8 without a byte order mark (BOM)"
    if data.startswith(WIDE_MARKS):
        findings.error(Place(1, 1), "not_utf8", "the file is UTF-16 or UTF-32, not UTF-8", save_as)
        return None
    if data.startswith(codecs.BOM_UTF8):
        findings.error(Place(1, 1), "byte_order_mark", "the file begins with a BOM", save_as)
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = place_in(data[: error.start].decode("utf-8"), error.start)
        found = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        findings.error(place, "not_utf8", found, save_as)
        return None
    strange = NOT_OF_A_FILE.search(text)
    if strange:
        found = f"an invisible character (U+{ord(strange[0]):04X}) stands here"
        place = place_in(text, strange.start())
        findings.error(place, "invisible_character", found, "delete it")
        return None
    return text


def place_in(text: str, offset: int) -> Place:
    """Line and column of an offset, as editors count them."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def parse(text: str, findings: Findings) -> MapNode | None:
    """The top mapping of a YAML text. A broken value stays in the tree as Kind.BROKEN."""
    builder = Builder(findings)
    try:
        root = builder.build(text)
    except yaml.YAMLError as error:
        place, message, hint = explain(error, text)
        findings.error(place, "not_yaml", message, hint)
        return None
    except TooMuch as error:
        findings.error(error.at, error.code, str(error))
        return None
    return mapping_at_top(root, findings)


def mapping_at_top(root: Node | None, findings: Findings) -> MapNode | None:
    if isinstance(root, MapNode):
        return root
    if root is None or (isinstance(root, Scalar) and root.kind is Kind.NOTHING):
        findings.error(Place(1, 1), "empty_file", "the file is empty", "write `key: value` lines")
    elif isinstance(root, ListNode):
        message = "expected `key: value` lines at the top, found a list"
        findings.error(root, "not_a_mapping", message, "remove the `-` before the first key")
    elif root.kind is not Kind.BROKEN:
        message = f"expected `key: value` lines at the top, found {quoted(root.text)}"
        findings.error(root, "not_a_mapping", message)
    return None


class TooMuch(Exception):
    """A limit of the tree is passed; nothing more of the file is read."""

    def __init__(self, at: Place, code: str, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.code = code


class Builder:
    """Puts events together into nodes; `open` are the collections not closed yet."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.open: list[tuple[MapNode | ListNode, Scalar | None]] = []
        self.root: Node | None = None
        self.nodes = 0
        self.aliased: set[str | None] = set()

    def build(self, text: str) -> Node | None:
        parser = CParser(text)
        try:
            while (event := parser.get_event()) is not None:
                self.take(event)
        finally:
            parser.dispose()
        return self.root

    def take(self, event: yaml.Event) -> None:
        # Most events are scalars: thousands of files are read in a second or two.
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.place(self.open.pop()[0])
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.document(event)

    def document(self, event: yaml.DocumentStartEvent) -> None:
        line, column = place_of(event)
        if self.root is not None:
            message = "a second document begins here (`---`); a file holds one"
            raise TooMuch(Place(line, column), "second_document", message)
        if event.tags or event.version:
            message = "a `%` directive is not allowed here"
            self.findings.error(Place(line, column), "yaml_directive", message, "delete the line")

    def scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = self.count(event)
        kind = Kind.TEXT if event.style else plain_kind(event.value)
        if event.anchor is not None or event.tag is not None:
            self.refuse_extras(event, line, column)
        self.place(Scalar(line, column, event.value, kind))

    def begin(self, event: yaml.CollectionStartEvent) -> None:
        line, column = self.count(event)
        if len(self.open) >= MAX_DEPTH:
            message = f"lists and mappings are nested more than {MAX_DEPTH} deep"
            raise TooMuch(Place(line, column), "too_deep", message)
        self.refuse_extras(event, line, column)
        if isinstance(event, yaml.MappingStartEvent):
            self.open.append((MapNode(line, column, {}), None))
        else:
            self.open.append((ListNode(line, column, []), None))

    def alias(self, event: yaml.AliasEvent) -> None:
        line, column = self.count(event)
        if event.anchor not in self.aliased:  # told once, however often it is used
            self.aliased.add(event.anchor)
            message = f"`*{event.anchor}` repeats another value; aliases are not allowed"
            self.findings.error(Place(line, column), "yaml_alias", message, "write the value out")
        self.place(Scalar(line, column, f"*{event.anchor}", Kind.BROKEN))

    def count(self, event: yaml.Event) -> tuple[int, int]:
        self.nodes += 1
        line, column = place_of(event)
        if self.nodes > MAX_NODES:
            message = f"the file holds more than {MAX_NODES:,} values"
            raise TooMuch(Place(line, column), "too_many_values", message)
        return line, column

    def refuse_extras(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int, column: int
    ) -> None:
        if event.anchor is not None:
            message = f"`&{event.anchor}` names this value; anchors are not allowed"
            self.findings.error(Place(line, column), "yaml_anchor", message, "delete the anchor")
        if event.tag is not None:
            message = f"{quoted(event.tag)} gives this value a type; tags are not allowed"
            self.findings.error(Place(line, column), "yaml_tag", message, "delete the tag")

    def place(self, node: Node) -> None:
        """Give a finished node to the collection that is open, or make it the root."""
        if not self.open:
            self.root = node
            return
        inside, key = self.open[-1]
        if isinstance(inside, ListNode):
            inside.items.append(node)
        elif key is None:
            self.open[-1] = (inside, self.key(node))
        else:
            self.open[-1] = (inside, None)
            self.entry(inside, key, node)

    def key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar) and node.kind not in (Kind.NOTHING, Kind.BROKEN):
            return node
        if not (isinstance(node, Scalar) and node.kind is Kind.BROKEN):
            message = "a key must be a word"
            self.findings.error(node, "bad_key", message, "write `key: value`")
        return Scalar(node.line, node.column, "", Kind.BROKEN)

    def entry(self, inside: MapNode, key: Scalar, value: Node) -> None:
        if key.kind is Kind.BROKEN:
            return
        if key.text == "<<":
            message = "`<<` merges another mapping; merge keys are not allowed"
            self.findings.error(key, "yaml_merge", message, "write the keys out")
        elif key.text in inside.entries:
            first = inside.entries[key.text][0]
            message = (
                f"{quoted(key.text)} stands here a second time; the first is in line {first.line}"
            )
            self.findings.error(key, "duplicate_key", message, "keep one of the two")
        else:
            inside.entries[key.text] = (key, value)


def place_of(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)

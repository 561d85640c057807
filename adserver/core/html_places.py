"""Where in an HTML document something stands, and so what a browser takes it for."""

from __future__ import annotations

import re
from enum import Enum
from html.parser import HTMLParser


class Where(Enum):
    """Where in a document a macro stands; each place has its way of writing a value."""

    TEXT = "text"
    ATTRIBUTE = "attribute"
    ADDRESS = "the start of an address"
    IN_ADDRESS = "inside an address"
    SCRIPT = "script"
    HANDLER = "an event handler"
    STYLE = "style"
    COMMENT = "a comment"
    FORBIDDEN = "a place where no value is safe"


ADDRESSES = frozenset(
    (
        "action",
        "background",
        "cite",
        "data",
        "formaction",
        "href",
        "longdesc",
        "manifest",
        "ping",
        "poster",
        "src",
        "srcset",
        "usemap",
        "xlink:href",
    )
)
# Schemes whose addresses are decoded and then read as something else: no escaping is enough.
NO_SCHEMES = re.compile(r"[\x00-\x20]*(?!https?:|mailto:|tel:)[a-z][a-z0-9+.\s-]*:", re.IGNORECASE)


def place_in_attribute(attribute: str, before: str) -> Where:
    """Where a macro in an attribute's value stands; before: the value up to it."""
    if attribute.startswith("on"):
        return Where.HANDLER
    if attribute == "srcdoc":
        return Where.FORBIDDEN
    if attribute == "style":
        return Where.STYLE
    if attribute not in ADDRESSES:
        return Where.ATTRIBUTE
    if NO_SCHEMES.match(before):
        return Where.FORBIDDEN
    return Where.IN_ADDRESS if before.strip() else Where.ADDRESS


def follow(parser: HTMLParser, text: str) -> None:
    """Feed a whole document to a parser; raises ValueError where it cannot be followed.

    A tag that never ends is refused and not left to close(), which would look for its end once
    more at every `<` behind it: minutes, for half a megabyte of them.
    """
    try:
        parser.feed(text)
        if parser.rawdata.startswith("<") and parser.cdata_elem is None:
            line = text.count("\n") - parser.rawdata.count("\n") + 1
            raise ValueError(f"a tag or comment begins in line {line} and never ends")
        parser.close()
    except AssertionError as error:  # how html.parser says that it gives up
        raise ValueError(str(error)) from error


class Survey(HTMLParser):
    """Finds where the marks of a document stand, and where its `<base>` belongs."""

    def __init__(self, marked: str, mark: str) -> None:
        super().__init__(convert_charrefs=True)
        self.mark = re.compile(f"{mark}([0-9]+)z")
        self.places: dict[int, Where] = {}
        self.raw = ""
        self.head_at: int | None = None
        self.doctype_at = 0
        self.begun = False
        self.lines = [0, *(match.end() for match in re.finditer("\n", marked))]
        follow(self, marked)

    @property
    def base_at(self) -> int:
        return self.head_at if self.head_at is not None else self.doctype_at

    def position(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def note(self, text: str, where: Where) -> None:
        for match in self.mark.finditer(text):
            self.places[int(match[1])] = where

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "head" and self.head_at is None:
            self.head_at = self.position() + len(self.get_starttag_text() or "")
        self.begun = True
        if tag in ("script", "style"):
            self.raw = tag
        for attribute, value in attrs:
            text = value or ""
            for match in self.mark.finditer(text):
                where = place_in_attribute(attribute, text[: match.start()])
                self.places[int(match[1])] = where

    def handle_endtag(self, tag: str) -> None:
        if tag == self.raw:
            self.raw = ""

    def handle_data(self, data: str) -> None:
        self.note(data, {"script": Where.SCRIPT, "style": Where.STYLE}.get(self.raw, Where.TEXT))

    def handle_comment(self, data: str) -> None:
        self.note(data, Where.COMMENT)

    def handle_decl(self, decl: str) -> None:
        if decl.lower().startswith("doctype") and not self.begun:
            self.doctype_at = self.position() + len(decl) + len("<!>")

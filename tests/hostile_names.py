"""Texts that try to be more than text, and documents as they are read back.

A document that was made with a hostile text has to read as the one made with a harmless word in
its place: the same elements and attributes, with the text where the word stands.
"""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

from hypothesis import strategies as st

FRAGMENTS = (
    "</aside>", "</iframe><script>", "<script>owned = 1</script>", "<img src=x onerror=owned=1>",
    "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<style>*{}</style>",
    "</title>", "</textarea>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?php", "?>", "<",
    '"', "'", "`", "&", "&lt;", "&amp", "&#x22;", '" onmouseover="owned=1', "' autofocus onfocus='",
    "javascript:owned=1", "%%click%%", "%00", "{{7*7}}", "{% x %}", "${7*7}", "<ticket>", "@{ x }@",
    "\\", "\n", "\r", "\t", "\x00", "\x1b[2J", "\u202e", "\u200b", "\u2028", "\ufeff", "=1+1",
)  # fmt: skip
# All of them at once, without what no file may hold.
EVERYTHING = " ".join(fragment for fragment in FRAGMENTS if fragment.isprintable())
HOSTILE = (
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), min_size=1, max_size=5)
    .map("".join)
    .filter(bool)
)
WORD = "HarmlessWord"

Node = tuple[object, ...]


class Read(HTMLParser):
    """Elements, ends and texts, in order; what else a parser finds is noted too."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append(("element", tag, *attrs))

    def handle_endtag(self, tag: str) -> None:
        self.nodes.append(("end", tag))

    def handle_data(self, data: str) -> None:
        if self.nodes and self.nodes[-1][0] == "text":
            data = f"{self.nodes.pop()[1]}{data}"
        self.nodes.append(("text", data))

    def handle_comment(self, data: str) -> None:
        self.nodes.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.nodes.append(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        self.nodes.append(("instruction", data))

    def unknown_decl(self, data: str) -> None:
        self.nodes.append(("unknown", data))


def replaced(value: object, text: str) -> object:
    if isinstance(value, tuple):
        return tuple(replaced(one, text) for one in value)
    return value.replace(WORD, text) if isinstance(value, str) else value


def stays_text(make: Callable[[str], str], text: str) -> None:
    """make: a document with a text in it; called with `text` and with a harmless word."""
    harmless = Read(make(WORD)).nodes
    assert any(WORD in str(node) for node in harmless), "the text is not in the document at all"
    assert Read(make(text)).nodes == [replaced(node, text) for node in harmless]

"""HTML that browsers read as html.parser does: what one does not see, the other does not either.

A check of what a document loads is worth nothing where `<!-->` begins a comment for the one who
checks and ends it for the one who shows. So of all that browsers forgive, the part is refused that
html.parser forgives in another way: https://html.spec.whatwg.org/multipage/parsing.html
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

# White space as browsers have it; in Python's sense there is more, which may not stand in a tag.
START_TAG = re.compile(
    r"""<[a-zA-Z][^\s/>\0]*+
    (?:[ \t\n\r\f/]*+ [^\s"'<>/=\0]++
        (?:[ \t\n\r\f]*+ = [ \t\n\r\f]*+ (?:"[^"]*+"|'[^']*+'|[^\s"'=<>\0][^\s>\0]*+))?+
    )*+ [ \t\n\r\f/]*+>""",
    re.VERBOSE,
)
END_TAG = re.compile(r"</[a-zA-Z][^\s/>\0]*[ \t\n\r\f]*>")
COMMENT = re.compile(r"<!--(?!-?>)(?P<data>.*?)(?P<end>--[!\s]*>)", re.DOTALL)
DOCTYPE = re.compile(r"<!doctype\b", re.IGNORECASE)
# What ends at its own end tag alone, whatever stands in it.
RAW = frozenset(
    ("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp")
)
# Where HTML stops, and where in there it goes on: `<style>` is no raw text in between.
FOREIGN = frozenset(("svg", "math"))
INSIDE = frozenset(
    ("annotation-xml", "desc", "foreignobject", "mi", "mn", "mo", "ms", "mtext", "title")
)
MAX_ISLANDS = 100  # in one another
TAG_LIKE = re.compile(r"<[a-zA-Z!/?]")


class Unambiguous(HTMLParser):
    """Calls differs() at each place that browsers read otherwise. To be fed the whole text at
    once."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.raw = ""
        self.raw_end = 0
        self.islands: list[str] = []

    def differs(self, what: str) -> None:
        raise NotImplementedError

    def position(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def check_start(self, tag: str) -> None:
        at = self.position()
        found = START_TAG.match(self.text, at)
        written = self.get_starttag_text() or ""
        if found is None or found[0] != written or tag == "plaintext":
            self.differs(f"this `<{tag}>`")
        self.check_passed(at)
        if tag in RAW and not self.raw:
            end = re.compile(rf"</{tag}(?=[ \t\n\r\f/>])", re.IGNORECASE)
            after = end.search(self.text, at + len(written))
            self.raw, self.raw_end = tag, after.start() if after else len(self.text)
        if tag in FOREIGN or (self.islands and tag in INSIDE):
            if len(self.islands) < MAX_ISLANDS:
                self.islands.append(tag)
            else:
                self.differs(f"so many `<{tag}>` in one another")

    def check_end(self, tag: str) -> None:
        at = self.position()
        if self.text.startswith("</", at) and not END_TAG.match(self.text, at):
            self.differs(f"this `</{tag}>`")
        if tag == self.raw:
            if at != self.raw_end:
                self.differs(f"the end of `<{tag}>`")
            self.raw = ""
        else:
            self.check_passed(at)
        if tag in self.islands and self.islands.pop() != tag:
            self.differs(f"this `</{tag}>`")

    def check_passed(self, at: int) -> None:
        """An end that html.parser has not seen, as it was in a comment or a value."""
        if self.raw and at > self.raw_end:
            self.differs(f"the end of `<{self.raw}>`")
            self.raw = ""

    def check_data(self, data: str) -> None:
        at = self.position()
        if self.cdata_elem is None:
            # A tag that html.parser gives up, and shows.
            if TAG_LIKE.match(self.text, at):
                self.differs("this tag")
            return
        foreign = bool(self.islands) and self.islands[-1] in FOREIGN and TAG_LIKE.search(data)
        twice = self.cdata_elem == "script" and "<!--" in data and "<script" in data.lower()
        if foreign or twice:
            self.differs(f"what is in `<{self.cdata_elem}>`")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.check_start(tag)

    def handle_endtag(self, tag: str) -> None:
        self.check_end(tag)

    def handle_data(self, data: str) -> None:
        self.check_data(data)

    def handle_comment(self, data: str) -> None:
        at = self.position()
        found = COMMENT.match(self.text, at)
        if found is None or found["end"] != "-->" or found["data"] != data:
            self.differs("this comment")
        self.check_passed(at + len(data))

    def handle_decl(self, decl: str) -> None:
        if not DOCTYPE.match(self.text, self.position()):
            self.differs("this declaration")

    def handle_pi(self, data: str) -> None:
        self.differs("this instruction (`<?`)")

    def unknown_decl(self, data: str) -> None:
        self.differs("this section (`<![`)")

"""Macros: words such as `%%click%%` that links and HTML creatives leave for us to fill in.

Links know the macros whose values are our own words, each percent-encoded. HTML knows all of
them, escaped for where they stand. `page` is written by visitors and is hostile: whatever its
value, it stays a value. Where html.parser and a browser might disagree about where a macro
stands, each rule's output is harmless in the other places too: no rule lets through a quote,
an angle bracket or white space.

Google's click macro is a prefix: creatives write the destination behind it. Ours leads to the
campaign's own link and nowhere else, so what stands behind becomes an ignored parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from adserver.core.escaping import (
    drop,
    escape_attribute,
    escape_script,
    escape_text,
    percent_encode,
    write_address,
    write_handler,
)
from adserver.core.html_places import Survey, Where


@dataclass(frozen=True, slots=True)
class Macro:
    """What a macro stands for: a key of the values ("" is always empty), and how often its
    spelling asks for percent-encoding."""

    value: str
    encodings: int = 0
    prefix: bool = False


MACROS: Mapping[str, Macro] = MappingProxyType(
    {
        "click": Macro("click"),
        "campaign": Macro("campaign"),
        "creative": Macro("creative"),
        "slot": Macro("slot"),
        "random": Macro("random"),
        "page": Macro("page"),
        "CLICK_URL_UNESC": Macro("click", 0, prefix=True),
        "CLICK_URL_ESC": Macro("click", 1, prefix=True),
        "CLICK_URL_ESC_ESC": Macro("click", 2, prefix=True),
        "CACHEBUSTER": Macro("random"),
        "ADUNIT": Macro("slot"),
        "REFERRER_URL_UNESC": Macro("page"),
        "REFERRER_URL_ESC": Macro("page", 1),
        "REFERRER_URL_ESC_ESC": Macro("page", 2),
        "DEST_URL": Macro(""),
        "DEST_URL_ESC": Macro(""),
        "DEST_URL_ESC_ESC": Macro(""),
    }
)
LINK_VALUES = ("campaign", "creative", "slot", "random")
LINK_MACROS = tuple(name for name, macro in MACROS.items() if macro.value in LINK_VALUES)
CLICK_MACROS = frozenset(name for name, macro in MACROS.items() if macro.value == "click")

# How each begins and ends.
MACRO = "%%"
WRITTEN = re.compile(r"%%([A-Za-z][A-Za-z0-9_]*(?::[A-Za-z0-9_.-]*)?)%%")
# Any address of a page; all else that calls itself one (javascript:, data:) is dropped.
WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def find_macros(text: str) -> Iterator[tuple[int, str]]:
    """Every macro that is written in a text, known or not: its offset and its name."""
    return ((match.start(), match[1]) for match in WRITTEN.finditer(text))


def fill_link(template: str, values: Mapping[str, str]) -> str:
    """A checked link with its macros filled in; a macro that links do not know becomes ""."""
    if MACRO not in template:
        return template
    return WRITTEN.sub(lambda match: _in_link(match[1], values), template)


def _in_link(name: str, values: Mapping[str, str]) -> str:
    if name not in LINK_MACROS:
        return ""
    return quote(values.get(MACROS[name].value, ""), safe="")


WRITERS: Mapping[Where, Callable[[str], str]] = MappingProxyType(
    {
        Where.TEXT: escape_text,
        Where.ATTRIBUTE: escape_attribute,
        Where.ADDRESS: write_address,
        Where.IN_ADDRESS: percent_encode,
        Where.SCRIPT: escape_script,
        Where.HANDLER: write_handler,
        Where.STYLE: percent_encode,
        Where.COMMENT: drop,
        Where.FORBIDDEN: drop,
    }
)
# Places that percent-encode by themselves: one encoding of the spelling is done by the place.
ENCODING_PLACES = (Where.IN_ADDRESS, Where.STYLE)
# Places where code may put a destination behind a value, out of our sight.
CODE_PLACES = (Where.SCRIPT, Where.HANDLER)


@dataclass(frozen=True, slots=True)
class Hole:
    """A macro in a document. offset: where in the source; followed: text stands right behind."""

    name: str
    offset: int
    where: Where
    followed: bool = False

    def write(self, values: Mapping[str, str]) -> str:
        macro = MACROS.get(self.name)
        value = values.get(macro.value, "") if macro else ""
        if macro is None or not value:
            return ""
        if macro.value == "page" and not WEB_ADDRESS.match(value):
            return ""
        if macro.prefix and (self.followed or self.where in CODE_PLACES):
            value += "?adurl="
        for _ in range(macro.encodings - (self.where in ENCODING_PLACES)):
            value = percent_encode(value)
        return WRITERS[self.where](value)


@dataclass(frozen=True, slots=True)
class HtmlTemplate:
    """A compiled document: a text before each hole and one after the last."""

    texts: tuple[str, ...]
    holes: tuple[Hole, ...]

    def render(self, values: Mapping[str, str]) -> str:
        """The document with its macros filled in; a value that is not given is empty."""
        parts = [self.texts[0]]
        for hole, text in zip(self.holes, self.texts[1:], strict=True):
            parts.append(hole.write(values))
            parts.append(text)
        return "".join(parts)


BASE = '<base target="_blank">'
# No policy keeps WebRTC in: Chromium does not know CSP Level 3's `webrtc 'block'`, and a peer
# connection asks any host. So what makes one goes, before a line of the document runs.
NO_PEERS = (
    "<script>for(const name of Object.getOwnPropertyNames(window))"
    "if(/^(webkit|moz)?RTC/.test(name))delete window[name];"
    "document.currentScript.remove()</script>"
)


def compile_html(source: str) -> HtmlTemplate:
    """Compile a creative's document once; links in it will open a new window, and its scripts
    make no peer connections.

    Raises ValueError where the source is no HTML that html.parser can follow to its end.
    """
    matches = list(WRITTEN.finditer(source))
    mark = _mark_absent_from(source)
    # Each macro becomes a word that means nothing to HTML, so that the parser tells us its place.
    numbers = iter(range(len(matches)))
    marked = WRITTEN.sub(lambda _: f"{mark}{next(numbers)}z", source)
    survey = Survey(marked, mark)
    places = survey.places
    begin, base = survey.doctype_at, survey.base_at
    marked = f"{marked[:begin]}{NO_PEERS}{marked[begin:base]}{BASE}{marked[base:]}"
    texts = tuple(re.split(f"{mark}[0-9]+z", marked))
    holes = tuple(
        Hole(
            name=match[1],
            offset=match.start(),
            where=places.get(number, Where.FORBIDDEN),
            followed=_goes_on(texts[number + 1], number + 1 < len(matches)),
        )
        for number, match in enumerate(matches)
    )
    return HtmlTemplate(texts, holes)


def _goes_on(text: str, another: bool) -> bool:
    """Whether an address goes on behind a macro: neither end of value nor white space follows."""
    return text[0] not in "\"'<>?# \t\r\n\f" if text else another


def _mark_absent_from(source: str) -> str:
    number = 0
    while (mark := f"zq{number}m") in source.lower():
        number += 1
    return mark

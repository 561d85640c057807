"""HTML creatives: what a document of the marketer's may hold before it is ever served.

It runs in a sandbox, as one file: it loads only from declared hosts, does not move its own
addresses (`<base>`) or its page (`refresh`), and leads out through the counted click.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from adserver.core.assets import digest_of
from adserver.core.html_places import Where, follow
from adserver.core.macros import CLICK_MACROS, MACROS, Hole, HtmlTemplate, compile_html, find_macros
from adserver.core.problems import Problem
from adserver.publishing.files import place_in
from adserver.publishing.findings import Complaint, Findings, Place
from adserver.publishing.folder import Folder
from adserver.publishing.links import read_authority
from adserver.publishing.nodes import quoted
from adserver.publishing.suggest import did_you_mean, listed
from adserver.publishing.unambiguous import Unambiguous

MAX_BYTES = 512 * 1024

SOURCE = re.compile(r"https://(\*\.)?([^/?#@*\s]+)/?")
LOADED = re.compile(r"\s*(?:(?P<scheme>[a-z][a-z0-9+.-]*):)?(?P<host>//[^/?#\\]*)?", re.IGNORECASE)
IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
# What reaches hosts beside what `loads_from` allows; nodes take the first away from documents.
REACHING = re.compile(r"\b(?:webkit|moz)?RTCPeerConnection\b|\bWebTransport\b")
# By these a browser calls a host ahead of any load: no policy of a document holds it back.
AHEAD = re.compile(r"\b(?:preconnect|dns-prefetch)\b", re.IGNORECASE)
# Attributes that make a browser load something, and the tags where `href` does.
LOADING = frozenset(("src", "srcset", "poster", "background", "data", "imagesrcset"))
HREF_LOADS = frozenset(("link", "image", "use", "feimage"))
AMBIGUOUS = 'write tags as <name attribute="value">, </name>, and comments as <!-- … -->'
REACHES = "ask what it is for; a node does not let it, as far as it can"
# What comes out of the document itself.
OWN_SCHEMES = ("data", "blob", "about", "javascript")


def read_source(text: str) -> str | Complaint:
    """An entry of `loads_from`, as the creative's security policy will say it."""
    match = SOURCE.fullmatch(text)
    place = read_authority(match[2]) if match else None
    if match is None or place is None or isinstance(place, Complaint):
        message = f"{quoted(text)} is no host to load from"
        return Complaint("bad_source", message, 'write "https://host" or "https://*.host"')
    return f"https://{match[1] or ''}{''.join(place)}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read. digest: None where its problems forbid it. source: the digest
    of the file's own bytes."""

    digest: str | None
    source: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Documents:
    """The HTML documents of a folder, each checked once for each list of hosts.

    sources: takes each document's text, by the name it has in problems.
    """

    folder: Folder
    sources: dict[str, str]
    seen: dict[tuple[str, tuple[str, ...]], Document | Complaint] = field(default_factory=dict)

    def read(self, relative: str, hosts: tuple[str, ...]) -> Document | Complaint:
        key = (relative, hosts)
        if key not in self.seen:
            self.seen[key] = self._read(relative, hosts)
        document = self.seen[key]
        if isinstance(document, Document):
            self.folder.used[relative] = document.source
        return document

    def _read(self, relative: str, hosts: tuple[str, ...]) -> Document | Complaint:
        data = self.folder.read(relative, MAX_BYTES)
        if isinstance(data, Complaint):
            return data
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return Complaint("not_utf8", f"{quoted(relative)} is not UTF-8", "save it as UTF-8")
        findings = Findings(self.folder.shown(relative))
        self.sources[findings.file] = text
        check_document(text, hosts, findings)
        digest = None if findings.failed else self.folder.kept.hold(text.encode(), "text/html")
        source = digest_of(data)
        if source != digest:  # a byte order mark is not served
            self.folder.sources[source] = data
        return Document(digest, source, tuple(findings.problems))


def check_document(text: str, sources: tuple[str, ...], findings: Findings) -> None:
    """Note everything that is wrong with a document. sources: its checked `loads_from`."""
    try:
        template = compile_html(text)
        reader = Reader(text)
    except ValueError as error:
        findings.error(Place(1, 1), "bad_html", f"this cannot be read as HTML: {error}")
        return
    for place, complaint in reader.complaints:
        findings.refuse(place, complaint)
    for load in reader.loads:
        check_load(load, sources, findings)
    if reaching := REACHING.search(text):
        message = (
            f"the document names `{reaching[0]}`, which would reach hosts that nobody declared"
        )
        findings.warning(place_in(text, reaching.start()), "reaching_out", message, REACHES)
    if ahead := AHEAD.search(text):
        message = f"the document names `{ahead[0]}`: a browser calls that host before consent"
        hint = "delete it: a node cannot keep browsers from it, whoever the host is"
        findings.warning(place_in(text, ahead.start()), "reaching_out", message, hint)
    check_macros(text, template, findings)


def check_macros(text: str, template: HtmlTemplate, findings: Findings) -> None:
    for hole in template.holes:
        complaint = check_hole(hole)
        if complaint:
            findings.refuse(place_in(text, hole.offset), complaint)
    if not any(name in CLICK_MACROS for _, name in find_macros(text)):
        message = "the document has no `%%click%%`: its clicks will not be counted"
        hint = 'write <a href="%%click%%"> around what can be clicked'
        findings.warning(Place(1, 1), "no_click_macro", message, hint)


def check_hole(hole: Hole) -> Complaint | None:
    written = f"`%%{hole.name}%%`"
    if hole.name not in MACROS:
        known = listed(f"%%{name}%%" for name in MACROS if name.islower())
        hint = did_you_mean(hole.name, MACROS, "%%") or f"there are {known}, or Google's"
        return Complaint("unknown_macro", f"unknown macro {written}", hint)
    if hole.where is Where.FORBIDDEN:
        message = f"{written} stands where no value is safe (a tag's name, srcdoc, javascript:)"
        return Complaint("misplaced_macro", message, "use it in text, an attribute or a script")
    if hole.name == "click" and hole.followed and hole.where is Where.ADDRESS:
        message = f"something stands behind {written} in its address"
        return Complaint("click_goes_on", message, "the destination is the campaign's `link`")
    return None


@dataclass(frozen=True, slots=True)
class Load:
    """An address that the document loads, and what loads it."""

    place: Place
    by: str
    address: str


def check_load(load: Load, sources: tuple[str, ...], findings: Findings) -> None:
    match = LOADED.match(load.address)
    scheme = (match["scheme"] or "").lower() if match else ""
    host = (match["host"] or "").removeprefix("//").lower() if match else ""
    if scheme in OWN_SCHEMES or load.address.strip().startswith("#") or not load.address.strip():
        return
    if not host:
        message = f"{load.by} loads {quoted(load.address)}, which is not on any host"
        hint = "an HTML creative is one file: write a full https address, or data:"
        findings.warning(load.place, "relative_load", message, hint)
        return
    origin = f"{scheme or 'https'}://{host}"
    if scheme in ("", "https") and any(covers(source, origin) for source in sources):
        return
    message = f"{load.by} loads from {origin}, which `loads_from` does not name"
    hint = f'add "https://{host}" to `loads_from`' if scheme != "http" else "load it over https"
    findings.error(load.place, "undeclared_host", message, hint)


def covers(source: str, origin: str) -> bool:
    """Whether a `loads_from` entry allows an origin; `*.` is any subdomain, not the host itself."""
    if not source.startswith("https://*."):
        return source.removesuffix(":443") == origin.removesuffix(":443")
    return origin.startswith("https://") and origin.endswith(source.removeprefix("https://*"))


class Reader(Unambiguous):
    """Collects what a document loads and what it may not hold."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.loads: list[Load] = []
        self.complaints: list[tuple[Place, Complaint]] = []
        self.in_style = False
        follow(self, text)

    def place(self) -> Place:
        line, column = self.getpos()
        return Place(line, column + 1)

    def differs(self, what: str) -> None:
        message = f"browsers read {what} in another way than it looks"
        self.complain("ambiguous_html", message, AMBIGUOUS)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        values = {name: value or "" for name, value in reversed(attrs)}
        self.in_style = tag == "style"
        if tag == "base":
            message = "`<base>` would turn every address of the document around"
            self.complain("base_refused", message, "delete it; links open a new window anyway")
        if tag == "meta" and values.get("http-equiv", "").strip().lower() == "refresh":
            message = "`<meta http-equiv=refresh>` would leave the creative without a click"
            self.complain("refresh_refused", message, "delete it")
        for name, value in values.items():
            for address in loaded(tag, name, value):
                self.loads.append(Load(self.place(), f"`<{tag} {name}>`", address))

    def complain(self, code: str, message: str, hint: str) -> None:
        self.complaints.append((self.place(), Complaint(code, message, hint)))

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        self.in_style = False

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        if not self.in_style:
            return
        start = self.place()
        for match in IN_STYLE.finditer(data):
            within = place_in(data, match.start())
            column = within.column + (start.column - 1 if within.line == 1 else 0)
            place = Place(start.line + within.line - 1, column)
            self.loads.append(Load(place, "a style", match[1] or match[2]))


def loaded(tag: str, name: str, value: str) -> Iterator[str]:
    """The addresses that an attribute makes the browser load."""
    if name == "style":
        yield from (match[1] or match[2] for match in IN_STYLE.finditer(value))
    elif name in ("srcset", "imagesrcset"):
        yield from (part.split()[0] for part in value.split(",") if part.strip())
    elif name in LOADING or (tag in HREF_LOADS and name in ("href", "xlink:href")):
        yield value

"""Addresses that marketers write: links, pixels, sites. Checked before anything parses them.

A good link comes back in the form in which it is sent: the host in ASCII (IDNA), everything
outside ASCII percent-encoded, so that no later step has to guess.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

import idna

from adserver.core.macros import LINK_MACROS, MACROS, find_macros
from adserver.publishing.findings import Complaint
from adserver.publishing.nodes import quoted
from adserver.publishing.suggest import did_you_mean, listed

MAX_LINK = 2_048
MAX_HOST = 253
MAX_PORT = 65_535

# RFC 3986 appendix B, less the parts that an absolute address must have.
PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
# Something that begins like a host name, behind a scheme of the web in any spelling, or none.
MEANT = re.compile(
    r"(?:h?t?tps?s?[:;]?/*|/+|:/+)?((?:[\w-]+\.)+[a-z]{2,}(?:[:/?#].*)?)", re.DOTALL | re.IGNORECASE
)
# Everything but the visible characters of ASCII is looked at one by one.
UNUSUAL = re.compile(r"[^\x21-\x7e]")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
PRINTABLE_ASCII = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"<>^`{|}')


@dataclass(frozen=True, slots=True)
class Address:
    """An absolute address in its parts; query and fragment with their `?` and `#`."""

    scheme: str
    host: str
    port: str
    path: str
    query: str = ""
    fragment: str = ""

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}{self.port}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}{self.query}{self.fragment}"


def read_address(text: str, schemes: tuple[str, ...] = ("https", "http")) -> Address | Complaint:
    """An absolute web address, or what is wrong with it."""
    return check_characters(text) or parse_address(text, schemes)


def read_link(text: str, schemes: tuple[str, ...] = ("https", "http")) -> Address | Complaint:
    """An address in which the macros of links may stand, after the host."""
    if complaint := check_characters(text) or check_macros(text):
        return complaint
    return parse_address(text, schemes)


def check_characters(text: str) -> Complaint | None:
    """What browsers silently drop or turn around is refused before any parsing."""
    if len(text) > MAX_LINK:
        return Complaint("bad_link", f"an address of more than {MAX_LINK:,} characters")
    if text != text.strip():
        return Complaint("bad_link", "white space around the address", "remove it")
    for character in UNUSUAL.findall(text):
        name = f"U+{ord(character):04X}"
        if character.isspace():
            return Complaint("bad_link", f"white space ({name}) in the address", "write %20")
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
            return Complaint("bad_link", f"the invisible character {name} in the address")
    if "\\" in text:
        return Complaint("bad_link", "a backslash in the address", "write `/`, or %5C")
    return None


def check_macros(text: str) -> Complaint | None:
    for _, name in find_macros(text):
        written = f"`%%{name}%%`"
        if name in LINK_MACROS:
            continue
        known = listed(f"%%{macro}%%" for macro in LINK_MACROS)
        if name in MACROS:
            message = f"{written} works in HTML creatives only"
            return Complaint("macro_not_in_links", message, f"in links there are {known}")
        hint = did_you_mean(name, LINK_MACROS, "%%") or f"in links there are {known}"
        return Complaint("unknown_macro", f"unknown macro {written}", hint)
    return None


def parse_address(text: str, schemes: tuple[str, ...]) -> Address | Complaint:
    whole = PARTS.fullmatch(text)
    if whole is None or whole[1].lower() not in schemes or whole[2] is None:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        message = f"an address begins with {wanted}, this is {quoted(text)}"
        return Complaint("bad_link", message, guess(text, schemes))
    place = read_authority(whole[3])
    if isinstance(place, Complaint):
        return place
    host, port = place
    path, query, fragment = (encode(part or "") for part in whole.groups()[3:])
    return Address(whole[1].lower(), host, port, path, query, fragment)


def guess(text: str, schemes: tuple[str, ...]) -> str:
    """The address that was probably meant: a scheme that is missing, halved or misspelt."""
    meant = MEANT.fullmatch(text)
    return f"write {schemes[0]}://{meant[1]}" if meant else ""


def read_authority(text: str) -> tuple[str, str] | Complaint:
    """Host, and port as ":8080" or ""."""
    if "%%" in text:
        return Complaint("bad_link", "a macro cannot stand in the host", "use it after the host")
    if "@" in text:
        return Complaint("bad_link", "a user name or password in the address", "remove it")
    host, colon, port = text.rpartition(":") if re.search(r":[^\]]*$", text) else (text, "", "")
    if colon and not (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= MAX_PORT):
        return Complaint("bad_link", f"`{port}` is not a port", f"1 to {MAX_PORT}, or none")
    name = read_host(host)
    if name is None:
        return Complaint("bad_link", f"{quoted(host)} is not a host name" if host else "no host")
    return name, f":{int(port)}" if colon else ""


def read_host(text: str) -> str | None:
    """The host in ASCII, None if there is no such host name."""
    if text.startswith("["):
        return bracketed(text)
    try:
        host = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
        labels = host.removesuffix(".").split(".")
        for label in labels:
            if label.startswith("xn--"):
                idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return None
    if len(host) > MAX_HOST or not all(LABEL.fullmatch(label) for label in labels):
        return None
    return host if not looks_numeric(labels[-1]) or is_ipv4(host) else None


def looks_numeric(label: str) -> bool:
    """Browsers read a host that ends in a number as an IPv4 address, in many notations."""
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", label) is not None


def is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def bracketed(text: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]" if text[-1] == "]" else None
    except ValueError:
        return None


def encode(part: str) -> str:
    """Percent-encode what cannot stand in an address; `%` is left as it was written."""
    return quote(part, safe=PRINTABLE_ASCII)


def with_query(address: Address, extra: Mapping[str, str]) -> Address:
    """The address with these query parameters, less those that it has already."""
    query = address.query
    present = {name for name, _ in parse_qsl(query[1:], keep_blank_values=True)}
    added = urlencode({k: v for k, v in extra.items() if k not in present}, quote_via=quote)
    if added:
        query = f"{query.rstrip('&')}&{added}" if len(query) > 1 else f"?{added}"
    return Address(
        address.scheme, address.host, address.port, address.path, query, address.fragment
    )


def slug(text: str) -> str:
    """A name as utm_source writes it: `Le Comptoir` is `le-comptoir`; "" if nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")

"""What browsers and proxies say of a reader in the headers of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from adserver.core.catalog import Device
from adserver.core.targeting import fold
from adserver.serving.peers import COUNTRY_SAID, Address, address_of

MAX_URL_CHARACTERS = 2_048
# Browsers send a handful; what comes after is liked less than a page's own language.
MAX_LANGUAGES = 16
MAX_LANGUAGE_BYTES = 256
# User agents differ little; the memo spares reading the same one again.
AGENT_MEMO = 1_024
NO_COUNTRY = "XX"
# Where what the operator's database says is read from. No client can send a header of this name.
COUNTRY_FOUND = b":country-found"
COUNTRY_CODE = re.compile("[A-Za-z]{2}")
# Where a document is shown inside of another.
EMBEDDED = frozenset({b"iframe", b"frame", b"embed", b"object"})
Headers = dict[bytes, bytes]
# All that a context is read from, besides the query.
READ_HEADERS = (
    b"referer",
    b"user-agent",
    b"accept-language",
    b"sec-ch-ua-mobile",
    b"sec-gpc",
    b"dnt",
    b"sec-purpose",
    COUNTRY_SAID,
    COUNTRY_FOUND,
)
# What was said in each of them; None in those that were not sent.
Said = tuple[bytes | None, ...]
# Of an address; "" where it is not known.
CountryOf = Callable[[Address | None], str]


def said_in(headers: Headers) -> Said:
    return tuple(map(headers.get, READ_HEADERS))


def country_said(headers: Headers) -> str:
    """By a trusted proxy, of the reader; else by the operator's database; "" if by neither."""
    return country_in(headers, COUNTRY_SAID) or country_in(headers, COUNTRY_FOUND)


def country_in(headers: Headers, name: bytes) -> str:
    """Two letters, folded; "" for what a proxy does not know (`XX`, as they say)."""
    text = headers.get(name, b"").decode("latin-1")
    return fold(text) if COUNTRY_CODE.fullmatch(text) and text.upper() != NO_COUNTRY else ""


def referer(headers: Headers) -> str:
    value = headers.get(b"referer", b"")
    return value.decode("latin-1") if len(value) <= MAX_URL_CHARACTERS else ""


def accepted_languages(headers: Headers) -> tuple[str, ...]:
    return languages_of(headers.get(b"accept-language", b"")[:MAX_LANGUAGE_BYTES])


@lru_cache(maxsize=AGENT_MEMO)
def languages_of(accepted: bytes) -> tuple[str, ...]:
    """The languages of an Accept-Language header, the best liked first (RFC 9110, 12.5.4)."""
    liked: list[tuple[float, str]] = []
    for part in accepted.decode("latin-1").split(",")[:MAX_LANGUAGES]:
        name, _, parameter = part.partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if quality > 0:
            liked.append((quality, name.strip()))
    return tuple(name for _, name in sorted(liked, key=lambda one: -one[0]))


def device_of(asked: str, headers: Headers) -> Device:
    if asked in {"desktop", "mobile"}:
        return Device(asked)
    hint = headers.get(b"sec-ch-ua-mobile")
    if hint is not None:
        return Device.MOBILE if hint == b"?1" else Device.DESKTOP
    return device_of_agent(headers.get(b"user-agent", b"")[:512])


@lru_cache(maxsize=AGENT_MEMO)
def device_of_agent(agent: bytes) -> Device:
    """Phones say "Mobi", as MDN advises to look for; tablets are shown as desktops."""
    return Device.MOBILE if b"Mobi" in agent else Device.DESKTOP


def objects(headers: Headers) -> bool:
    """Global Privacy Control or Do Not Track."""
    return headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1"


def is_prefetch(headers: Headers) -> bool:
    return headers.get(b"sec-purpose", b"").startswith(b"prefetch")


def is_unprompted(headers: Headers) -> bool:
    """Whether a script has led a frame here, and no gesture of its reader: `Sec-Fetch-User` is then
    not sent (W3C, Fetch Metadata Request Headers). Known of browsers that would send it: those of
    Chromium, which say their brands as well, and Firefox. Safari never does."""
    return (
        headers.get(b"sec-fetch-dest") in EMBEDDED
        and headers.get(b"sec-fetch-user") != b"?1"
        and (b"sec-ch-ua" in headers or b" Firefox/" in headers.get(b"user-agent", b""))
    )


def visitor_headers(
    visitor: Mapping[str, Any], headers: Headers, country_of: CountryOf | None = None
) -> Headers:
    """The request's headers with what a trusted server says of its visitor.

    country_of: None where there is no database.
    """
    agent, address = visitor.get("user_agent"), visitor.get("ip")
    if isinstance(agent, str):
        headers = {k: v for k, v in headers.items() if k != b"sec-ch-ua-mobile"}
        headers[b"user-agent"] = agent.encode("utf-8", "replace")
    if isinstance(address, str) and country_of is not None:
        # Where the server itself is, or whoever it came through, says nothing of the reader.
        headers = {**headers, COUNTRY_FOUND: country_of(address_of(address)).encode()}
    return headers

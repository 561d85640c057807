"""What browsers and proxies say of a reader in the headers of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from adserver.core.catalog import Device
from adserver.core.targeting import fold
from adserver.serving.peers import COUNTRY_SAID

MAX_URL_CHARACTERS = 2_048
# Browsers send a handful; what comes after is liked less than a page's own language.
MAX_LANGUAGES = 16
MAX_LANGUAGE_BYTES = 256
# User agents differ little; the memo spares reading the same one again.
AGENT_MEMO = 1_024
NO_COUNTRY = "XX"
COUNTRY_CODE = re.compile("[A-Za-z]{2}")
Headers = dict[bytes, bytes]


def country_said(headers: Headers) -> str:
    """By a trusted proxy, of the reader; "" where it does not know (`XX`, as they say)."""
    text = headers.get(COUNTRY_SAID, b"").decode("latin-1")
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


def visitor_headers(visitor: Mapping[str, Any], headers: Headers) -> Headers:
    """The request's headers with what a trusted server says of its visitor."""
    agent = visitor.get("user_agent")
    if isinstance(agent, str):
        without_hint = {k: v for k, v in headers.items() if k != b"sec-ch-ua-mobile"}
        return {**without_hint, b"user-agent": agent.encode("utf-8", "replace")}
    return headers

"""Snippets: text to paste into a page, a theme or a configuration, so that a slot is filled.

One template a target in `snippets/`; each value in it names how it is escaped there.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment

from adserver.core.catalog import Slot
from adserver.core.errors import SettingsError
from adserver.publishing.text_templates import text_templates

TARGETS = ("html", "blogger", "wordpress", "jinja", "django", "hugo", "nginx-ssi")
# What of the reader's request the ad server needs to know when a page asks in its place.
FORWARDED = (
    "User-Agent",
    "Accept-Language",
    "Sec-GPC",
    "DNT",
    "Sec-Purpose",
    "Sec-CH-UA-Mobile",
)
# The line of the label above an ad, as in /slots.css.
LABEL_LINE_PIXELS = 24
# Nothing in it that any of the targets could take for its own syntax.
ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(?:/[A-Za-z0-9._~/%-]*)?")


@dataclass(frozen=True, slots=True)
class Addresses:
    """base: the public address, "" for root-relative; server: where other servers reach us."""

    base: str
    server: str


def addresses(public_url: str, host: str, port: int) -> Addresses:
    """SettingsError for an address that is none."""
    base = public_url.rstrip("/")
    if base and not ADDRESS.fullmatch(base):
        raise SettingsError(
            f"--public-url {public_url!r} is not an address such as https://ads.example"
        )
    near = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - not bound here
    return Addresses(base, base or f"http://{f'[{near}]' if ':' in near else near}:{port}")


def snippet(target: str, slot: Slot, where: Addresses) -> str:
    """target: one of TARGETS."""
    heights = [size.height for size in slot.sizes.values()]
    return (
        templates()
        .get_template(f"{target}.j2")
        .render(
            slot=slot.name,
            title=slot.title,
            height=max(heights) + LABEL_LINE_PIXELS,
            base=where.base,
            server=where.server,
            tls_name=tls_name(where.server),
            forwarded=FORWARDED,
        )
    )


def tls_name(address: str) -> str:
    """Whose certificate is to be shown there; "" without TLS."""
    parts = urlsplit(address)
    return parts.hostname or "" if parts.scheme == "https" else ""


@cache
def templates() -> Environment:
    return text_templates("snippets", trimmed=True, html=html.escape, php=php, python=python, go=go)


def php(value: str) -> str:
    """A single-quoted literal, in which only these two signs mean anything."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def python(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def go(value: str) -> str:
    """The inside of a quoted string of a Go template."""
    return json.dumps(value, ensure_ascii=False)[1:-1]

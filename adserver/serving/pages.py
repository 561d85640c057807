"""Pages that are none of the sites': somebody shows their readers ads that were sold for ours.

Two say so. The ticket does where its decision was asked for a page of no site (`url`, else the
Referer). A beacon does by its own Origin or Referer, of which browsers tell other hosts no more
than the host. Whoever says nothing has not said that they are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from adserver.core.ticket import FLAG_FOREIGN
from adserver.serving.headers import MAX_URL_CHARACTERS, Headers
from adserver.serving.invalid import Facts, Holds
from adserver.serving.request import host_of
from adserver.serving.served import Served

# An origin that a browser keeps to itself, such as that of a sandboxed document.
OPAQUE = b"null"


def elsewhere(served: Callable[[], Served | None]) -> Holds:
    """The rule. served: what is served now."""

    def holds(facts: Facts) -> bool:
        if facts.ticket.flags & FLAG_FOREIGN:
            return True
        host, now = host_said(facts.headers), served()
        if not host or now is None or host in now.pages.hosts:
            return False
        # Frames and HTML creatives are documents of our own, wherever we were asked for.
        asked = facts.headers.get(b"host", b"").decode("latin-1").lower()
        return host not in (asked, host_of(now.addresses.base))

    return holds


def host_said(headers: Headers) -> str:
    """Of the page that a beacon or click comes from; "" where it says none."""
    said = headers.get(b"origin", OPAQUE)
    if said == OPAQUE:
        said = headers.get(b"referer", b"")
    return host_of(said.decode("latin-1")) if len(said) <= MAX_URL_CHARACTERS else ""

"""HTML creatives: each a document of its own, sandboxed by its head, never of the page's origin."""

from __future__ import annotations

from functools import lru_cache

from adserver.core.errors import StoreUnavailable, TicketError
from adserver.core.events import Kind
from adserver.core.macros import HtmlTemplate, compile_html
from adserver.core.publication import KnownCreative
from adserver.core.ticket import FLAG_CONSENT, Ticket
from adserver.serving.assets import ANY_ORIGIN
from adserver.serving.beacons import RETRY_AFTER, refuse_ticket
from adserver.serving.headers import objects, referer
from adserver.serving.http import (
    HTML,
    NO_STORE,
    Header,
    Receive,
    Scope,
    Send,
    answer,
    answer_empty,
    answer_with,
)
from adserver.serving.state import State

# Compiled documents in memory; one of 512 KiB is the largest that a catalog may have.
MAX_DOCUMENTS = 64
# What a document may ask of a browser, or of its reader, even where somebody opens it as a page of
# its own: nothing. https://www.w3.org/TR/permissions-policy/
DENIED = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
LOCKED_IN: tuple[Header, ...] = (
    NO_STORE,
    ANY_ORIGIN,
    # Its address is its ticket, which is nobody else's business.
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in DENIED).encode()),
    # No policy of a document holds names back that it has looked up ahead.
    (b"x-dns-prefetch-control", b"off"),
)


async def document(state: State, scope: Scope, _: Receive, send: Send, text: str) -> int:
    try:
        ticket = state.sealer.unseal(text)
    except TicketError as error:
        return await answer_with(send, refuse_ticket(state, error, Kind.IMPRESSION))
    try:
        known = await state.live.creative(ticket.creative)
        html = known.creative.html if known else None
        asset = await state.assets.get(html.digest) if html else None
    except StoreUnavailable:
        await answer_empty(send, 503, RETRY_AFTER)
        return 503
    if known is None or html is None or asset is None:
        await answer_empty(send, 404)
        return 404
    hosts = html.loads_from if consents(ticket, scope) else ()
    page = compiled(asset.data).render(values(state, known, ticket, text, scope))
    await answer(send, 200, HTML, page.encode(), *LOCKED_IN, policy(hosts))
    return 200


@lru_cache(maxsize=MAX_DOCUMENTS)
def compiled(source: bytes) -> HtmlTemplate:
    return compile_html(source.decode())


def values(
    state: State, known: KnownCreative, ticket: Ticket, text: str, scope: Scope
) -> dict[str, str]:
    served = state.live.served
    click = f"/c/{text}"
    return {
        "click": served.addresses.of(click) if served else click,
        "campaign": known.campaign,
        "creative": known.creative.id,
        "slot": state.live.slot_label(ticket.slot),
        "random": str(ticket.writer << 32 | ticket.serial),
        "page": referer(dict(scope["headers"])),
    }


def consents(ticket: Ticket, scope: Scope) -> bool:
    """Whether the reader has agreed to third parties: the decision knew it, and the browser that
    asks does not object, whatever the server that decided for it has passed on."""
    return bool(ticket.flags & FLAG_CONSENT) and not objects(dict(scope["headers"]))


@lru_cache(maxsize=MAX_DOCUMENTS)
def policy(loads_from: tuple[str, ...]) -> Header:
    """Only these hosts; no origin, so no cookies or storage of a page."""
    hosts = " ".join(loads_from)
    none_but = hosts or "'none'"
    return (
        b"content-security-policy",
        (
            "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; "
            f"default-src 'none'; script-src 'unsafe-inline' {hosts}; "
            f"style-src 'unsafe-inline' {hosts}; img-src data: {hosts}; font-src data: {hosts}; "
            f"media-src data: {hosts}; connect-src {none_but}; frame-src {none_but}; "
            "base-uri 'none'; form-action 'none'"
        ).encode("ascii", "replace"),
    )

"""Decisions as JSON: what a call is told of each of its slots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from adserver.core.catalog import Frequency, OnEmpty
from adserver.core.context import Context
from adserver.core.decision import Decision
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.serving import markup, strip
from adserver.serving.readings import Reading
from adserver.serving.served import Fill, Served, pixels_of

TICKET, RANDOM = markup.TICKET.encode(), markup.RANDOM.encode()


def unfilled(slot: str, reason: Reason) -> dict[str, Any]:
    return {"slot": slot, "filled": False, "reason": reason}


def describe_empty(served: Served, decision: Decision, added: str) -> dict[str, Any]:
    """added: what `serve --dev` says in the place, for tag.js to put there; "" otherwise."""
    empty = unfilled(decision.slot, decision.reason) | ({"strip": added} if added else {})
    places = served.snapshot.places.get(decision.slot)
    if places is None:
        return {**empty, "hint": served.hint(decision.slot)}
    slot = places.slot
    html = "" if slot.on_empty is OnEmpty.COLLAPSE else markup.empty(slot)
    if added:
        html = strip.empty(slot, added)
    return {**empty, "on_empty": slot.on_empty, "html": html}


def described(served: Served, fill: Fill, reading: Reading) -> tuple[bytes, ...]:
    """A filled slot, cut where the ticket goes; `RANDOM` in it is to be replaced."""
    if not fill.described:
        html = TICKET.join(fill.without_beacon).decode()
        said = describe(served, fill.placement, reading.context, markup.TICKET, html)
        fill.described = tuple(orjson.dumps(said).split(TICKET))
    return fill.described


def describe(
    served: Served, placement: Placement, context: Context, token: str, html: str
) -> dict[str, Any]:
    addresses = served.addresses
    pixels = pixels_of(placement, context, markup.RANDOM)
    return {
        "slot": placement.slot.name,
        "filled": True,
        "campaign": placement.campaign.name,
        "creative": placement.creative.id,
        "tier": placement.campaign.tier,
        "kind": placement.creative.kind,
        "size": markup.size_of(placement, context.device),
        "html": html,
        "parts": markup.parts(placement, context.language, served.site, addresses),
        "impression_url": addresses.of(f"/i/{token}"),
        "viewable_url": addresses.of(f"/v/{token}"),
        "click_url": addresses.of(f"/c/{token}"),
        **({"frame_url": addresses.of(f"/h/{token}")} if placement.creative.html else {}),
        **({"pixels": pixels} if pixels else {}),
        **frequency_of(placement, context),
    }


def frequency_of(placement: Placement, context: Context) -> dict[str, Any]:
    """The cap that the browser is to keep count of; under GPC or DNT it is not asked to."""
    match placement.campaign.frequency:
        case Frequency(impressions, per) if not context.private:
            return {"frequency": {"impressions": impressions, "per": per}}
        case _:
            return {}


def as_call(generation: int, made: Iterable[bytes]) -> bytes:
    """made: of each slot, as JSON."""
    return b'{"generation":%d,"decisions":[%b]}' % (generation, b",".join(made))

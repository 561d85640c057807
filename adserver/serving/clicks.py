"""Click → landing page: `GET /c/{ticket}`. Where it leads comes from the catalog, never from
the request, and the visitor waits at most 20 ms for the counting."""

from __future__ import annotations

import asyncio
from functools import partial

from adserver.core.errors import StoreUnavailable, TicketError, TooManyWaiting
from adserver.core.events import Kind, Outcome
from adserver.core.macros import fill_link
from adserver.core.ports import KnownCreative
from adserver.core.reasons import Discard
from adserver.core.ticket import Ticket
from adserver.serving.beacons import (
    PENDING,
    RETRY_AFTER,
    counted,
    discarded,
    event_header,
    event_of,
    refuse_ticket,
    standing,
)
from adserver.serving.counting import Waiter
from adserver.serving.http import Header, Scope, Send, answer_empty
from adserver.serving.state import State

# A hand does not feel it; a store that takes longer is counted late, not waited for.
MAX_WAIT_SECONDS = 0.020


async def click(state: State, scope: Scope, send: Send, text: str) -> int:
    try:
        ticket = state.sealer.unseal(text)
    except TicketError as error:
        return await refuse_ticket(state, send, error, Kind.CLICK)
    try:
        known = await state.live.creative(ticket.creative)
    except StoreUnavailable:
        await answer_empty(send, 503, RETRY_AFTER)
        return 503
    if known is None:
        await answer_empty(send, 404)
        return 404
    location = (b"location", landing(state, known, ticket).encode("ascii", "replace"))
    if scope["method"] == "HEAD":
        await answer_empty(send, 302, location)
        return 302
    said = await count(state, scope, ticket)
    await answer_empty(send, 302, location, said)
    return 302


def landing(state: State, known: KnownCreative, ticket: Ticket) -> str:
    return fill_link(
        known.creative.link,
        {
            "campaign": known.campaign,
            "creative": known.creative.id,
            "slot": state.live.slot_label(ticket.slot),
            # Different for each ad served and the same for each of its clicks.
            "random": str(ticket.writer << 32 | ticket.serial),
        },
    )


async def count(state: State, scope: Scope, ticket: Ticket) -> Header:
    discard = standing(state, scope, ticket)
    if discard is not None:
        discarded(state, ticket, Kind.CLICK, discard)
        return event_header(discard)
    try:
        waiter = state.counting.join(event_of(ticket, Kind.CLICK))
    except TooManyWaiting:
        return PENDING
    # Also for one that is answered before it is counted: it is counted all the same.
    waiter.add_done_callback(partial(note, state, ticket))
    await asyncio.wait((waiter,), timeout=MAX_WAIT_SECONDS)
    return said_of(waiter)


def note(state: State, ticket: Ticket, waiter: Waiter) -> None:
    if waiter.exception() is None:
        counted(state, ticket, Kind.CLICK, waiter.result())


def said_of(waiter: Waiter) -> Header:
    if not waiter.done() or waiter.exception() is not None:
        return PENDING
    duplicate = waiter.result() is Outcome.DUPLICATE
    return event_header(Discard.DUPLICATE if duplicate else None)

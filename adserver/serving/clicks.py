"""Click → landing page: `GET /c/{ticket}`. Where it leads comes from the catalog, never from
the request, and the visitor waits at most 20 ms for the counting."""

from __future__ import annotations

from adserver.core.errors import (
    JournalError,
    RoomHasLapsed,
    StoreUnavailable,
    TicketError,
    TooManyWaiting,
)
from adserver.core.events import Event, Kind, Outcome
from adserver.core.invalid import Mode
from adserver.core.macros import fill_link
from adserver.core.publication import KnownCreative
from adserver.core.reasons import Discard
from adserver.core.ticket import Ticket
from adserver.serving.beacons import (
    PENDING,
    RETRY_AFTER,
    counted,
    discard_of,
    discarded,
    event_header,
    join,
    refuse_ticket,
    standing,
)
from adserver.serving.http import Header, Receive, Scope, Send, answer_empty
from adserver.serving.state import State


async def click(state: State, scope: Scope, _: Receive, send: Send, text: str) -> int:
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


def has_impression(state: State, click: Event) -> bool:
    """Whether the node knows that the click's ad has been shown."""
    return state.counting.has_seen(click._replace(kind=Kind.IMPRESSION))


async def count(state: State, scope: Scope, ticket: Ticket) -> Header:
    discard = standing(state, scope, ticket, Kind.CLICK)
    if discard is not None:
        discarded(state, ticket, Kind.CLICK, discard)
        return event_header(discard)
    try:
        event, sure = counted(state, ticket, Kind.CLICK)
        if state.invalid.unmatched is not Mode.OFF:
            event = event._replace(matched=has_impression(state, event))
            # Else the store knows, unless it may count in any case.
            sure = sure and (event.matched or state.invalid.unmatched is not Mode.DISCARD)
        joined = join(state, ticket, event, patient=False)
        outcome = joined if isinstance(joined, Outcome) else await joined
    except RoomHasLapsed:
        discarded(state, ticket, Kind.CLICK, Discard.LAPSED)
        return event_header(Discard.LAPSED)
    except (JournalError, TooManyWaiting):
        return PENDING
    if outcome is None or not (sure or outcome is Outcome.DUPLICATE):
        return PENDING
    return event_header(discard_of(outcome))

"""Click → landing page: `GET /c/{ticket}`. Where it leads comes from the catalog, never from
the request, and the visitor waits at most 20 ms for the counting."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from adserver.core.errors import (
    JournalError,
    RoomHasLapsed,
    StoreUnavailable,
    TicketError,
    TooManyWaiting,
)
from adserver.core.events import Kind, Outcome, bit_of
from adserver.core.invalid import Mode
from adserver.core.macros import MACRO, fill_link
from adserver.core.publication import KnownCreative
from adserver.core.reasons import Discard
from adserver.core.ticket import Ticket
from adserver.serving.beacons import (
    PENDING,
    UNAVAILABLE,
    counted,
    discard_of,
    discarded,
    event_header,
    join,
    refuse_ticket,
    standing,
)
from adserver.serving.http import (
    Header,
    Later,
    Prompt,
    Receive,
    Scope,
    Send,
    answer_with,
    empty,
)
from adserver.serving.patience import Told, Waiter
from adserver.serving.state import State

NO_CREATIVE = empty(404)
# Answers that are kept, some 500 bytes each: what is clicked at most.
MAX_LEADING = 1_024


def click_promptly(state: State, scope: Scope, text: str) -> Prompt | Later | None:
    """None where the store has to be asked where the click leads."""
    try:
        ticket = state.sealer.unseal(text)
    except TicketError as error:
        return refuse_ticket(state, error, Kind.CLICK)
    known = state.live.known(ticket.creative)
    return None if known is None else lead(state, scope, ticket, known)


async def click(state: State, scope: Scope, _: Receive, send: Send, text: str) -> int:
    return await answer_with(send, await found(state, scope, text))


async def found(state: State, scope: Scope, text: str) -> Prompt | Later:
    try:
        ticket = state.sealer.unseal(text)
    except TicketError as error:
        return refuse_ticket(state, error, Kind.CLICK)
    try:
        known = await state.live.creative(ticket.creative)
    except StoreUnavailable:
        return UNAVAILABLE
    return NO_CREATIVE if known is None else lead(state, scope, ticket, known)


def lead(state: State, scope: Scope, ticket: Ticket, known: KnownCreative) -> Prompt | Later:
    link = landing(state, known, ticket)
    # One with macros is another for each click.
    led = leading if link is known.creative.link else leading.__wrapped__
    if scope["method"] == "HEAD":
        return led(link)
    said = count(state, scope, ticket)
    if isinstance(said, Joined):
        return Later(said.waiter, lambda told: led(link, said.header(told)))
    return led(link, said)


@lru_cache(MAX_LEADING)
def leading(link: str, *said: Header) -> Prompt:
    return empty(302, (b"location", link.encode("ascii", "replace")), *said)


def landing(state: State, known: KnownCreative, ticket: Ticket) -> str:
    link = known.creative.link
    if MACRO not in link:
        return link
    return fill_link(
        link,
        {
            "campaign": known.campaign,
            "creative": known.creative.id,
            "slot": state.live.slot_label(ticket.slot),
            # Different for each ad served and the same for each of its clicks.
            "random": str(ticket.writer << 32 | ticket.serial),
        },
    )


def has_impression(state: State, ticket: Ticket) -> bool:
    """Whether the node knows that the ad has been shown."""
    return state.counting.knows(bit_of(ticket.writer, ticket.serial, Kind.IMPRESSION))


class Joined(NamedTuple):
    """A click that waits to be durable. sure: whether it counts if it is new; else the store
    knows."""

    waiter: Waiter
    sure: bool

    def header(self, told: Told) -> Header:
        return said_of(told, sure=self.sure)


def said_of(told: Told, *, sure: bool) -> Header:
    if told is None or isinstance(told, JournalError) or not (sure or told is Outcome.DUPLICATE):
        return PENDING
    return event_header(discard_of(told))


def count(state: State, scope: Scope, ticket: Ticket) -> Header | Joined:
    discard = standing(state, scope, ticket, Kind.CLICK)
    if discard is not None:
        discarded(state, ticket, Kind.CLICK, discard)
        return event_header(discard)
    try:
        event, sure, known_new = counted(state, ticket, Kind.CLICK)
        if state.invalid.unmatched is not Mode.OFF:
            event = event._replace(matched=has_impression(state, ticket))
            # Else the store knows, unless it may count in any case.
            sure = sure and (event.matched or state.invalid.unmatched is not Mode.DISCARD)
        joined = join(state, ticket, event, patient=False, known_new=known_new)
    except RoomHasLapsed:
        discarded(state, ticket, Kind.CLICK, Discard.LAPSED)
        return event_header(Discard.LAPSED)
    except (JournalError, TooManyWaiting):
        return PENDING
    return Joined(joined, sure) if isinstance(joined, Waiter) else said_of(joined, sure=sure)

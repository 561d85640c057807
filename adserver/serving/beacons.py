"""Beacon → count: `/i/{ticket}` (began to render) and `/v/{ticket}` (viewable)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from adserver.core.errors import (
    JournalError,
    MalformedTicket,
    RoomHasLapsed,
    TicketError,
    TooManyWaiting,
)
from adserver.core.events import METRIC_OF, WOULD_OF, Event, Kind, Outcome, bit_of
from adserver.core.leases import Room
from adserver.core.reasons import Discard
from adserver.core.ticket import FLAG_PREVIEW, Ticket
from adserver.metrics.meter import UNKNOWN
from adserver.serving.http import (
    CORS,
    NO_STORE,
    Head,
    Header,
    Later,
    Prompt,
    Scope,
    empty,
)
from adserver.serving.patience import Told, Waiter
from adserver.serving.state import State

# One transparent pixel, the smallest GIF that browsers show without complaint.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
RETRY_AFTER: Header = (b"retry-after", b"1")
# Python looks a member up each time that its class is asked for it.
ACCEPTED, DUPLICATE = Outcome.ACCEPTED, Outcome.DUPLICATE
IMPRESSION, CLICK = Kind.IMPRESSION, Kind.CLICK


def event_header(discard: Discard | None) -> Header:
    return EVENT_HEADERS[discard]


EVENT_HEADERS: dict[Discard | None, Header] = {None: (b"x-ad-event", b"accepted")} | {
    discard: (b"x-ad-event", f"discarded; reason={discard}".encode()) for discard in Discard
}


PENDING: Header = (b"x-ad-event", b"pending")


def heads(content_type: bytes | None, length: int | None) -> Iterator[tuple[Discard | None, Head]]:
    kind = [(b"content-type", content_type)] if content_type else []
    for discard in (None, *Discard):
        yield discard, Head([*kind, *CORS, NO_STORE, event_header(discard)], length)


def answers(
    status: int, content_type: bytes | None = None, body: bytes = b""
) -> Mapping[Discard | None, Prompt]:
    """By what became of the event; None: it counts."""
    length = None if status == 204 else len(body)
    return {discard: Prompt(status, head, body) for discard, head in heads(content_type, length)}


BY_METHOD = {"GET": answers(200, b"image/gif", GIF), "POST": answers(204)}
SHOWN_TO_HEAD = empty(200)
UNAVAILABLE = empty(503, RETRY_AFTER)


def beacon(kind: Kind, state: State, scope: Scope, text: str) -> Prompt | Later:
    try:
        ticket = state.sealer.unseal(text)
    except TicketError as error:
        return refuse_ticket(state, error, kind)
    method = scope["method"]
    if method == "HEAD":
        return SHOWN_TO_HEAD
    discard = standing(state, scope, ticket, kind)
    if discard is None:
        try:
            event, _, known_new = counted(state, ticket, kind)
            joined = join(state, ticket, event, known_new=known_new)
        except RoomHasLapsed:
            discard = Discard.LAPSED
            discarded(state, ticket, kind, discard)
        except (JournalError, TooManyWaiting):
            return UNAVAILABLE
        else:
            if isinstance(joined, Waiter):
                return Later(joined, WHEN_TOLD[method])
            discard = discard_of(joined)
    else:
        discarded(state, ticket, kind, discard)
    return BY_METHOD[method][discard]


def when_told(method: str) -> Callable[[Told], Prompt]:
    answers = BY_METHOD[method]

    def answer(told: Told) -> Prompt:
        return UNAVAILABLE if isinstance(told, JournalError) else answers[discard_of(told)]

    return answer


WHEN_TOLD = {method: when_told(method) for method in BY_METHOD}


def refuse_ticket(state: State, error: TicketError, kind: Kind) -> Prompt:
    """404 for what is not ours; a seal that is wrong is counted, a text that is no ticket too."""
    reason = Discard.FORGED
    state.meter.counts["events_discarded_total"][kind.word, UNKNOWN, reason] += 1
    return NO_TICKET if isinstance(error, MalformedTicket) else FORGED_TICKET


NO_TICKET = empty(404)
FORGED_TICKET = empty(404, event_header(Discard.FORGED))


def standing(state: State, scope: Scope, ticket: Ticket, kind: Kind) -> Discard | None:
    """Why an event does not count whatever the store says; None if the store decides."""
    if ticket.flags & FLAG_PREVIEW:
        return Discard.PREVIEW
    # Of a node whose clock is ahead it may come from the future, but not from so far that what
    # remembers its events (two lives long) could be gone before it expires.
    if abs(state.clock() - ticket.time) > state.ticket_life:
        return Discard.EXPIRED
    verdict = state.invalid.judge(scope, ticket, kind)
    for reason in verdict.would:
        would_discard(state, ticket, kind, reason)
    return verdict.discard


class Counted(NamedTuple):
    """An event that may count. sure: whether it will, if it is new; else the store knows.

    known_new: the node has been asked, and does not know it.
    """

    event: Event
    sure: bool = True
    known_new: bool = False


def counted(state: State, ticket: Ticket, kind: Kind) -> Counted:
    """The ticket's event, with the room that it takes of a campaign with limits.

    RoomHasLapsed where it does not count, as there is none left for it.
    """
    until, sure, known_new = 0, True, False
    if (
        ticket.lapse
        or ticket.campaign in state.leasing.by_number
        or (kind is CLICK and state.live.limits(ticket.creative))
    ):
        until, sure, known_new = room_for(state, ticket, kind)
    writer, serial, creative, campaign, _, _, _, slot, site, _ = ticket
    event = Event(kind, writer, serial, creative, slot, site, campaign, until)
    return Counted(event, sure, known_new)


def room_for(state: State, ticket: Ticket, kind: Kind) -> tuple[int, bool, bool]:
    """Its ticket's own room or, where that has lapsed, some of ours: until when, and as `Counted`
    has it."""
    leasing = state.leasing
    room = leasing.by_number.get(ticket.campaign)
    # Of one that nobody leases room for, as its flight is over, too.
    limits = room.limits if room else state.live.limits(ticket.creative)
    unit = limits.unit.kind if limits else IMPRESSION
    if kind is not unit:
        return 0, True, False
    if state.counting.knows(bit_of(ticket.writer, ticket.serial, kind)):
        return 0, True, False
    until, now = ticket.time + ticket.lapse, leasing.now()
    if room and ticket.lapse:
        room.seen(now - ticket.time)
    if ticket.lapse and now < until:
        return until, True, True
    if room is None and limits is None and state.live.serves(ticket.creative):
        return 0, True, True  # it has no limit any more
    return *room_of_ours(state, room, kind, now), True


def room_of_ours(state: State, room: Room | None, kind: Kind, now: float) -> tuple[int, bool]:
    """Some that this worker has leased: until when, and whether it is sure that there is any."""
    until = state.leasing.take(room, now) if room is not None else 0
    if until:
        return until, True
    if room is not None:
        state.leasing.hurry(room)
    if kind is CLICK and (room is None or not room.met):
        return in_doubt(now), False
    raise RoomHasLapsed


def in_doubt(now: float) -> int:
    """When the room of a click lapses that this worker has none for: the store counts the click
    if there is any left.

    Of today's room, and never at an instant at which leased room does: that is a multiple of five
    seconds, or two before midnight.
    """
    return int(now) + (int(now) % 5 == 0)


def join(
    state: State, ticket: Ticket, event: Event, *, patient: bool = True, known_new: bool = False
) -> Outcome | Waiter:
    """What became of the ticket's event, or who is told of it, as `Counting.join` documents."""
    joined = state.counting.join(event, patient=patient, known_new=known_new)
    if joined is DUPLICATE:
        # Never written, so it is for us to tell of it.
        discarded(state, ticket, event.kind, Discard.DUPLICATE)
    return joined


def discard_of(outcome: Outcome | None) -> Discard | None:
    return Discard.DUPLICATE if outcome is DUPLICATE else None


def discarded(state: State, ticket: Ticket, kind: Kind, reason: Discard) -> None:
    slot = state.live.slot_label(ticket.slot)
    state.meter.counts["events_discarded_total"][kind.word, slot, reason] += 1
    row = (f"{METRIC_OF[kind]}.{reason}", ticket.creative, ticket.slot, ticket.site)
    state.counting.tally(state.clock(), row)


def would_discard(state: State, ticket: Ticket, kind: Kind, reason: Discard) -> None:
    """A dry run: counted apart, and nothing else changes."""
    slot = state.live.slot_label(ticket.slot)
    state.meter.counts["events_would_discard_total"][kind.word, slot, reason] += 1
    row = (f"{WOULD_OF[kind]}.{reason}", ticket.creative, ticket.slot, ticket.site)
    state.counting.tally(state.clock(), row)

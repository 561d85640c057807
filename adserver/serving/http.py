"""Answers: heads that are encoded once, and the few ways in which we answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any, NamedTuple

from adserver.core.errors import JournalError
from adserver.serving.patience import Told, Waiter

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

# Any page may ask, none may send cookies; the two headers are there for its scripts to read.
CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Ad-Decision, X-Ad-Event"),
)
NO_STORE: Header = (b"cache-control", b"no-store")
NO_SNIFF: Header = (b"x-content-type-options", b"nosniff")
HTML = b"text/html; charset=utf-8"
JSON = b"application/json"


class Head:
    """Response headers as they go over the wire, written once.

    To any ASGI server they are pairs to go through; our own protocol class sends the bytes. There
    is one for each of ten thousand ads, so what is the same in many is there once.

    shared, own: lines, in their order. content_length: in bytes.
    """

    __slots__ = ("content_length", "own", "shared")

    def __init__(self, headers: Iterable[Header], content_length: int | None) -> None:
        """content_length: bytes of the body that follows; None for an answer that has none."""
        lines = [b"%b: %b\r\n" % header for header in headers]
        if content_length is not None:
            lines.append(b"content-length: %d\r\n" % content_length)
        self.shared, self.own = b"", b"".join(lines)
        self.content_length = content_length or 0

    def before(self, content_length: int, *more: Header) -> Head:
        """This one, which says no length, and more, for a body of so many bytes."""
        head = Head(more, content_length)
        head.shared = self.encoded  # no copy, as nothing is joined to nothing
        return head

    @property
    def encoded(self) -> bytes:
        return self.shared + self.own

    def __iter__(self) -> Iterator[Header]:
        for line in self.encoded.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b": ")
            yield name, value


class Prompt(NamedTuple):
    """A whole answer, as it goes over the wire when nothing has to be waited for."""

    status: int
    head: Head
    body: bytes = b""


class Later(NamedTuple):
    """An answer that is made when an event is durable, of what `waiter` is told."""

    waiter: Waiter
    answer: Callable[[Told], Prompt]


# (state, scope, the path's rest) → the answer, where no store and no body has to be waited for.
Promptly = Callable[[Any, Scope, str], Prompt | Later]


def empty(status: int, *more: Header) -> Prompt:
    length = None if status == 204 else 0  # RFC 9110: a 204 has no Content-Length
    return Prompt(status, Head([*CORS, NO_STORE, *more], length))


async def respond(send: Send, status: int, head: Iterable[Header], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def as_json(body: bytes, status: int = 200) -> Prompt:
    """What nobody keeps."""
    length = len(body)
    head = JSON_HEADS.get(length)
    if head is None:
        if len(JSON_HEADS) >= MAX_JSON_HEADS:
            JSON_HEADS.clear()
        head = JSON_HEADS[length] = JSON_HEAD.before(length)
    return Prompt(status, head, body)


JSON_HEAD = Head([(b"content-type", JSON), NO_SNIFF, *CORS, NO_STORE], None)
# By the length of the body: tickets are of one length, so that there are few. Some 600 bytes each.
MAX_JSON_HEADS = 1_024
JSON_HEADS: dict[int, Head] = {}


# Of HTML that nobody keeps: a slot's.
SLOT_HEAD = Head([(b"content-type", HTML), NO_SNIFF, *CORS, NO_STORE], None)


def head_of(content_type: bytes, length: int, *more: Header) -> Head:
    return Head([(b"content-type", content_type), NO_SNIFF, *CORS, *more], length)


async def answer(send: Send, status: int, content_type: bytes, body: bytes, *more: Header) -> None:
    await respond(send, status, head_of(content_type, len(body), *more), body)


async def answer_empty(send: Send, status: int, *more: Header) -> None:
    await respond(send, status, empty(status, *more).head)


async def answer_with(send: Send, made: Prompt | Later) -> int:
    """In the ordinary way; the status."""
    if isinstance(made, Later):
        made = await answered(made)
    await respond(send, *made)
    return made.status


async def answered(later: Later) -> Prompt:
    try:
        return later.answer(await later.waiter)
    except JournalError as error:
        return later.answer(error)

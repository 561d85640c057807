"""Answers: heads that are encoded once, and the few ways in which we answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
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


class Head(list[Header]):
    """Response headers, also encoded as they go over the wire.

    An ordinary list to any ASGI server; our own protocol class sends `encoded` as it is.
    """

    __slots__ = ("content_length", "encoded")

    def __init__(self, headers: Iterable[Header], content_length: int | None) -> None:
        """content_length: bytes of the body that follows; None for an answer that has none."""
        super().__init__(headers)
        if content_length is not None:
            self.append((b"content-length", b"%d" % content_length))
        self.content_length = content_length or 0
        self.encoded = b"".join([b"%b: %b\r\n" % header for header in self])

    def before(self, length: int) -> Head:
        """This one, which says no length, for a body of so many bytes."""
        head = Head.__new__(Head)
        head.extend(self)
        head.append((b"content-length", b"%d" % length))
        head.content_length = length
        head.encoded = b"%bcontent-length: %d\r\n" % (self.encoded, length)
        return head


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


async def respond(send: Send, status: int, head: list[Header], body: bytes = b"") -> None:
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

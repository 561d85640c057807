"""One request and its answer, whose head and body leave in one write.

Stock uvicorn writes them one by one; the system call is about half of what a small answer
costs. A head that is a `Head` is already encoded and checked, and goes out as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from adserver.serving.http import Head, Prompt
from adserver.serving.outbox import Outbox
from adserver.serving.patience import Told


class Beginnings:
    """How answers begin: the status, and the headers of every answer (the date), encoded."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._encoded: dict[int, bytes] = {}

    def of(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        # uvicorn makes a new list once a second.
        if self._headers is not headers:
            self._headers = headers
            self._encoded = {}
        found = self._encoded.get(status)
        if found is None:
            encoded = [b"%b: %b\r\n" % header for header in headers]
            found = self._encoded[status] = b"".join([STATUS_LINE[status], *encoded])
        return found


BEGINNINGS = Beginnings()
CLOSE, END = b"connection: close\r\n\r\n", b"\r\n"


def encoded(
    status: int, head: Head, defaults: list[tuple[bytes, bytes]], keep_alive: bool
) -> bytes:
    """All that goes over the wire before the body."""
    begins = BEGINNINGS.of(status, defaults)
    return b"".join((begins, head.shared, head.own, END if keep_alive else CLOSE))


# A longer body is not copied to be joined with its head, so that all who read one picture slowly
# wait for the same bytes. Both leave in one write all the same.
JOINED_BYTES = 16_384


class JoiningCycle(RequestResponseCycle):
    """Holds a prepared head back until its body comes; anything else goes the stock way.

    is_last: of its connection, which sees to that itself, and lingers. Where uvicorn's
    `keep_alive` is False, uvicorn closes at once: it is so while a head is written, and no longer.
    """

    held: bytes | None = None
    is_last = False

    async def send(self, message: Any) -> None:
        if self.held is not None:
            await self._send_held(message)
        elif (
            not self.response_started
            and not self.disconnected
            and type(message.get("headers")) is Head
        ):
            self._hold(message["status"], message["headers"])
        else:
            await self._send_stock(message)

    async def _send_stock(self, message: Any) -> None:
        if not self.response_started:
            self.keep_alive = not self.is_last
        await super().send(message)
        if not self.keep_alive:
            self.keep_alive = self.is_last = True

    def _hold(self, status: int, head: Head) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self.expected_content_length = head.content_length
        self.held = encoded(status, head, self.default_headers, not self.is_last)

    async def _send_held(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head, self.held = self.held or b"", None
        body = message.get("body", b"")
        if message.get("more_body", False) or len(body) != self.expected_content_length:
            raise RuntimeError("a prepared head has one body, of the length that it says")
        if self.scope["method"] == "HEAD":
            self.transport.write(head)
        elif len(body) <= JOINED_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self.response_complete = True
        self.message_event.set()
        self.on_response()


class NobodyWaits:
    """In the place of a cycle's event, where no task waits for the body."""

    @staticmethod
    def set() -> None: ...


class AnsweredCycle:
    """What uvicorn's protocol sees in place of a request that was answered with its head: all is
    done, and what comes of its body is nobody's."""

    response_complete: ClassVar[bool] = True
    message_event: ClassVar[type[NobodyWaits]] = NobodyWaits


ANSWERED = cast(RequestResponseCycle, AnsweredCycle())


class WaitingCycle:
    """What it sees in place of a request whose answer is made when an event is durable.

    answer: makes it. answered: called when it is written. What comes of the body is nobody's.
    """

    __slots__ = (
        "_answer",
        "_answered",
        "_defaults",
        "_head_only",
        "_outbox",
        "_transport",
        "body",
        "disconnected",
        "is_last",
        "more_body",
        "response_complete",
        "response_started",
    )
    message_event: ClassVar[type[NobodyWaits]] = NobodyWaits

    def __init__(  # noqa: PLR0913 - what an answer is written with
        self,
        outbox: Outbox,
        transport: asyncio.Transport,
        defaults: list[tuple[bytes, bytes]],
        answer: Callable[[Told], Prompt],
        answered: Callable[[], None],
        is_last: bool,
        head_only: bool,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._defaults = defaults
        self._answer = answer
        self._answered = answered
        self._head_only = head_only
        self.is_last = is_last
        self.disconnected = False
        self.response_started = self.response_complete = False
        self.body = b""
        self.more_body = True

    def told(self, told: Told) -> None:
        prompt = self._answer(told)
        if self.disconnected:
            return
        head = encoded(prompt.status, prompt.head, self._defaults, not self.is_last)
        # Those who wait for one batch are told one after another, so that these leave together.
        self._outbox.empty()
        self._transport.write(head if self._head_only else head + prompt.body)
        self.response_started = self.response_complete = True
        self._answered()

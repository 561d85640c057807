"""One request and its answer, whose head and body leave in one write.

Stock uvicorn writes them one by one; the system call is about half of what a small answer
costs. A head that is a `Head` is already encoded and checked, and goes out as it is.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from adserver.serving.http import Head


class Defaults:
    """The headers of every answer (the date), encoded."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._encoded = b""

    def encoded(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        # uvicorn makes a new list once a second.
        if self._headers is not headers:
            self._headers = headers
            self._encoded = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._encoded


DEFAULTS = Defaults()


def encoded(
    status: int, head: Head, defaults: list[tuple[bytes, bytes]], keep_alive: bool
) -> bytes:
    """All that goes over the wire before the body."""
    return b"%b%b%b%b\r\n" % (
        STATUS_LINE[status],
        DEFAULTS.encoded(defaults),
        head.encoded,
        b"" if keep_alive else b"connection: close\r\n",
    )


# A longer body is not copied to be joined with its head, so that all who read one picture slowly
# wait for the same bytes. Both leave in one write all the same.
JOINED_BYTES = 16_384


class JoiningCycle(RequestResponseCycle):
    """Holds a prepared head back until its body comes; anything else goes the stock way."""

    held: bytes | None = None
    # Its head says that the connection ends. The connection sees to that, and lingers: closing it
    # with requests that nobody has read would reset it, and take the answer with it.
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
            await super().send(message)

    def _hold(self, status: int, head: Head) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self.expected_content_length = head.content_length
        keeps = self.keep_alive and not self.is_last
        self.held = encoded(status, head, self.default_headers, keeps)

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
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class AnsweredCycle:
    """What uvicorn's protocol sees in place of a request that was answered with its head: all is
    done, and what comes of its body is nobody's."""

    response_complete: ClassVar[bool] = True

    class message_event:  # noqa: N801 - as in a cycle
        @staticmethod
        def set() -> None:
            """Nobody waits."""


ANSWERED = cast(RequestResponseCycle, AnsweredCycle())

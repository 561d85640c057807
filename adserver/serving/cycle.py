"""One request and its answer, whose head and body leave in one write.

Stock uvicorn writes them one by one; the system call is about half of what a small answer
costs. A head that is a `Head` is already encoded and checked, and goes out as it is.
"""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from adserver.serving.http import Head


class JoiningCycle(RequestResponseCycle):
    """Holds a prepared head back until its body comes; anything else goes the stock way."""

    held: bytes | None = None
    # uvicorn makes a new list of default headers (the date) once a second.
    defaults: ClassVar[list[tuple[bytes, bytes]]] = []
    encoded_defaults: ClassVar[bytes] = b""

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
        self.held = b"%b%b%b%b\r\n" % (
            STATUS_LINE[status],
            self._encoded_defaults(),
            head.encoded,
            b"" if self.keep_alive else b"connection: close\r\n",
        )

    def _encoded_defaults(self) -> bytes:
        if JoiningCycle.defaults is not self.default_headers:
            JoiningCycle.defaults = self.default_headers
            JoiningCycle.encoded_defaults = b"".join(
                b"%b: %b\r\n" % header for header in self.default_headers
            )
        return JoiningCycle.encoded_defaults

    async def _send_held(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head, self.held = self.held or b"", None
        body = message.get("body", b"")
        if message.get("more_body", False) or len(body) != self.expected_content_length:
            raise RuntimeError("a prepared head has one body, of the length that it says")
        self.transport.write(head if self.scope["method"] == "HEAD" else head + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

"""One connection: what it waits for, how it is refused, and how it ends.

A refusal is answered behind the answers that are still owed, and ends the connection. Deadlines
and their number are kept by the `Edge` of all connections.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adserver.serving.edge import Edge, Wait
from adserver.serving.refusals import ANSWERS, Refusal

# Longer than a request takes from a reader to us; a proxy's next one comes sooner.
LAST_REQUEST_SECONDS = 1.0
# What of a request is being read.
NOTHING, HEAD, BODY = range(3)


class Deaf:
    """In the parser's place where nothing more is read."""

    def feed_data(self, data: bytes) -> None: ...


DEAF: Final = Deaf()


class Connection(HttpToolsProtocol):
    # Ours are None, or something else, where uvicorn's are not.
    parser: Any
    cycle: Any

    leaving = False
    # Whether the last of the requests that have come would keep the connection, if we stayed.
    last_keeps = False
    # The cycle whose answer is owed next; `cycle` is the one that came last.
    answering: Any = None
    # Read, and not parsed: it waits for its turn.
    unparsed: bytearray
    # Nothing more comes of the client, which still listens.
    said_all = False
    # Has its last answer; until it is closed, what comes is thrown away.
    ending = False
    # It ends for a newcomer behind the answers that it is owed.
    making_way = False
    # To be answered when it is its turn.
    refusal: Refusal | None = None
    # Requests begun on this connection: the number of the one that is read.
    begun = 0
    reading = NOTHING
    # What has come of it waits in the backlog, until there is time to parse it.
    aside = False
    # What the sweep saw last: what is waited for, of which request.
    wait = Wait.FIRST
    awaited = 0

    def __init__(self, *arguments: Any, edge: Edge, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.edge = edge
        self.limits = edge.limits
        self.since = self.loop.time()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.edge.opened(self)
        if self.edge.leaving:
            self.shutdown()  # it had waited in the kernel

    def connection_lost(self, exc: Exception | None) -> None:
        self.edge.closed(self)
        # Others may have come behind the one that is being answered.
        if self.answering is not None and not self.answering.response_complete:
            self.answering.disconnected = True
            self.answering.message_event.set()
        super().connection_lost(exc)
        self.parser = DEAF

    def eof_received(self) -> bool:  # type: ignore[override] # what the transport asks for
        """Who has asked and says no more may still listen: a script that pipes its request. It is
        answered all that it has asked for; a request whose body ends early is not."""
        self.edge.outbox.empty()
        if self.ending:
            return False
        if self.reading == BODY and not self.unparsed:
            if not self.pipeline:
                return False
            self.pipeline.popleft()
            self.reading = NOTHING
        self.said_all = self.owes()
        if self.said_all and not self.unparsed and not self.cycle.response_complete:
            self.cycle.is_last = True  # and its answer says so
        return self.said_all

    def owes(self) -> bool:
        """Whether there are requests, read or parsed, that have not been answered."""
        answering = self.answering is not None and not self.answering.response_complete
        return bool(answering or self.pipeline or self.unparsed)

    def end_if_all_is_said(self) -> None:
        """Nothing more comes, and all that has come is answered."""
        if self.said_all and not self.owes():
            self.edge.outbox.empty()
            self.transport.close()

    def drop(self) -> None:
        """Now, with whatever has not been sent yet."""
        self.edge.outbox.empty()
        self.edge.closed(self)
        self.parser = DEAF
        self.transport.abort()

    def shutdown(self) -> None:
        """The worker leaves. A request that is already on its way to us is still answered, and
        the answer says that the connection ends; stock uvicorn closes idle ones at once."""
        if self.leaving:
            return
        self.leaving = True
        if self._idle():
            self.loop.call_later(LAST_REQUEST_SECONDS, self._leave)
        else:
            self.last_keeps, self.cycle.is_last = not self.cycle.is_last, True

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _leave(self) -> None:
        """Nothing has come in that second. Who has begun to send has until his deadline."""
        if self.aside:
            self.loop.call_later(LAST_REQUEST_SECONDS, self._leave)
        elif self.reading == NOTHING and self._idle():
            self.edge.outbox.empty()
            self.transport.close()

    def ends_behind(self, before: Any, keeps: bool) -> None:
        """While leaving, another request has come. It ends the connection, and the one before it
        no longer does, unless its answer has begun: all that have come are answered."""
        if before is not None and self.last_keeps and not before.response_started:
            before.is_last = False
        self.last_keeps = keeps

    def make_way(self) -> bool:
        """End behind the answers to what has been read, and read no further: who is never without
        a request would stay for ever. Whether it can; not in the midst of a body."""
        if self.reading == BODY or self.leaving or self.ending or self.making_way or self.refusal:
            return False
        self.parser, self.reading, self.making_way = DEAF, NOTHING, True
        if self._idle():
            self._end(b"")
        else:
            self.cycle.is_last = True
        return True

    def wait_now(self) -> tuple[Wait, int]:
        """What of the client this waits for, and of which request, or part of an answer."""
        if unread := self.transport.get_write_buffer_size():
            return Wait.READING, unread // self.limits.reading_bytes
        if self.ending:
            return Wait.END, 0
        if self.aside:
            return Wait.NOTHING, self.begun
        if self.reading:
            return Wait.HEAD if self.reading == HEAD else Wait.BODY, self.begun
        if self.cycle is None:
            return Wait.FIRST, 0
        return Wait.NEXT if self.cycle.response_complete else Wait.NOTHING, self.begun

    def too_late(self, wait: Wait) -> None:
        if wait is Wait.HEAD:
            self.refuse(Refusal.HEAD_TIMEOUT, linger=False)
        elif wait is Wait.BODY:
            self.refuse(Refusal.BODY_TIMEOUT, linger=False)
        else:
            if wait is Wait.FIRST:
                self.edge.count(Refusal.SILENT)
            elif wait is Wait.READING:
                self.edge.count(Refusal.WRITE_TIMEOUT)
            self.drop()

    def refuse(self, refusal: Refusal, *, linger: bool = True) -> None:
        """Read no further; say why when all requests before have been answered, and close.

        linger: the client is still sending, and would not hear it otherwise.
        """
        if self.ending:
            return  # it came in one read with the last request
        self.edge.count(refusal)
        self.parser = DEAF
        body, self.reading = self.reading == BODY, NOTHING
        cycle = self.cycle
        if body and self.pipeline:
            self.pipeline.popleft()
            self.refusal = refusal
        elif cycle is None or (cycle.response_complete and not body):
            self._end(ANSWERS[refusal], linger)
        elif not body:
            self.refusal = refusal
        elif cycle.response_complete:
            self._end(b"", linger)
        elif cycle.response_started:
            cycle.is_last = True
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._end(ANSWERS[refusal], linger)

    def _end(self, answer: bytes, linger: bool = True) -> None:
        """Behind its last answer, in stages (RFC 9112, 9.6): closing it with bytes that nobody has
        read, or that are on their way, would reset it, and take the answer with it."""
        self.edge.outbox.empty()
        if self.transport.is_closing():
            return
        self.ending, self.parser, self.reading = True, DEAF, NOTHING
        self.pipeline.clear()
        self.unparsed.clear()
        if answer:
            self.transport.write(answer)
        if linger and not self.said_all and self.transport.can_write_eof():
            self.flow.resume_reading()
            self.transport.write_eof()
        else:
            self.transport.close()

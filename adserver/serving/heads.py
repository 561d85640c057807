"""Header lines that were read before, and are not parsed again.

Readers with one browser and one language send the very same header lines: of a page on another
site a browser names the site alone (Referrer Policy: `strict-origin-when-cross-origin` is the
default). Parsing them costs as much as a decision. So of a request that is whole in one read, and
whose lines are byte for byte those of one that the parser has read and that was accepted, the
request line alone is looked at. Whatever is new, or has a body, goes to the parser.

Behind a proxy that adds the reader's address the lines come again with a reader's next request.
"""

from __future__ import annotations

import re
from typing import Final

from adserver.serving.headers import Headers, Said, said_in
from adserver.serving.http import Header, Scope

# Of origin-form alone (RFC 9112, 3.2.1), of what RFC 3986 lets a path and a query have.
REQUEST_LINE: Final = re.compile(rb"(GET|POST|HEAD) (/[\w\-.~%!$&'()*+,;=:@/?]*) HTTP/1\.1\r\n")
HEAD_END: Final = b"\r\n\r\n"
# Those of 1,024 kinds of readers are some 4 MiB.
MAX_KNOWN = 1_024
MAX_BYTES = 1_024


class KnownHeaders(list[Header]):
    """named: the same by name. said: what a context is read from, as `said_in` has it.

    All requests with these lines share it: nobody changes it.
    """

    __slots__ = ("named", "said")

    def __init__(self, headers: list[Header]) -> None:
        super().__init__(headers)
        self.named: Headers = dict(headers)
        self.said = said_in(self.named)


def named(scope: Scope) -> Headers:
    """A request's headers by name, for whoever only reads them."""
    headers = scope["headers"]
    return headers.named if type(headers) is KnownHeaders else dict(headers)


def said(scope: Scope) -> Said:
    """What a request's context is read from, besides the query."""
    headers = scope["headers"]
    return headers.said if type(headers) is KnownHeaders else said_in(dict(headers))


class Heads:
    """One worker's."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHeaders] = {}

    def read(self, data: bytes) -> tuple[bytes, bytes, KnownHeaders] | None:
        """Method, target and headers of a request that is all of `data`; None where it is for the
        parser."""
        line = REQUEST_LINE.match(data)
        if line is None:
            return None
        found = self._known.get(data[line.end() :])
        return None if found is None else (line[1], line[2], found)

    def remember(self, data: bytes, headers: list[Header]) -> None:
        """Of a request that keeps its connection, as the parser has read it; `data` is the read in
        which it came, all of it and no other."""
        line = REQUEST_LINE.match(data)
        if line is None:
            return
        lines = data[line.end() :]
        # It has no body, as its lines end where it ends.
        if len(lines) <= MAX_BYTES and lines.find(HEAD_END) == len(lines) - len(HEAD_END):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[lines] = KnownHeaders(headers)

"""Header lines that were read before, and are not parsed again.

Readers with one browser and one language send the very same header lines: of a page on another
site a browser names the site alone (Referrer Policy: `strict-origin-when-cross-origin` is the
default), and a page asks for several things in the same way. Parsing them takes as long as a
decision. So of a request that is whole in one read, and whose lines are byte for byte those of one
that the parser has read and that was accepted, the request line alone is looked at, and where a
proxy names the reader, that address, which may be another. Whatever is new, or has a body, goes to
the parser.
"""

from __future__ import annotations

import re
from typing import Final

from adserver.serving.headers import Headers, Said, said_in
from adserver.serving.http import Header, Scope
from adserver.serving.peers import FORWARDED_FOR

# Of origin-form alone (RFC 9112, 3.2.1), of what RFC 3986 lets a path and a query have.
REQUEST_LINE: Final = re.compile(rb"(GET|POST|HEAD) (/[\w\-.~%!$&'()*+,;=:@/?]*) HTTP/1\.1(?=\r\n)")
# As most proxies write it, a line of addresses and nothing else.
FORWARDED: Final = b"\r\nX-Forwarded-For: "
ADDRESSES: Final = re.compile(rb"[0-9A-Fa-f.:](?:[0-9A-Fa-f.:, ]*[0-9A-Fa-f.:])?(?=\r\n)")
HEAD_END: Final = b"\r\n\r\n"
# What is compared: all lines, or those before and behind the addresses that may differ.
Lines = bytes | tuple[bytes, bytes]
# Method, target, lines, and the addresses that are not among them; None where no line is of any.
Asked = tuple[bytes, bytes, Lines, bytes | None]
# Those of 1,024 kinds of readers are some 4 MiB.
MAX_KNOWN = 1_024
MAX_SEEN = 8_192
MAX_BYTES = 1_024


class KnownHeaders(list[Header]):
    """named: the same by name. said: what a context is read from, as `said_in` has it.

    Requests with the same lines share it: nobody changes it.
    """

    __slots__ = ("_forwarded", "named", "said")

    def __init__(self, headers: list[Header]) -> None:
        super().__init__(headers)
        self.named: Headers = dict(headers)
        self.said = said_in(self.named)
        names = [name for name, _ in headers]
        # Where the address stands, of which only one line is left out of what is compared.
        self._forwarded = names.index(FORWARDED_FOR) if names.count(FORWARDED_FOR) == 1 else -1

    def of(self, addresses: bytes) -> KnownHeaders | None:
        """The same, forwarded for another reader."""
        at = self._forwarded
        if at < 0:
            return None
        made = KnownHeaders.__new__(KnownHeaders)
        made += self
        made[at] = (FORWARDED_FOR, addresses)
        made.named = {**self.named, FORWARDED_FOR: addresses}
        made.said, made._forwarded = self.said, at
        return made


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

    __slots__ = ("_known", "_seen")

    def __init__(self) -> None:
        self._known: dict[Lines, KnownHeaders] = {}
        # Of lines that came once, their hashes: where no head is like another, none is kept.
        self._seen: set[int] = set()

    def known(self, asked: Asked) -> KnownHeaders | None:
        """The headers of a request that is all of a read; None where it is for the parser."""
        found = self._known.get(asked[2])
        if found is not None and asked[3] is not None:
            return found.of(asked[3])
        return found

    def remember(self, asked: Asked, headers: list[Header]) -> None:
        """Of a request that keeps its connection, as the parser has read it, the second time."""
        lines = asked[2]
        number = hash(lines)
        if number not in self._seen:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen.add(number)
            return
        whole = lines if isinstance(lines, bytes) else b"".join(lines)
        # It has no body, and nothing was read with it, as its lines end where the read ends.
        if len(whole) <= MAX_BYTES and whole.find(HEAD_END) == len(whole) - len(HEAD_END):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[lines] = KnownHeaders(headers)


def asked_in(data: bytes) -> Asked | None:
    """What a read asks for, if it may be one whole request of a usual kind."""
    line = REQUEST_LINE.match(data)
    if line is None:
        return None
    lines = data[line.end() :]
    at = lines.find(FORWARDED)
    if at >= 0:
        begin = at + len(FORWARDED)
        addresses = ADDRESSES.match(lines, begin)
        if addresses is not None:
            others = (lines[:begin], lines[addresses.end() :])
            return line[1], line[2], others, addresses[0]
    return line[1], line[2], lines, None

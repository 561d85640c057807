"""Where a request ends and for whom it is: whatever two servers could read in two ways is refused.

llhttp is strict about line ends, spaces and lengths. Here is what it leaves open, after RFC 9112
and RFC 9110.
"""

from __future__ import annotations

from typing import NamedTuple

import httptools

from adserver.serving.hosts import Hosts
from adserver.serving.refusals import Refusal, Refused

HOST = b"host"
TRANSFER_ENCODING = b"transfer-encoding"
# Headers that decide how a request is read, or whether it is.
WATCHED = frozenset({HOST, b"content-length", TRANSFER_ENCODING, b"content-encoding", b"expect"})
Watched = list[tuple[bytes, bytes]]
# A request line without its method and target, and the empty line.
LINE_BYTES = len(b"  HTTP/1.1\r\n\r\n")
FIELD_BYTES = len(b": \r\n")


class Framing(NamedTuple):
    """expects_100: the client waits to hear that its body is wanted."""

    body: bool
    chunked: bool
    expects_100: bool


def framing_of(watched: Watched, version: str, hosts: Hosts, most_bytes: int) -> Framing:
    """Of a request with these headers, all in lower case, in their order; raises `Refused`."""
    check_host([value for name, value in watched if name == HOST], version, hosts)
    said = dict(watched)
    length = int(said.get(b"content-length", 0))
    if length > most_bytes:
        raise Refused(Refusal.BODY_TOO_LARGE)
    codings = [value.strip().lower() for name, value in watched if name == TRANSFER_ENCODING]
    # Codings within chunks are not read, and HTTP/1.0 has no chunks (RFC 9112, 6.1).
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise Refused(Refusal.MALFORMED)
    body = length > 0 or bool(codings)
    if body and said.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Refused(Refusal.BODY_ENCODED)
    expects = body and version == "1.1" and said.get(b"expect", b"").lower() == b"100-continue"
    return Framing(body, bool(codings), expects)


def check_host(said: list[bytes], version: str, hosts: Hosts) -> None:
    """Exactly one; HTTP/1.0 may have none, where any host will do."""
    if len(said) > 1 or (not said and version != "1.0"):
        raise Refused(Refusal.HOST)
    if refusal := hosts.refusal(said[0] if said else b""):
        raise Refused(refusal)


def check_target(method: bytes, target: bytes, hosts: Hosts) -> None:
    """Of a target that is no path. The whole address is for proxies, and taken for the path in
    it, if its host is one of ours (RFC 9112, 3.2.2)."""
    if method == b"CONNECT":
        raise Refused(Refusal.METHOD)
    if target == b"*" and method == b"OPTIONS":
        return
    parsed = httptools.parse_url(target)
    if parsed.schema is None or parsed.schema.lower() not in {b"http", b"https"} or parsed.userinfo:
        raise Refused(Refusal.MALFORMED)
    host = parsed.host or b""
    if refusal := hosts.refusal(b"[%b]" % host if b":" in host else host):
        raise Refused(refusal)


def head_bytes(method: bytes, target: bytes, headers: Watched) -> int:
    """What the head has taken on its way, but for spaces around values."""
    fields = sum(len(name) + len(value) + FIELD_BYTES for name, value in headers)
    return len(method) + len(target) + LINE_BYTES + fields

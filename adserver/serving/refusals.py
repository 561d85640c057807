"""Why a connection is refused or ended before its time: one closed list, and what is answered.

Each reason is a label of `adserver_http_refused_total` and a line in docs/http.md. Answers have no
body: some server may paste it into a page. What is wrong, and what to do, is in a header.
"""

from __future__ import annotations

from enum import StrEnum

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from adserver.serving.http import CORS, NO_STORE, Head

REFUSED = b"x-ad-refused"


class Refusal(StrEnum):
    MALFORMED = "malformed"
    VERSION = "version"
    METHOD = "method"
    HOST = "host"
    MISDIRECTED = "misdirected"
    HEAD_TOO_LARGE = "head_too_large"
    BODY_TOO_LARGE = "body_too_large"
    BODY_ENCODED = "body_encoded"
    PIPELINED = "pipelined"
    HEAD_TIMEOUT = "head_timeout"
    BODY_TIMEOUT = "body_timeout"
    # Closed without an answer, as nothing was asked, or nobody reads it.
    SILENT = "silent"
    WRITE_TIMEOUT = "write_timeout"
    CROWDED_OUT = "crowded_out"
    FULL = "full"


class Refused(Exception):
    """Raised in the midst of parsing; httptools keeps it as the context of its own error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


# Status, what is wrong, and what to do.
ANSWERED: dict[Refusal, tuple[int, str, str]] = {
    Refusal.MALFORMED: (
        400,
        "this is not HTTP/1.1 as RFC 9112 writes it",
        "look at line ends, spaces, lengths and characters of the request",
    ),
    Refusal.VERSION: (400, "this version of HTTP is not spoken here", "use HTTP/1.1 or HTTP/1.0"),
    Refusal.METHOD: (405, "there is no tunnel here", "use GET, HEAD, POST or OPTIONS"),
    Refusal.HOST: (
        400,
        "a request names its host exactly once",
        "send one Host header with a name and, if need be, a port",
    ),
    Refusal.MISDIRECTED: (
        421,
        "this server does not answer to that host",
        "ask for one of its own names; its operator sets them in ADSERVER_ALLOWED_HOSTS",
    ),
    Refusal.HEAD_TOO_LARGE: (
        431,
        "the request's head is too large",
        "send at most 16 KiB of request line and headers, and 100 headers",
    ),
    Refusal.BODY_TOO_LARGE: (413, "the request's body is too large", "send at most 64 KiB"),
    Refusal.BODY_ENCODED: (
        415,
        "encoded bodies are not read",
        "send the body as it is, without Content-Encoding",
    ),
    Refusal.PIPELINED: (
        429,
        "too many requests were sent before their turn",
        "wait for answers, or use more connections",
    ),
    Refusal.HEAD_TIMEOUT: (408, "the request's head took too long", "send it again, at once"),
    Refusal.BODY_TIMEOUT: (408, "the request's body took too long", "send it again, at once"),
}
MORE_HEADERS = {
    Refusal.METHOD: ((b"allow", b"GET, HEAD, OPTIONS, POST"),),
    Refusal.BODY_ENCODED: ((b"accept-encoding", b"identity"),),
}


def encoded(refusal: Refusal) -> bytes:
    """The whole answer as it goes over the wire, but for the date. It is the connection's last."""
    status, error, hint = ANSWERED[refusal]
    why = f'{refusal}; error="{error}"; hint="{hint}"'.encode("ascii")
    more = MORE_HEADERS.get(refusal, ())
    head = Head([*CORS, NO_STORE, (REFUSED, why), *more, (b"connection", b"close")], 0)
    return STATUS_LINE[status] + head.encoded + b"\r\n"


ANSWERS = {refusal: encoded(refusal) for refusal in ANSWERED}

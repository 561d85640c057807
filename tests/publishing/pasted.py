"""Where snippets are tried: an ad server that a test tells what to answer, and what is expected."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adserver.publishing.snippet import FORWARDED, Addresses, snippet
from tests.factories import slot

SLOT = slot("post-top", title='Above the "article" & more')
PUBLIC = Addresses("https://ads.example/x", "https://ads.example/x")
IMPRESSION = "/i/ticket?a=1&b=2"
AD = '<aside data-slot="post-top" data-campaign="a">Café</aside>'
BEACON = '<img src="/i/ticket?a=1&amp;b=2" width="1" height="1" alt="" hidden>'  # as HTML writes it
RESERVED = '<div data-slot="post-top"></div>'
FILLED = {"slot": "post-top", "filled": True, "html": AD, "impression_url": IMPRESSION}
READER = {
    "User-Agent": "Firefox/140",
    "Accept-Language": "fr-CA",
    "Sec-GPC": "1",
    "DNT": "1",
    "Cookie": "session=secret",
}


@dataclass
class AdServer:
    """Answers every call alike and keeps what it was asked.

    address: where it is reached; gate: no answer until it is open.
    """

    body: bytes = b""
    status: int = 200
    gate: threading.Event = field(default_factory=threading.Event)
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    address: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.calls.append((handler.path, headers, handler.rfile.read(length)))
        self.gate.wait(30)
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)

    @property
    def asked(self) -> dict[str, Any]:
        """The one call's body."""
        ((_, _, body),) = self.calls
        return json.loads(body)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[AdServer]:
    told = AdServer()
    told.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the page did not wait for us, as promised
                super().handle()

    http = ThreadingHTTPServer(("127.0.0.1" if tls is None else "", 0), Handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    told.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield told
    told.gate.set()
    http.shutdown()
    thread.join()
    http.server_close()


def decides(server: AdServer, *decisions: dict[str, Any]) -> None:
    server.body = json.dumps({"generation": 1, "decisions": decisions}).encode()


def filled(server: AdServer) -> None:
    decides(server, FILLED)


def empty(server: AdServer) -> None:
    decides(server, {"slot": "post-top", "filled": False, "on_empty": "reserve"})


def collapsed(server: AdServer) -> None:
    decides(server, {"slot": "post-top", "filled": False, "on_empty": "collapse"})


def failing(server: AdServer) -> None:
    server.status = 503


def babbling(server: AdServer) -> None:
    server.body = b'["not", "what", "you", "think"]'


def silent(server: AdServer) -> None:
    server.gate.clear()


Behaviour = Callable[[AdServer], None]
BEHAVIOURS = [
    (filled, AD + BEACON),
    (empty, RESERVED),
    (collapsed, ""),
    (failing, RESERVED),
    (babbling, RESERVED),
    (silent, RESERVED),
]
in_each_case = pytest.mark.parametrize(("behaviour", "expected"), BEHAVIOURS)


def written(target: str, server: AdServer) -> str:
    return snippet(target, SLOT, Addresses("", server.address))


def forwarded_headers_of(server: AdServer) -> dict[str, str]:
    """What was sent on of the reader's request, and the cookie, which must not be."""
    ((_, headers, _),) = server.calls
    names = {name.lower() for name in FORWARDED} | {"cookie"}
    return {name: value for name, value in headers.items() if name in names and value}


EXPECTED_HEADERS = {
    "user-agent": "Firefox/140",
    "accept-language": "fr-CA",
    "sec-gpc": "1",
    "dnt": "1",
}

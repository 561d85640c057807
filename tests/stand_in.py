"""Two small HTTP servers: a blog, and an ad server that a test tells what to answer.

The second stands in for ours only where a test has to force what ours does not do on demand:
a late answer, a broken image, forty slots. Everything it receives is kept in `calls`.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TAG = Path(__file__).parents[1] / "adserver" / "serving" / "static" / "tag.js"
Decision = dict[str, Any]


@dataclass
class Answer:
    """What a server answers; not before `gate` is opened, where there is one."""

    body: bytes
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    def listed(self, key: str) -> list[str]:
        """The values of a query key, repeated or separated by commas."""
        return [part for value in self.query.get(key, []) for part in value.split(",")]


class Server:
    """Answers `pages[path]`, a value or a function of the call; 404 elsewhere."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | Callable[[Call], Answer]] = {}
        self.calls: list[Call] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        page = self.pages.get(call.path, Answer(b"", status=404))
        return page(call) if callable(page) else page

    def called(self, start: str) -> list[Call]:
        return [call for call in self.calls if call.path.startswith(start)]

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, parts.path, parse_qs(parts.query), headers)
            answer = server.answer(call)
            if answer.gate is not None:
                answer.gate.wait(30)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def png(width: int, height: int) -> bytes:
    """A grey image."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    rows = (b"\0" + b"\x99" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


class AdServer(Server):
    """Decides what `decide` says for each slot; a stand-in for `/decisions` and its events."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self.prefix = prefix
        self.base = self.origin + prefix
        self.decide: Callable[[str], Decision] = image
        self.gate: threading.Event | None = None
        self.pages = {
            f"{prefix}/tag.js": Answer(TAG.read_bytes(), "text/javascript; charset=utf-8"),
            f"{prefix}/decisions": self.decisions,
            f"{prefix}/assets/ad.png": Answer(png(300, 250), "image/png"),
            f"{prefix}/h/rich": Answer(b"<!doctype html><title>Ad</title><p>Rich</p>"),
        }

    def decisions(self, call: Call) -> Answer:
        made = [self.decide(slot) for slot in call.listed("slots")]
        body = json.dumps({"generation": 1, "decisions": made}).encode()
        return Answer(body, "application/json", gate=self.gate)

    def beacons(self, kind: str) -> list[str]:
        """The tickets of the events of a kind: `i` or `v`."""
        return [call.path.rpartition("/")[2] for call in self.called(f"{self.prefix}/{kind}/")]


def filled(slot: str, kind: str, creative: str, campaign: str = "coffee") -> Decision:
    """A fill with root-relative addresses, as a server without a public address emits them."""
    html = (
        f'<aside data-slot="{slot}" data-campaign="{campaign}" data-creative="c1" class="adserver"'
        f' role="complementary" aria-label="Advertisement: {slot}">'
        f'<details class="adserver-about"><summary>Advertisement</summary></details>{creative}'
        "</aside>"
    )
    return {
        "slot": slot,
        "filled": True,
        "campaign": campaign,
        "creative": "c1",
        "kind": kind,
        "html": html,
        "impression_url": f"/i/{slot}",
        "viewable_url": f"/v/{slot}",
        "click_url": f"/c/{slot}",
    }


def image(slot: str, address: str = "/assets/ad.png") -> Decision:
    return filled(
        slot,
        "image",
        f'<a href="/c/{slot}" rel="sponsored nofollow noopener" target="_blank"><picture>'
        f'<source media="(min-width: 1px)" srcset="{address}, {address} 2x">'
        f'<img src="{address}" alt="Coffee" width="300" height="250"></picture></a>',
    )


def text(slot: str, campaign: str = "coffee") -> Decision:
    return filled(slot, "text", f'<a href="/c/{slot}"><span>Coffee</span></a>', campaign)


def html(slot: str) -> Decision:
    return filled(slot, "html", '<iframe src="/h/rich" title="Ad" width="300" height="250">')


def empty(slot: str, on_empty: str = "reserve") -> Decision:
    return {"slot": slot, "filled": False, "reason": "no_campaign", "on_empty": on_empty}

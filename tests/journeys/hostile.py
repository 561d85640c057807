"""A publisher's page with hostile creatives on it, and what became of the page.

The creatives are handed to the real handlers as if they had passed every check of files.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.types import ASGIApp

from adserver.core.assets import SVG, Asset, digest_of
from adserver.core.catalog import Creative, Html, Size
from adserver.core.ticket import FLAG_CONSENT, Ticket
from adserver.serving.app import PublicApp
from adserver.serving.http import HTML, Header, Message, Receive, Scope, Send, answer
from tests.factories import NOW, campaign, catalog, generation, text_creative
from tests.servers import until
from tests.serving.memory import WRITER, MemoryWorker
from tests.stand_in import Server

PREFIX = "/ads"
SECRET = "the publisher's secret"
BEFORE, OWNED = "/before", "/owned"
SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox"
# What a page of the publisher keeps in its reader's browser; the frames come when it is there.
KEEP = f"""
  window.told = {{}};
  addEventListener('message', ({{data}}) => {{ told[data.attack] = data.got; }});
  const secret = {json.dumps(SECRET)};
  document.cookie = 'secret=' + encodeURIComponent(secret) + '; path=/';
  localStorage.setItem('secret', secret);
  sessionStorage.setItem('secret', secret);
  const kept = new Promise((done) => {{ indexedDB.open(secret).onsuccess = done; }});
  Promise.all([kept, caches.open(secret)]).then(() => {{
    for (const one of document.querySelectorAll('[data-src]')) one.src = one.dataset.src;
  }});
"""
POPUP = f"""<!doctype html><script>
  try {{ opener.top.location = '{OWNED}-by-popup'; }} catch (error) {{}}
  try {{ opener.parent.document.title = 'owned'; }} catch (error) {{}}
  document.title = 'tried';
</script>"""
# No check of files would let it through.
SCRIPTED = b"""<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="owned = 1">
<style>rect { fill: red }</style><script>owned = 1; fetch('/owned-by-svg')</script>
<foreignObject width="9" height="9">
<iframe xmlns="http://www.w3.org/1999/xhtml" src="/owned-by-svg"/></foreignObject>
<image href="/owned-by-svg" width="9" height="9"/><rect width="9" height="9"/></svg>"""
REPORT = """<!doctype html><html><head>%s</head><body><script>
(async () => {
  let got;
  try { got = await (async () => %s)(); } catch (error) { got = 'refused: ' + error.name; }
  if (parent !== self) parent.postMessage({attack: %s, got: String(got)}, '*');
})();
</script></body></html>"""


@dataclass
class Seen:
    """What came of a page: where it is, what was told, asked for, downloaded and said."""

    page: Page
    calls: list[str]
    dialogs: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    @property
    def told(self) -> dict[str, str]:
        told: dict[str, str] = self.page.evaluate("window.told || {}")
        return told

    def was_told(self, name: str) -> str:
        return self.told.get(name, "")

    def cookies(self) -> set[str]:
        return {cookie.get("name", "") for cookie in self.page.context.cookies()}


@dataclass(frozen=True)
class Attack:
    """code: an expression or a block of JavaScript; what it gives is told to the page.
    broke: whether it got out. leaves: the page is gone when it has. body: instead of all that."""

    name: str
    code: str
    broke: Callable[[Seen], bool]
    head: str = ""
    leaves: bool = False
    body: str = ""
    loads_from: tuple[str, ...] = ()

    @property
    def document(self) -> bytes:
        if self.body:
            return self.body.encode()
        return (REPORT % (self.head, self.code, json.dumps(self.name))).encode()


def told(name: str, text: str = SECRET) -> Callable[[Seen], bool]:
    return lambda seen: text in seen.was_told(name)


def asked(path: str) -> Callable[[Seen], bool]:
    return lambda seen: path in seen.calls


class Publisher:
    """A site that has the ad server under a path of its own; `plain` are attacks as its own pages,
    without a lock."""

    def __init__(self, folder: Path, attacks: list[Attack]) -> None:
        self.calls: list[str] = []
        self.pages: dict[str, str] = {}
        self.attacks = attacks
        memory = MemoryWorker(folder / "journal")
        creatives: list[Creative] = []
        for attack in attacks:
            digest = digest_of(attack.document)
            memory.store.assets[digest] = Asset(attack.document, "text/html")
            html = Html(digest, "a.html", Size(300, 50), attack.loads_from)
            creatives.append(text_creative(attack.name.replace("_", "-"), text=None, html=html))
        memory.store.assets[digest_of(SCRIPTED)] = Asset(SCRIPTED, SVG)
        self.drawing = f"{PREFIX}/assets/{digest_of(SCRIPTED)}/drawing.svg"
        memory.store.publish(generation(catalog(campaign(creatives=tuple(creatives)))))
        asyncio.run(memory.state.live.refresh(NOW))
        self.state = memory.state
        self.clicks: list[tuple[int, str]] = []
        self.app = self.watched(PublicApp(memory.state, PREFIX, lambda _: self.page))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def watched(self, app: ASGIApp) -> ASGIApp:
        """Notes what clicks are answered: status, and what became of them."""

        async def watching(scope: Scope, receive: Receive, send: Send) -> None:
            async def noting(message: Message) -> None:
                said = dict(message.get("headers", ())).get(b"x-ad-event")
                if "/c/" in scope["path"] and said:
                    self.clicks.append((message["status"], said.decode()))
                await send(message)

            await app(scope, receive, noting)

        return watching

    def address(self, attack: Attack, flags: int = 0) -> str:
        """Of its document, with a ticket."""
        number = self.attacks.index(attack) + 1
        ticket = Ticket(WRITER, number, number, 1, 1, int(NOW), 0, 1, 1, flags)
        return f"{self.origin}{PREFIX}/h/{self.state.sealer.seal(ticket).decode()}"

    def page_with(self, sources: list[str], sandbox: str) -> str:
        frames = "".join(f'<iframe data-src="{one}" {sandbox}></iframe>' for one in sources)
        return (
            f"<!doctype html><title>Blog</title><iframe name=private srcdoc='{SECRET[:13]}'>"
            f"</iframe>{frames}<script>{KEEP}</script>"
        )

    def named(self, names: str) -> list[Attack]:
        by_name = {attack.name: attack for attack in self.attacks}
        return [by_name[name] for name in names.split(",")]

    def locked(self, names: str, flags: int = 0) -> str:
        sources = [self.address(attack, flags) for attack in self.named(names)]
        return self.page_with(sources, f'sandbox="{SANDBOX}"')

    async def page(self, scope: Scope, _: Receive, send: Send) -> None:
        """`/locked/NAME,…` is a page with them, `/strict/NAME` one with a policy for frames,
        `/agreed/NAME` one whose reader has agreed to third parties, `/unlocked/NAME,…` the
        control."""
        path = scope["path"]
        self.calls.append(path)
        kind, body, more = HTML, "<!doctype html><title>Blog</title>", list[Header]()
        match path.split("/")[1:]:
            case ["plain", name]:
                body = self.named(name)[0].document.decode()
            case ["unlocked", names]:
                body = self.page_with([f"/plain/{name}" for name in names.split(",")], "")
            case ["locked", names]:
                body = self.locked(names)
            case ["agreed", names]:
                body = self.locked(names, FLAG_CONSENT)
            case ["strict", names]:
                body = self.locked(names)
                more = [(b"content-security-policy", f"frame-src {self.origin}".encode())]
            case ["worker.js"]:
                kind, body = b"text/javascript", ""
            case ["plain.svg"]:
                kind, body = SVG.encode(), SCRIPTED.decode()
            case ["popup"]:
                body = POPUP
            case _:
                body = self.pages.get(path, body)
        await answer(send, 200, kind, body.encode(), *more)

    @contextmanager
    def running(self) -> Iterator[None]:
        config = uvicorn.Config(
            self.app, lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([self.socket],))
        thread.start()
        try:
            until(lambda: server.started)
            yield
        finally:
            server.should_exit = True
            thread.join()


def another_host(server: Server) -> str:
    """The same server under another name."""
    return server.origin.replace("127.0.0.1", "localhost")


@contextmanager
def looking(browser: Browser, calls: list[str], **reader: Any) -> Iterator[Seen]:
    context: BrowserContext
    with browser.new_context(**reader) as context:
        page = context.new_page()
        seen = Seen(page, calls)
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("download", lambda download: seen.downloads.append(download.suggested_filename))
        yield seen

"""The public port as a stranger finds it: bytes in, bytes out, and what they have changed.

    answer = await target.send(b"GET /slots/%00 HTTP/1.1")
    assert harm(answer, ...) == []

The real server, its real protocol and a real journal, on a store in memory. The clock stands.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from adserver.core.assets import Asset, digest_of
from adserver.core.catalog import Html, Size
from adserver.core.ticket import Ticket
from adserver.serving.app import PublicApp
from adserver.serving.edge import Edge
from adserver.serving.listening import server
from adserver.serving.state import State
from adserver.wiring.node import nothing_else
from tests.factories import (
    NOW,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    site,
    slot,
    text_creative,
)
from tests.serving.documented import complaints
from tests.serving.memory import WRITER, MemoryWorker
from tests.stand_in import png

PATIENCE_SECONDS = 20
LINK = "https://shop.example/landing?from=blog&x=%%random%%"
HTML = Asset(b"<a href='%%click%%'>x</a><i>%%page%%</i>", "text/html")
PICTURE = Asset(png(728, 90), "image/png")
RICH = Html(digest_of(HTML.data), "b.html", Size(728, 90))
# In the order of their permanent numbers.
CREATIVES = (
    text_creative("card", link=LINK),
    image_creative("banner", image(digest=digest_of(PICTURE.data)), link=LINK),
    text_creative("rich", text=None, html=RICH, link=LINK),
)
CARD, BANNER, DOCUMENT = 1, 2, 3
# What somebody sends so that it comes back: no word of ours has it in it.
CANARY = "zqjx7"


@dataclass
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> httpx.Headers:
        lines = self.head.split(b"\r\n")[1:]
        return httpx.Headers([tuple(line.split(b": ", 1)) for line in lines if line])

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, content=self.body)


@dataclass
class Target:
    memory: MemoryWorker
    state: State
    app: PublicApp
    address: tuple[str, int]
    serial: int = field(default=0)

    def ticket(self, creative: int = CARD, age: int = 0, **changes: int) -> str:
        """A new one of ours."""
        self.serial += 1
        one = Ticket(WRITER, self.serial, creative, 1, 1, int(NOW) - age, 0, 1, 1, 0)
        return self.state.sealer.seal(one._replace(**changes)).decode()

    async def send(self, first: bytes, *headers: bytes, body: bytes | None = None) -> Answer:
        """One request on a connection of its own; what comes back before it is closed."""
        lines = [first, b"Host: ads.example", b"Connection: close", *headers]
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        raw = b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(raw)
                came = await read_all(reader)
        finally:
            writer.close()
        head, _, rest = came.partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ", 2)[1]), head, rest)

    async def get(self, target: str | bytes, *headers: bytes) -> Answer:
        raw = target.encode() if isinstance(target, str) else target
        return await self.send(b"GET " + raw + b" HTTP/1.1", *headers)

    async def post(self, target: str, body: bytes, *headers: bytes) -> Answer:
        return await self.send(b"POST " + target.encode() + b" HTTP/1.1", *headers, body=body)

    async def events(self) -> dict[str, int]:
        """What has counted since the server began, by metric, when all of it is in the store."""
        counting, shipping = self.state.counting, self.memory.shipping
        await counting.flush()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while counting._driver is not None:
                await counting._driver
            while not all(  # noqa: ASYNC110 - nobody tells when the store has it all
                one.idle for held in shipping._held for one in held.streams
            ):
                await asyncio.sleep(0.001)
        counted: Counter[str] = Counter()
        for (_, row), count in self.memory.counts.rows.items():
            counted[str(row[0])] += count
        return {metric: counted[metric] for metric in ("i", "v", "c")}

    def series(self) -> int:
        """How many there are in the metrics, of all names."""
        return sum(len(rows) for rows in self.state.meter.dump().values())


async def read_all(reader: asyncio.StreamReader) -> bytes:
    came = b""
    try:
        while piece := await reader.read(65_536):
            came += piece
    except ConnectionResetError:
        # It was answered before all was sent, and the rest was refused.
        pass
    return came


@asynccontextmanager
async def attacked(
    folder: Path, app: Callable[[State], Any] = lambda state: PublicApp(state, "", nothing_else)
) -> AsyncIterator[Target]:
    """app: what stands in for ours, for trying the judgement itself."""
    memory = MemoryWorker(folder)
    memory.state.sheds = False  # what the machine has to do besides is no matter here
    memory.begin()
    blog = site(context=())
    sold = campaign("sold", creatives=CREATIVES, slots=("post-top",))
    memory.store.publish(generation(catalog(sold, site=blog, slots=(slot(), slot("post-bottom")))))
    memory.store.assets |= {digest_of(one.data): one for one in (HTML, PICTURE)}
    await memory.state.live.refresh(NOW)
    serves, ready = app(memory.state), asyncio.Event()
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uvicorn = server(serves, ready.set, Edge())
        serving = asyncio.create_task(uvicorn.serve(sockets=[listener]))
        await ready.wait()
        try:
            yield Target(memory, memory.state, serves, listener.getsockname()[:2])
        finally:
            uvicorn.should_exit = True
            await serving
            signal.signal(signal.SIGTERM, before)
            await memory.finish()


def harm(
    answer: Answer, method: str, path: str, expected: Sequence[int], canaries: Sequence[str] = ()
) -> list[str]:
    """What an attack has achieved: another status, an answer that is not documented, or words of
    the request in it, where a browser could take them for ours."""
    found = []
    if answer.status >= 500 or answer.status not in expected:
        found.append(f"answered {answer.status}, expected {expected}")
    found += complaints(method, path, answer.response())
    for word in (CANARY, *canaries):
        if word.encode() in answer.head:
            found.append("the head repeats what was sent")
        if word.encode() in answer.body and not only_as_json(answer):
            found.append("the body repeats what was sent")
    return found


def only_as_json(answer: Answer) -> bool:
    """Whether it is JSON that no browser takes for a page, a script or anything else."""
    if answer.headers.get("content-type") != "application/json":
        return False
    if answer.headers.get("x-content-type-options") != "nosniff":
        return False
    return isinstance(json.loads(answer.body), dict)

"""Readers who come by themselves: a plausible day of page views, for reports and dashboards.

Drawn from a seed, so that two demonstrations look alike; sent over HTTP like any reader's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog

from adserver.demo.articles import ARTICLES

log = structlog.get_logger(__name__)

PAGE_VIEWS = 2_000
AT_ONCE = 8
PAUSE_SECONDS = 0.005
TIMEOUT_SECONDS = 5.0
SEED = 2026
# Of a hundred ads that are shown, some 70 are seen for a second and about one is clicked.
SEEN, CLICKED, HOME = 0.7, 0.012, 0.35
AGENTS = (
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 0.6),
    ("Mozilla/5.0 (Linux; Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", 0.4),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """One page view: which page, with which browser, and the dice for what follows."""

    path: str
    slots: tuple[str, ...]
    agent: str
    dice: random.Random


def readers(count: int, seed: int) -> Iterator[Reader]:
    dice = random.Random(seed)  # noqa: S311 - a plausible day, not a secret
    agents, weights = [agent for agent, _ in AGENTS], [weight for _, weight in AGENTS]
    for number in range(count):
        if dice.random() < HOME:
            path, slots = "/", ("home-top", "home-bottom")
        else:
            path = f"/articles/{dice.choice(ARTICLES).slug}"
            slots = ("post-top", "post-bottom")
        agent = dice.choices(agents, weights)[0]
        yield Reader(path, slots, agent, random.Random(seed + number))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Server:
    """The ad server and the site whose readers these are; `site` is the pages' address."""

    host: str
    port: int
    site: str

    async def request(self, reader: Reader, method: str, path: str, body: bytes = b"") -> bytes:
        """One HTTP/1.1 request on a connection of its own; the answer's body."""
        incoming, outgoing = await asyncio.open_connection(self.host, self.port)
        try:
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
                f"User-Agent: {reader.agent}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n"
            )
            outgoing.write(head.encode() + body)
            await outgoing.drain()
            answered, _, content = (await incoming.read(-1)).partition(b"\r\n\r\n")
            if not answered.startswith(b"HTTP/1.1 "):
                raise ValueError("no HTTP answer")
            return content
        finally:
            outgoing.close()


async def send_day(server: Server, count: int = PAGE_VIEWS) -> None:
    """Send a day's page views, impressions and clicks."""
    queue = readers(count, SEED)

    async def keep_reading() -> None:
        for reader in queue:
            try:
                await asyncio.wait_for(read_page(server, reader), TIMEOUT_SECONDS)
            except (OSError, TimeoutError, ValueError) as error:
                log.warning("reader_left", error=str(error))
            await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(*(keep_reading() for _ in range(AT_ONCE)))
    log.info("traffic_sent", page_views=count)


async def read_page(server: Server, reader: Reader) -> None:
    context = {"url": f"{server.site}{reader.path}", "lang": "fr"}
    call = orjson.dumps({"slots": list(reader.slots), "context": context})
    answer = await server.request(reader, "POST", "/decisions", call)
    for decision in orjson.loads(answer)["decisions"]:
        if decision["filled"]:
            await look(server, reader, decision)


async def look(server: Server, reader: Reader, decision: dict[str, Any]) -> None:
    await server.request(reader, "POST", path_of(decision["impression_url"]))
    if reader.dice.random() < SEEN:
        await server.request(reader, "POST", path_of(decision["viewable_url"]))
    if reader.dice.random() < CLICKED:
        await server.request(reader, "GET", path_of(decision["click_url"]))


def path_of(address: str) -> str:
    return urlsplit(address).path

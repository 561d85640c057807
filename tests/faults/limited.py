"""Nodes whose campaigns have limits, on stores that can fail, and what their reports say.

One campaign of each kind of limit, each in a slot of its own: a goal in impressions, one in
clicks, a limit of the day and `max_total`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from adserver.core.errors import StoreUnavailable
from adserver.core.events import METRIC_OF, Kind
from tests.faults.nodes import SOAK, node
from tests.faults.oracle import Books
from tests.faults.proxy import Proxy
from tests.faults.readers import Readers
from tests.faults.stores import debian
from tests.journeys.small_blog import campaign
from tests.servers import Running
from tests.topology import sentinel_running

WORKERS = 4
SOLD = 20_000 if SOAK else 300
CLICKS = SOLD // 5
# Of readers who are late: longer than room is held near a limit, most of them.
LATE_SECONDS = (30.0, 150.0) if SOAK else (0.5, 4.0)
LOOK_SECONDS = 0.05


def noon_somewhere() -> str:
    """A zone in which no day ends while a test runs."""
    ahead = 12 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead:+d}"


def sold(slot: str, **terms: Any) -> dict[str, Any]:
    flight = {"first_day": "2026-01-01", "last_day": "2099-12-31", "timezone": noon_somewhere()}
    return campaign(slot, flight=flight, **terms)


class Limit(NamedTuple):
    most: int
    unit: Kind
    terms: Mapping[str, Any]


GUARANTEED = {"tier": "standard", "pacing": "asap"}
LIMITS = {
    "goal": Limit(SOLD, Kind.IMPRESSION, {**GUARANTEED, "goal": {"impressions": SOLD}}),
    "clicks": Limit(CLICKS, Kind.CLICK, {**GUARANTEED, "goal": {"clicks": CLICKS}}),
    "day": Limit(
        SOLD,
        Kind.IMPRESSION,
        {**GUARANTEED, "goal": {"impressions": 9 * SOLD}, "max_per_day": SOLD},
    ),
    "total": Limit(SOLD, Kind.IMPRESSION, {"max_total": SOLD}),
}
MOST = {slot: limit.most for slot, limit in LIMITS.items()}


def campaigns() -> dict[str, dict[str, Any]]:
    return {slot: sold(slot, **limit.terms) for slot, limit in LIMITS.items()}


@dataclass
class House:
    """Nodes on a store of `url`. store, proxy: what a fault needs of them."""

    nodes: Sequence[Running]
    url: str
    store: Any = None
    proxy: Proxy | None = None
    readers: Readers = field(init=False)
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0))
    exceeded: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        addresses = [ads.public for ads in self.nodes]
        units = {slot: limit.unit for slot, limit in LIMITS.items()}
        self.readers = Readers(addresses, units, LATE_SECONDS)

    @property
    def full(self) -> bool:
        return all(max(n, self.exceeded.get(s, 0)) >= MOST[s] for s, n in self.counted.items())

    def look(self) -> None:
        """What the report says now; a store that is away says nothing."""
        try:
            books = Books(self.url)
        except StoreUnavailable:
            return
        with books.store:
            try:
                figures = books.figures(time.time())
            except StoreUnavailable:
                return
        for slot, limit in LIMITS.items():
            counted = figures.get((METRIC_OF[limit.unit], f"for-{slot}"), 0)
            self.counted[slot] = counted
            if counted > limit.most:
                self.exceeded[slot] = counted

    async def looking(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def on_debian(tmp: Path, *alterations: str) -> AsyncIterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis"))
        yield House([await started(stack, tmp, store.url, *alterations)], store.url, store)


@asynccontextmanager
async def behind_a_proxy(tmp: Path, *alterations: str) -> AsyncIterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis", durable=False))
        async with Proxy(store.socket, {}).running() as proxy:
            ads = await started(stack, tmp, proxy.url, *alterations)
            yield House([ads], store.url, store, proxy)
            await asyncio.to_thread(stack.close)


@asynccontextmanager
async def behind_sentinels(tmp: Path, *alterations: str) -> AsyncIterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(sentinel_running())
        yield House([await started(stack, tmp, store.url, *alterations)], store.url, store)


@asynccontextmanager
async def two_nodes(tmp: Path, *alterations: str) -> AsyncIterator[House]:
    """The second is behind a proxy, and can be cut off alone."""
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis", durable=False))
        async with Proxy(store.socket, {}).running() as proxy:
            nodes = []
            for name, url in (("near", store.url), ("far", proxy.url)):
                (tmp / name).mkdir()
                nodes.append(await started(stack, tmp / name, url, *alterations, workers=2))
            yield House(nodes, store.url, store, proxy)
            await asyncio.to_thread(stack.close)


async def started(
    stack: ExitStack, folder: Path, url: str, *alterations: str, workers: int = WORKERS
) -> Running:
    begun = node(
        folder,
        *alterations,
        workers=workers,
        env={"ADSERVER_REDIS": url},
        apply=folder.name != "far",
        campaigns=campaigns(),
    )
    return await asyncio.to_thread(stack.enter_context, begun)

"""A store with something of everything in it, written as nodes and `apply` write it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson

from adserver.core import publication
from adserver.core.events import Kind
from adserver.core.forecast import History, learn
from adserver.core.hour import hour_at
from adserver.core.nodes import NodeState
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.publication import Content
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.connect import async_client, client
from adserver.store.copying import copy_of
from adserver.store.counts import StoredCounts
from adserver.store.entries import Entry
from adserver.store.folding import DAY_SECONDS, Folding
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from adserver.store.traffic import StoredLiveTraffic
from tests.factories import NOW, ZONE, campaign, catalog, image_creative
from tests.store.shipping import Shipper, event
from tests.store.test_catalogs import ASSETS

LIFE = 86_400
WITH_PICTURE = Content({"site.yaml": {"site.yaml": "5f"}}, ASSETS, {"5f": b"name: Le Comptoir\n"})
BY_ANA = publication.Entry("ana", "première")
OLD = NOW - 120 * DAY_SECONDS


def fill(url: str, keys: Keys, *, tickets: int = 200) -> None:
    """Two generations, a picture, a pause, writers, counts of today and, folded, of long ago."""
    with client(url) as connection:
        catalogs = StoredCatalogs(connection, keys)
        for expected in range(2):
            booked = campaign(creatives=(image_creative(),))
            catalogs.publish(expected, catalog(booked), WITH_PICTURE, BY_ANA)
        target = Target.read("brulerie")
        StoredPauses(connection, keys).act(
            Act(NOW, Verb.PAUSE, target, "ana"), [], [Pause(target, NOW, None, "ana")]
        )
    asyncio.run(count(url, keys, tickets))


async def count(url: str, keys: Keys, tickets: int = 200) -> None:
    async with async_client(url) as connection:
        counts = StoredCounts(connection, keys, LIFE)
        for writer in (await counts.claim_writer(), 7):
            shipper = Shipper(counts, writer)
            for moment in (OLD, OLD + 3_600, NOW):
                hour = hour_at(moment, ZONE)
                serials = range(round(moment) % 1_000, round(moment) % 1_000 + tickets)
                events = [
                    # Some of each of the writer's first blocks, which shards share.
                    event(kind, serial % 20 << 16 | serial, writer=writer, creative=1 + serial % 3)
                    for serial in serials
                    for kind in Kind
                ]
                for at in range(0, len(events), 300):
                    await shipper.events(hour, events[at : at + 300])
                await shipper.tallies(hour, {("s", 1, 2, 3): 5, ("r", 0, 2, 3): 9})
        await Folding(connection, keys).run(NOW, ZONE)
        traffic, hour = StoredLiveTraffic(connection, keys), hour_at(NOW, ZONE)
        await traffic.beat([int(NOW // 60)])
        await traffic.learn(0, hour.begin, {2: learn(History(), hour.begin - 3_600, 9, ZONE)})


def seen(url: str, keys: Keys, *, ago: float = 0.0) -> None:
    """As if a node had served from it so many seconds ago, by the store's clock."""

    async def report() -> None:
        async with async_client(url) as connection:
            at = time.time()
            node = NodeState("web:8080/0", 1, at, at)
            await StoredLiveCatalog(connection, keys).report_node(node)

    asyncio.run(report())
    with client(url) as connection:
        said = orjson.loads(connection.hget(keys.nodes, "web:8080/0") or b"{}")
        said["seen_at"] -= ago
        connection.hset(keys.nodes, "web:8080/0", orjson.dumps(said))


def held(url: str, keys: Keys) -> dict[str, Entry]:
    with client(url) as connection:
        return {entry.name: entry for entry in copy_of(connection, keys)}


def sums(entries: Mapping[str, Entry], kind: str) -> dict[bytes, int]:
    """What the hashes or bitmaps of a kind come to, over all shards."""
    found: dict[bytes, int] = {}
    for name, entry in entries.items():
        if name.partition("}:")[2].partition(":")[0] == kind:
            for field, value in entry.pairs:
                found[field] = found.get(field, 0) + int(value)
    return found


def everything(url: str) -> dict[bytes, Any]:
    """Each key and how long it lives, for what must not have changed at all."""
    with client(url) as connection:
        server: Any = connection
        return {key: server.pexpiretime(key) for key in server.scan_iter()}

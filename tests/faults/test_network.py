"""A network that loses requests and answers: each batch counts once, and each row of tallies.

Two thousand shipments in a row are driven through the proxy by `StoredCounts` and `Stream`
themselves; the last two tests are of a real server.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adserver.core.batch import NOTHING, Mark, Need, Part, Shipment, Stream
from adserver.core.errors import StoreUnavailable
from adserver.core.events import Event, Kind
from adserver.core.hour import hour_at
from adserver.core.ports.serving import Source
from adserver.core.record import pack_event, pack_tallies
from adserver.store import script as module
from adserver.store.connect import SOCKET_TIMEOUT_SECONDS, async_client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.factories import NOW, ZONE
from tests.faults.nodes import (
    CONTROL_PATIENCE_SECONDS,
    OUTAGE_SECONDS,
    balance,
    check_report,
    load_on,
    node,
)
from tests.faults.proxy import Loss, Proxy
from tests.faults.stores import Debian, debian
from tests.servers import Running

BATCHES = 2_000
CONTROL_BATCHES = 500
CONTROL_ROUNDS = 5
EVENTS = 20  # in a batch, of which one is a replay
TALLIES = 10
SOURCE = Source(7, 1)
HOUR = hour_at(NOW, ZONE)
KEYS = Keys("adserver")
LIFE_SECONDS = 86_400
# Ten of a hundred calls in each of the three ways, and a few that arrive after their repetition.
LOSSES = {Loss.BEFORE: 10.0, Loss.DURING: 10.0, Loss.AFTER: 10.0, Loss.LATE: 0.2}
NAIVE_ATTEMPTS = 10  # redis-py's default; without its waiting, which is for minutes
NAIVE_ERROR = 0.05

Found = Counter[str]


def sent_in(many: int) -> Found:
    """What so many batches hold."""
    return Counter({"i": many * (EVENTS - 1), "i.duplicate": many, "s": many * TALLIES})


class Batch(NamedTuple):
    events: bytes
    tallies: bytes


def batches() -> Iterator[Batch]:
    """Of new events each, but for one that repeats another; and of served ads."""
    for number in range(BATCHES):
        serials = [number * EVENTS + n for n in range(EVENTS - 1)]
        packed = (
            pack_event(Event(Kind.IMPRESSION, SOURCE.writer, serial, 1, 2, 3))
            for serial in (*serials, serials[0])
        )
        yield Batch(b"".join(packed), pack_tallies([(("s", 1, 2, 3), TALLIES)]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Debian]:
    with debian(tmp_path / "redis", durable=False) as made:
        yield made


@asynccontextmanager
async def bad_network(store: Debian) -> AsyncIterator[tuple[Proxy, StoredCounts]]:
    async with Proxy(store.socket, LOSSES).running() as proxy:
        client = async_client(proxy.url)
        try:
            yield proxy, StoredCounts(client, KEYS, LIFE_SECONDS)
        finally:
            await client.aclose()


async def ship_all(counts: StoredCounts) -> None:
    """As `serving.shipping` does it, but for its waiting between attempts."""
    stream = Stream(NOTHING)
    for number, batch in enumerate(batches(), start=1):
        # A shipment each: the next one is durable when this one is in the store.
        stream.add(number, Part(number, number, HOUR, *batch))
        while step := stream.step():
            try:
                if isinstance(step, Shipment):
                    told = await counts.apply(SOURCE, 0, step)
                else:
                    assert step is Need.LEDGER
                    told = await counts.ledger(SOURCE, 0)
                stream.told(told.mark)
            except StoreUnavailable:
                stream.failed()
    assert stream.idle
    assert stream.rollbacks == 0


async def ship_naively(counts: StoredCounts, many: int) -> None:
    """Each batch again until an answer comes, as a client does that retries by itself."""
    mark = NOTHING
    for number, batch in enumerate(islice(batches(), many), start=1):
        shipment = Shipment(mark, (Part(number, number, HOUR, *batch),))
        while True:
            try:
                await counts.apply(SOURCE, 0, shipment)
                break
            except StoreUnavailable:
                continue
        mark = Mark(number, number)


async def increment_naively(proxy: Proxy) -> int:
    """The same counts by HINCRBY, with the retries that redis-py makes by default; how many of
    the batches it called a failure in spite of them."""
    client: Any = redis.asyncio.Redis.from_url(
        proxy.url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), NAIVE_ATTEMPTS),
        protocol=2,
        driver_info=None,
    )
    failures = 0
    for _ in range(BATCHES):
        try:
            await client.hincrby(KEYS.counts(0, HOUR.name), "i:1:2:3", EVENTS - 1)
        except redis.RedisError:
            failures += 1
    await client.aclose()
    return failures


def counted(store: Debian) -> Found:
    found: Found = Counter()
    with redis.Redis.from_url(store.url) as client:
        for row in StoredTotals(client, KEYS).rows(HOUR.begin, HOUR.end):
            found[f"{row.metric}.{row.reason}" if row.reason else str(row.metric)] += row.count
    return found


def suffered_all(proxy: Proxy) -> bool:
    """Whether every kind of loss has come often enough to matter."""
    calls = proxy.suffered.total()
    return all(proxy.suffered[loss] > share / 100 * calls / 2 for loss, share in LOSSES.items())


def test_two_thousand_batches_through_a_bad_network_count_once(store: Debian) -> None:
    async def run() -> Proxy:
        async with bad_network(store) as (proxy, counts):
            await ship_all(counts)
        return proxy

    proxy = asyncio.run(run())
    assert suffered_all(proxy), proxy.suffered
    assert counted(store) == sent_in(BATCHES)


def test_control_without_the_ledger_retries_count_more(
    store: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, script = (
        "if sub(said, 1, #ARGV[1]) ~= ARGV[1] then return said end",
        module.script,
    )
    assert compare in script("count")
    monkeypatch.setattr(module, "script", lambda name: script(name).replace(compare, ""))

    async def run() -> None:
        async with bad_network(store) as (_, counts):
            await ship_naively(counts, CONTROL_BATCHES)

    asyncio.run(run())
    found, sent = counted(store), sent_in(CONTROL_BATCHES)
    assert found["s"] > sent["s"] * (1 + NAIVE_ERROR)
    assert found["i.duplicate"] > sent["i.duplicate"] * (1 + NAIVE_ERROR)
    # Each ticket's bit still holds what is billed.
    assert found["i"] == sent["i"]


def test_control_plain_increments_with_the_clients_own_retries_count_more(store: Debian) -> None:
    with redis.Redis.from_url(store.url) as client:
        client.zadd(KEYS.hours(0), {HOUR.name: HOUR.begin})

    async def run() -> int:
        async with bad_network(store) as (proxy, _):
            return await increment_naively(proxy)

    acknowledged = BATCHES - asyncio.run(run())
    assert counted(store)["i"] > acknowledged * (EVENTS - 1) * (1 + NAIVE_ERROR)


async def through_a_bad_network(tmp: Path, *alterations: str) -> list[str]:
    """A server whose workers' calls are lost one time in five; what its report gets wrong."""
    with debian(tmp / "redis", durable=False) as store:
        async with Proxy(store.socket, {}).running() as proxy:
            return await asyncio.to_thread(serve_badly, tmp, store, proxy, alterations)


def serve_badly(tmp: Path, store: Debian, proxy: Proxy, alterations: tuple[str, ...]) -> list[str]:
    with node(tmp, *alterations, env={"ADSERVER_REDIS": proxy.url}) as ads:
        load = load_on(ads)
        if alterations:
            return lost_until_wrong(ads, load, proxy)
        lose_for_a_while(load, proxy)
        assert load.told.refused == 0
        wrong = balance(ads, load.told)
        check_report(ads, load.told)
        return wrong


def lost_until_wrong(ads: Running, load: Any, proxy: Proxy) -> list[str]:
    """Workers ship a few dozen batches a round: now and then none of them is one that the store
    has applied and not answered, and then a round shows nothing."""
    for _ in range(CONTROL_ROUNDS):
        lose_for_a_while(load, proxy)
        if wrong := balance(ads, load.told, patience=CONTROL_PATIENCE_SECONDS):
            return wrong
    return []


def lose_for_a_while(load: Any, proxy: Proxy) -> None:
    proxy.losses.update(LOSSES)
    asyncio.run(visit_for_a_while(load))
    proxy.losses.clear()


async def visit_for_a_while(load: Any) -> None:
    async with load.running():
        await load.more(300)
        await asyncio.sleep(OUTAGE_SECONDS)
        await load.more(300)


def test_a_server_on_a_bad_network_counts_all_once(tmp_path: Path) -> None:
    assert asyncio.run(through_a_bad_network(tmp_path)) == []


def test_control_a_server_without_ledgers_counts_more(tmp_path: Path) -> None:
    wrong = asyncio.run(through_a_bad_network(tmp_path, "without_ledger_compare"))
    assert any(one.startswith(("s of", "gross of")) for one in wrong), wrong

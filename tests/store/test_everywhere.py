"""What the store is asked for works on every topology, and with servers that know no script."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from adserver.core.assets import Asset, digest_of
from adserver.core.context import Context
from adserver.core.errors import LiveHasMoved
from adserver.core.events import Metric
from adserver.core.forecast import History
from adserver.core.nodes import NodeState
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.publication import Content, Entry
from adserver.core.renames import Rename
from adserver.core.samples import Taken
from adserver.core.traffic import Scope
from adserver.store.address import shards_of
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.connect import AsyncClient, Client, async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from adserver.store.permissions import check_user
from adserver.store.samples import StoredKnownSamples, StoredSamples
from adserver.store.totals import StoredTotals, delivered
from adserver.store.traffic import StoredLiveTraffic, StoredTraffic
from tests.factories import ZONE, campaign, catalog
from tests.store import shipping
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.documented import Store, as_documented, as_user, servers_of
from tests.store.shipper import EVENTS, HOUR, Shipper
from tests.topology import cluster_running, redis_running, sentinel_running, tls_running

SCOPE = Scope((1, 2), (1,), ZONE)
TOPOLOGIES = {
    "redis": redis_running,
    "valkey": lambda: redis_running("valkey-server"),
    "tls": tls_running,
    "sentinel": sentinel_running,
    "sentinel over tls": lambda: sentinel_running(tls=True),
    "cluster": cluster_running,
    "cluster over tls": lambda: cluster_running(tls=True),
    "cluster of valkey": lambda: cluster_running(program="valkey-server"),
    # As the user that docs/operating.md gives us, and nothing more.
    "redis, its user": lambda: as_documented(redis_running()),
    "valkey, its user": lambda: as_documented(redis_running("valkey-server")),
    "sentinel, its user": lambda: as_documented(sentinel_running()),
    "cluster, its user": lambda: as_documented(cluster_running()),
    "cluster of valkey, its user": lambda: as_documented(cluster_running(program="valkey-server")),
}


@pytest.fixture(scope="module", params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> Iterator[Store]:
    with TOPOLOGIES[request.param]() as store:
        yield store


@pytest.fixture
def url(everywhere: Store, request: pytest.FixtureRequest) -> str:
    its_user = "its user" in request.node.callspec.params["topology"]
    return as_user(everywhere.url) if its_user else everywhere.url


@pytest.fixture
def everywhere(topology: Store) -> Store:
    """Empty, and without scripts."""
    for server in servers_of(topology):
        if server.role() == "master":
            server.call("FLUSHALL")
        server.call("SCRIPT FLUSH", raw=True)
    return topology


@pytest.fixture
def keys(url: str) -> Keys:
    return Keys("adserver", shards_of(url))


@pytest.fixture
def control(url: str) -> Iterator[Client]:
    with client(url) as connection:
        yield connection


@pytest.fixture
async def worker(url: str) -> AsyncIterator[AsyncClient]:
    connection = async_client(url)
    try:
        yield connection
    finally:
        await connection.aclose()


async def test_counts_of_every_shard(worker: AsyncClient, control: Client, keys: Keys) -> None:
    counts = StoredCounts(worker, keys, TICKET_LIFE_SECONDS)
    shippers = [Shipper(counts, shard) for shard in range(keys.shards)]
    for shipper in shippers:
        await shipper.ship(2)
        assert not shipper.failures
        last = shipper.parts[-1]
        told = await counts.ledger(shipper.source, shipper.shard)
        assert told.mark == (last.sequence, last.digest)
    expected = 2 * EVENTS * keys.shards
    assert await delivered(worker, keys) == {(Metric.IMPRESSION, 1): expected}
    rows = StoredTotals(control, keys).rows(HOUR.begin, HOUR.end)
    assert sum(row.count for row in rows) == expected
    assert {row.metric for row in rows} == {Metric.IMPRESSION}


async def test_sent_again_it_counts_once(worker: AsyncClient, keys: Keys) -> None:
    counts = StoredCounts(worker, keys, TICKET_LIFE_SECONDS)
    shipper = Shipper(counts)
    shipper.write()
    shipment = shipper.stream.step()
    for _ in range(3):
        told = await counts.apply(shipper.source, 0, shipment)
        assert told.mark == shipment.mark
    assert await delivered(worker, keys) == {(Metric.IMPRESSION, 1): EVENTS}


async def test_writers_are_claimed_and_kept(worker: AsyncClient, keys: Keys) -> None:
    counts = StoredCounts(worker, keys, TICKET_LIFE_SECONDS)
    claimed = {await counts.claim_writer() for _ in range(5)}
    assert len(claimed) == 5
    shipper = Shipper(counts)
    await shipper.ship(1)
    await counts.keep([shipper.source])


async def test_generations_are_published_and_read(
    worker: AsyncClient, control: Client, keys: Keys
) -> None:
    catalogs, live = StoredCatalogs(control, keys), StoredLiveCatalog(worker, keys)
    check_user(control, keys)
    assert catalogs.live() is None
    picture = Asset(b"\x89PNG", "image/png")
    content = Content(
        assets={digest_of(picture.data): picture}, sources={digest_of(b"name: Blog"): b"name: Blog"}
    )
    entry = Entry("me", "why", "+")
    for expected in (0, 1):
        published = catalogs.publish(expected, catalog(campaign("a")), content, entry)
        assert published.number == expected + 1
    with pytest.raises(LiveHasMoved):
        catalogs.publish(0, catalog(campaign("b")), Content(), Entry("me", "why", "+"))
    assert await live.live_number() == 2
    generation = await live.generation(2)
    found = catalogs.live()
    assert found is not None
    assert found[0] == generation
    assert catalogs.generation(2) == found
    assert [one.number for one in catalogs.history(20)] == [2, 1]
    assert catalogs.files([digest_of(b"name: Blog"), digest_of(picture.data), "none"]) == {
        digest_of(b"name: Blog"): b"name: Blog",
        digest_of(picture.data): picture.data,
    }
    assert await live.asset(digest_of(picture.data)) == picture
    assert (await live.known_creative(1)) == StoredTotals(control, keys).known_creatives()[1]
    assert StoredTotals(control, keys).numbers()["campaign/a"] == 1
    assert StoredTotals(control, keys).through() is None
    target = Target.read("a")
    made = Pause(target, time.time(), None, "me")
    pauses = StoredPauses(control, keys)
    pauses.act(Act(made.since, Verb.PAUSE, target, "me"), [], [made])
    assert await live.pauses() == (made,) == tuple(pauses.known())
    renamed = [Rename("a", "b")]
    catalogs.publish(2, catalog(campaign("b")), Content(), entry, renamed)
    assert {str(one.target) for one in await live.pauses()} == {"a", "b"}
    pauses.act(Act(time.time(), Verb.RESUME, target, "me"), [target, Target.read("b")], [])
    assert await live.pauses() == ()
    assert [one.verb for one in pauses.acts(9)] == [Verb.RESUME, Verb.PAUSE]
    state = NodeState("node", 2, time.time(), time.time())
    await live.report_node(replace(state, seen_at=0.0))
    [found] = catalogs.nodes()
    assert replace(found, seen_at=0.0) == replace(state, seen_at=0.0)
    assert abs(found.seen_at - state.seen_at) < 60
    await live.forget_node(state)
    assert catalogs.nodes() == []


async def test_traffic_is_learnt_and_contexts_are_sampled(
    worker: AsyncClient, control: Client, keys: Keys
) -> None:
    live, samples, scope = StoredLiveTraffic(worker, keys), StoredSamples(worker, keys), SCOPE
    counts = StoredCounts(worker, keys, TICKET_LIFE_SECONDS)
    await shipping.Shipper(counts).tallies(HOUR, {("r", 0, 1, 1): 7})
    minute = HOUR.begin // 60
    await live.beat([minute])
    assert await live.minutes(HOUR.begin, HOUR.end) == {minute}
    assert await live.learn(0, HOUR.begin, {1: History(through=HOUR.begin)})
    told = await live.traffic(scope, HOUR.begin + 60)
    assert (told.histories, told.since) == ({1: History(through=HOUR.begin)}, {1: 7})
    assert StoredTraffic(control, keys).traffic(scope, HOUR.begin + 60) == told
    day = HOUR.begin // 86_400
    many = {n / 64: Context() for n in range(64)}
    assert await samples.add(Taken(1, day, 64, 1.0, many), 8) < 1.0
    found = StoredKnownSamples(control, keys).samples(1, HOUR.begin)
    assert found == await samples.samples(1, HOUR.begin)
    assert (len(found), found[0].weight) == (8, 8.0)
    await live.close()


async def test_scripts_that_are_forgotten_meanwhile_are_told_again(
    everywhere: Store, worker: AsyncClient, control: Client, keys: Keys
) -> None:
    counts = StoredCounts(worker, keys, TICKET_LIFE_SECONDS)
    shippers = [Shipper(counts, shard) for shard in range(keys.shards)]
    catalogs = StoredCatalogs(control, keys)
    for round_ in range(3):
        for server in servers_of(everywhere):
            server.call("SCRIPT FLUSH", raw=True)
        for shipper in shippers:
            await shipper.ship(1)
            assert not shipper.failures
        catalogs.publish(round_, catalog(campaign("a")), Content(), Entry("me", "why", "+"))
    found = await delivered(worker, keys)
    assert found == {(Metric.IMPRESSION, 1): sum(shipper.events for shipper in shippers)}


def test_what_is_opened_is_closed(url: str) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(client(url)).get("adserver:{catalog}:nothing")

"""Keys: each is declared, and whatever is left behind is one of them and mortal, or permanent."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import fields
from fnmatch import fnmatchcase
from inspect import getdoc, signature
from typing import Any, NamedTuple

import pytest
import redis.asyncio
from redis.crc import key_slot

from adserver.core.context import Context
from adserver.core.events import Kind
from adserver.core.forecast import History
from adserver.core.hour import hour_at
from adserver.core.leases import Room
from adserver.core.nodes import KnownKey, NodeState
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.ports.serving import Spoken
from adserver.core.publication import Content, Entry
from adserver.core.samples import Taken
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.counts import StoredCounts
from adserver.store.folding import DAY_SECONDS, Folding
from adserver.store.keys import CLUSTER_SHARDS, Keys
from adserver.store.leases import StoredLeases
from adserver.store.pauses import StoredPauses
from adserver.store.retiring import Retiring
from adserver.store.samples import StoredSamples
from adserver.store.signing import StoredSigningKeys
from adserver.store.standing import begin_arrival
from adserver.store.totals import StoredTotals, delivered
from adserver.store.traffic import StoredLiveTraffic
from tests.factories import NOW, ZONE, campaign, catalog, image_creative
from tests.store.conftest import TICKET_LIFE_SECONDS
from tests.store.desk import TEN, Desk
from tests.store.shipping import Shipper, event
from tests.store.test_catalogs import ASSETS
from tests.store.test_counts import HOUR

TYPES = {"string": "string", "string (bitmap)": "string", "hash": "hash", "sorted set": "zset"}
DECLARATION = re.compile(
    r"([^,]+), (permanent|two tickets' lives \+ 2 h|35 days|9 days), (?:written|renewed) by .+: .+"
)


class Declared(NamedTuple):
    pattern: str
    type: str
    permanent: bool


def declared(name: str) -> Declared:
    attribute = vars(Keys)[name]
    match = DECLARATION.fullmatch((getdoc(attribute) or "").partition("\n")[0])
    assert match, f"Keys.{name} does not say: type, life, owner: what it holds"
    if isinstance(attribute, property):
        pattern = getattr(Keys("blog"), name)
    else:
        parts = len(signature(attribute).parameters) - 1
        pattern = attribute(Keys("blog"), *["*"] * parts)
    return Declared(pattern, TYPES[match[1]], match[2] == "permanent")


FIELDS = {field.name for field in fields(Keys)}
NAMES = [name for name in vars(Keys) if not name.startswith("_") and name not in FIELDS]


@pytest.mark.parametrize("name", NAMES)
def test_every_key_says_its_type_its_life_and_its_owner(name: str) -> None:
    assert declared(name).pattern.startswith("blog:")


def test_no_two_declarations_stand_for_one_key() -> None:
    samples = [declared(name).pattern.replace("*", "1") for name in NAMES]
    for sample in samples:
        assert sum(fnmatchcase(sample, declared(name).pattern) for name in NAMES) == 1


def test_what_one_script_call_changes_lives_in_one_place() -> None:
    keys = Keys("blog")
    counting = [
        keys.counts(5, "h"),
        keys.totals(5),
        keys.hours(5),
        keys.seen(5, 1, 2),
        keys.ledger(5, 1, 2),
        keys.changes(5),
        keys.daily(5, "d"),
        keys.days(5),
        keys.change(5),
        keys.lease(5, 1),
        keys.fence(5),
        keys.through(5),
        keys.heard(5),
    ]
    assert all(key.startswith("blog:{5}:") for key in counting)
    publishing = [keys.live, keys.generation(1), keys.creatives, keys.signing_keys, keys.identity]
    publishing += [keys.asset("5f"), keys.source("5f")]
    assert all(key.startswith("blog:{catalog}:") for key in publishing)


async def test_no_key_is_left_behind_undeclared_or_immortal(
    counts: StoredCounts, beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    catalogs, live = StoredCatalogs(store, keys), StoredLiveCatalog(beside, keys)
    totals = StoredTotals(store, keys)
    StoredSigningKeys(store, keys).found("a", [KnownKey("f", NOW, "ana")])
    for expected in range(2):
        booked = campaign(creatives=(image_creative(),))
        catalogs.publish(
            expected, catalog(booked), Content(assets=ASSETS, sources={"5f": b""}), Entry("ana")
        )
    target = Target.read("brulerie")
    StoredPauses(store, keys).act(
        Act(NOW, Verb.PAUSE, target, "ana"), [], [Pause(target, NOW, None, "ana")]
    )
    await live.report_node(NodeState("a", 1, NOW, time.time()))
    begin_arrival(store, keys, "elsewhere")
    writer = await counts.claim_writer()
    shipper = Shipper(counts, writer)
    await shipper.tallies(hour_at(NOW - 100 * DAY_SECONDS, ZONE), {("s", 1, 1, 1): 1})
    await Folding(beside, keys).run(NOW, ZONE)
    await StoredSamples(beside, keys).add(Taken(1, 20_000, 1, 1.0, {0.5: Context()}), 8)
    traffic = StoredLiveTraffic(beside, keys)
    await traffic.beat([int(NOW // 60)])
    await traffic.learn(0, HOUR.begin, {1: History()})
    await shipper.events(HOUR, [event(kind, serial) for kind in Kind for serial in (1, 70_000)])
    await shipper.tallies(HOUR, {("s", 1, 1, 1): 1})
    await Desk(StoredLeases(beside, keys, TICKET_LIFE_SECONDS), counts, NOW).ask(
        Room(1, TEN), Spoken(shipper.source, 0, NOW, done=False)
    )
    await counts.keep([shipper.source])
    catalogs.claim(1, ["digest"])
    await Retiring(beside, keys, TICKET_LIFE_SECONDS).run(NOW)
    catalogs.live(), catalogs.nodes(), totals.numbers(), totals.known_creatives()
    totals.rows(0, NOW * 2), await delivered(beside, keys), await live.generation(1)

    found: set[str] = set()
    for raw in store.scan_iter():
        key = raw.decode()
        [name] = [n for n in NAMES if fnmatchcase(key, declared(n).pattern)]
        assert store.type(key).decode() == declared(name).type
        assert (store.ttl(key) == -1) is declared(name).permanent, key
        found.add(name)
    assert found == set(NAMES), "not every operation was run"


def test_the_hash_tags_of_a_clusters_shards_are_spread_over_its_slots() -> None:
    """Masters have slots in ranges: three of them each have some of the shards, and so have six."""
    slots = [key_slot(Keys("blog").hours(shard).encode()) for shard in range(CLUSTER_SHARDS)]
    for masters in (2, 3, 6):
        served = Counter(slot * masters // 16_384 for slot in slots)
        assert len(served) == masters, f"{masters} masters serve {sorted(served.values())} shards"

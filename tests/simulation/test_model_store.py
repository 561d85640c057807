"""The simulation's store and the real script on a real Valkey agree, shipment by shipment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from adserver.core.batch import NOTHING, Mark, Part, Shipment
from adserver.core.events import Event, Kind, Tally
from adserver.core.hour import hour_at
from adserver.core.invalid import Mode
from adserver.core.ports.serving import Source
from adserver.core.record import pack_event, pack_tallies
from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from tests.factories import NOW, ZONE
from tests.simulation.store import Rules, Store

LIFE_SECONDS = 86_400
SHIPMENTS = 300
SHARDS = 2
SOURCES = [Source(7, 1), Source(7, 2), Source(8, 1)]


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Embedded(tmp_path_factory.mktemp("valkey")).used(stop_if_last=True) as url:
        yield url


@pytest.mark.parametrize(("seed", "unmatched"), list(enumerate(Mode)))
async def test_the_model_answers_and_holds_what_the_real_store_does(
    valkey: str, seed: int, unmatched: Mode
) -> None:
    rng, keys = Random(seed), Keys(f"seed{seed}", SHARDS)
    model = Store(SHARDS, LIFE_SECONDS, Rules(unmatched=unmatched))
    connection = async_client(valkey)
    real = StoredCounts(connection, keys, LIFE_SECONDS, unmatched)
    try:
        for number in range(SHIPMENTS):
            source, shard = rng.choice(SOURCES), rng.randrange(SHARDS)
            mark = model.ledger(source, shard, 0.0).mark
            shipment = some_shipment(rng, mark, number)
            said = await real.apply(source, shard, shipment)
            told = model.apply(source, shard, shipment, 0.0)
            assert said.mark == told.mark
            if told.mark == shipment.mark:
                assert Counter(said.rows) == Counter(told.rows)
            asked = await real.ledger(source, shard)
            assert asked.mark == model.ledger(source, shard, 0.0).mark
    finally:
        await connection.aclose()
    with client(valkey) as store:
        for shard in range(SHARDS):
            assert held(store, keys, shard) == modelled(model, shard)


def some_shipment(rng: Random, mark: Mark, number: int) -> Shipment:
    """Mostly what comes next; now and then what came before, or nothing that fits."""
    previous = rng.choice([mark, mark, mark, NOTHING, Mark(mark.sequence, mark.digest ^ 1)])
    hour = hour_at(NOW + rng.choice([0, 0, 3_600]), ZONE)
    parts = []
    sequence = previous.sequence
    for _ in range(rng.randint(1, 3)):
        sequence += rng.randint(1, 3)
        events = b"".join(pack_event(some_event(rng)) for _ in range(rng.randrange(6)))
        tallies = pack_tallies(
            (some_tally(rng), rng.randint(1, 9)) for _ in range(rng.randrange(3))
        )
        parts.append(Part(sequence, rng.getrandbits(32), hour, events, tallies))
    return Shipment(previous, tuple(parts))


def some_event(rng: Random) -> Event:
    serial = rng.randrange(3) << 16 | rng.choice([0, 1, 65_535])
    creative = rng.choice([1, 2, 4_294_967_295])
    kind, writer = rng.choice(list(Kind)), rng.choice([7, 8])
    matched = kind is Kind.CLICK and rng.random() < 0.3
    return Event(kind, writer, serial, creative, 1, 1, matched=matched)


def some_tally(rng: Random) -> Tally:
    return rng.choice(["s", "r", "n.no_campaign", "i.expired"]), rng.randrange(3), 1, 1


def held(store: Any, keys: Keys, shard: int) -> dict[str, Any]:
    hours = {
        n.decode(): int(begin)
        for n, begin in store.zrange(keys.hours(shard), 0, -1, withscores=True)
    }
    return {
        "hours": hours,
        "rows": {hour: numbers(store.hgetall(keys.counts(shard, hour))) for hour in hours},
        "totals": numbers(store.hgetall(keys.totals(shard))),
        "change": int(store.get(keys.change(shard)) or 0),
        "changes": numbers(dict(store.zrange(keys.changes(shard), 0, -1, withscores=True))),
    }


def numbers(found: dict[bytes, Any]) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in found.items()}


def modelled(model: Store, number: int) -> dict[str, Any]:
    shard = model.shards[number]
    return {
        "hours": shard.hours,
        "rows": {
            hour: {":".join(map(str, row)): count for row, count in rows.items()}
            for hour, rows in shard.rows.items()
        },
        "totals": dict(shard.totals),
        "change": shard.change,
        "changes": {str(creative): change for creative, change in shard.changes.items()},
    }

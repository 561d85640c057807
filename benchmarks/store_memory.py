"""What tickets take of the store's memory."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import redis

from adserver.core.record import EVENT
from adserver.core.shards import PLACE_BITS, PLACES
from adserver.store.script import Script
from benchmarks.filling import fill
from benchmarks.shipments import Fresh, Shipped
from tests.topology import redis_running

ARRIVAL = 0.7
CALL = 500  # events
AT_ONCE = 1_000_000
HOUR, BEGIN = b"2026-11-24T05+0100", b"1795492800"
# The other writer's row counts.
CREATIVES, SLOT, SITE, CAMPAIGN = 40, 2, 1, 1


def grown(program: str, tickets: int, seed: int = 1) -> float:
    """MiB that the store has more of, once 70 % of so many tickets had an impression, in the order
    in which they were issued; two of five of these were viewable, too."""
    with redis_running(program, appendonly="no") as store, contextlib.closing(store.client()) as c:
        fresh = Fresh(str(c.script_load(Script.named("count").source)), seed)
        fill(store.url, [list(fresh.calls(list(shipments(1_000, seed))))])  # rows, the script
        before = used(c)
        for first in range(0, tickets, AT_ONCE):
            many = min(AT_ONCE, tickets - first)
            fill(store.url, [list(fresh.calls(list(shipments(many, seed + first))))])
        return (used(c) - before) / 2**20


def used(store: redis.Redis) -> int:
    return int(store.info("memory")["used_memory"])  # type: ignore[index]


def shipments(tickets: int, seed: int) -> Iterator[Shipped]:
    events = b"".join(arriving(tickets, random.Random(seed)))
    step = CALL * EVENT.size
    for at in range(0, len(events), step):
        yield Shipped(0.0, (1, 1), HOUR, BEGIN, events[at : at + step], b"")


def arriving(tickets: int, draw: random.Random) -> Iterator[bytes]:
    for serial in range(tickets):
        if draw.random() < ARRIVAL:
            block, place = serial >> PLACE_BITS, serial % PLACES
            creative = 1 + serial % CREATIVES
            for kind in range(1 + (draw.random() < 0.4)):
                yield EVENT.pack(1, block, place, kind, SITE, SLOT, 0, CAMPAIGN, creative)

"""Which server holds what: the places of a store, each of which can be read in one instant.

One server, embedded or behind sentinels, is one place. Of a Cluster, each shard and the catalog
is one, on the master that has its slot; there is no instant of several of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from redis.cluster import RedisCluster

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import Client
from adserver.store.keys import Keys

# Keys that one SCAN looks at: a fraction of a millisecond of the server's time.
SCAN_KEYS = 1_000
CATALOG = "catalog"


@dataclass(frozen=True, slots=True)
class Place:
    """server: a client of the server that holds it. pattern: of its keys, as SCAN matches them."""

    server: Any
    pattern: str

    def names(self) -> Iterator[bytes]:
        """Each key once, and no key of another namespace."""
        yield from set(self.server.scan_iter(match=self.pattern, count=SCAN_KEYS))


def places(client: Client, keys: Keys) -> list[Place]:
    """The catalog's last: it is then at least as new as the counts that refer to it."""
    if not isinstance(client, RedisCluster):
        return [Place(client, f"{keys.namespace}:{{*}}:*")]
    tags = [*map(str, range(keys.shards)), CATALOG]
    return [place_of(client, f"{keys.namespace}:{{{tag}}}:") for tag in tags]


def place_of(cluster: RedisCluster, beginning: str) -> Place:
    node = cluster.get_node_from_key(beginning)  # type: ignore[no-untyped-call]
    if node is None:
        raise StoreUnavailable(f"no node of the Cluster serves the slot of {beginning}")
    server: redis.Redis = cluster.get_redis_connection(node)
    return Place(server, f"{beginning}*")

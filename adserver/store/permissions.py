"""Which commands our user of the store needs; docs/operating.md has them as an ACL.

Asked for before anything is written: a script that meets a command which it may not run has
already done what stands above it.
"""

from __future__ import annotations

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import Client, answering
from adserver.store.keys import Keys
from adserver.store.script import Script

# What our scripts and calls do to keys. Without `eval` and `evalsha` there is no asking.
COMMANDS = (
    *("exists", "expire", "get", "mget", "set", "incr", "strlen", "bitfield", "time"),
    *("hdel", "hexists", "hget", "hgetall", "hincrby", "hlen", "hmget", "hset", "hsetnx"),
    "hstrlen",
    *("unlink", "zadd", "zcard", "zrangebyscore", "zrem", "zscore"),
)


def check_user(client: Client, keys: Keys) -> None:
    """StoreUnavailable names the commands that are missing, or says that the store is away."""
    permitted = Script.named("permitted")
    # Each master of a Cluster has users of its own.
    places = [keys.live, *(keys.totals(shard) for shard in range(keys.shards))]
    with answering():
        missing = {name for key in places for name in permitted.run(client, [key], [*COMMANDS])}
    if missing:
        named = ", ".join(sorted(name.decode() for name in missing))
        raise StoreUnavailable(
            f"the store refused: its user may not run {named} on keys that begin with "
            f"{keys.namespace}: (docs/operating.md has the ACL that is needed)"
        )

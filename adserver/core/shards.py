"""Where in the store an event is counted: which of the shards that a Cluster's masters share."""

from __future__ import annotations


def shard_of(writer: int, block: int, shards: int) -> int:
    """All tickets of a bitmap lie together, the bitmaps of a writer one after the other."""
    return (writer + block) % shards

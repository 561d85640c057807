"""Where in the store an event is counted: which of the shards that a Cluster's masters share.

All that is counted of a campaign lies together, so that its limits can be kept by one script
call: a ticket is numbered in a bitmap of its campaign's shard.
"""

from __future__ import annotations

# A writer's tickets, by the bitmap that remembers their events.
PLACE_BITS = 16
PLACES = 1 << PLACE_BITS


def shard_of(writer: int, block: int, shards: int) -> int:
    """All tickets of a bitmap lie together, the bitmaps of a writer one after the other."""
    return (writer + block) % shards


def shard_of_campaign(campaign: int, shards: int) -> int:
    """campaign: its number."""
    return campaign % shards


class Serials:
    """Serial numbers of a writer's tickets, by shard: each has every so many'th of its bitmaps."""

    def __init__(self, writer: int, shards: int) -> None:
        self._shards = shards
        first = [(shard - writer) % shards for shard in range(shards)]
        self._next = [block << PLACE_BITS for block in first]

    def take(self, shard: int) -> int:
        serial = self._next[shard]
        self._next[shard] = after = serial + 1
        if after % PLACES == 0:
            self._next[shard] = after + (self._shards - 1) * PLACES
        return serial

"""Where in the store an event is counted: which of the shards that a Cluster's masters share.

All that is counted of a campaign lies together, so that its limits can be kept by one script
call: an event goes to its campaign's shard. A ticket is numbered in a bitmap of that shard, so
that none lies in several of them; one that was issued before the number of shards changed is
looked for in its campaign's shard as well, where the move has put a copy of its bitmap.
"""

from __future__ import annotations

# A writer's tickets, by the bitmap that remembers their events.
PLACE_BITS = 16
PLACES = 1 << PLACE_BITS


def shard_of(writer: int, block: int, shards: int) -> int:
    """The shard whose campaigns' tickets are numbered in a bitmap: a writer's take turns."""
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

    def take(self, campaign: int) -> int:
        """The next one for a campaign, by its number."""
        shard = campaign % self._shards  # as `shard_of_campaign`
        serial = self._next[shard]
        self._next[shard] = after = serial + 1
        if after % PLACES == 0:
            self._next[shard] = after + (self._shards - 1) * PLACES
        return serial

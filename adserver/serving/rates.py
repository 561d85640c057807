"""Rules that count what one address does: too many events, clicks on too many campaigns.

What is counted is in memory that a node's workers share: under a salted hash, for a day at most,
in a fixed size whatever comes. Nodes do not tell each other.
"""

from __future__ import annotations

import mmap
import sys
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from adserver.core import distinct, sketch
from adserver.core.distinct import Distinct
from adserver.core.events import Kind, bit_of
from adserver.core.invalid import Rule
from adserver.core.rate_limits import RateLimits
from adserver.core.sketch import MOST, Sketch
from adserver.core.whereabouts import counted_bytes
from adserver.serving import salt
from adserver.serving.invalid import Facts, Holds
from adserver.serving.readers import Readers
from adserver.serving.salt import SharedSalt

MINUTE_SECONDS, HOUR_MINUTES, DAY_MINUTES = 60, 60, 1_440
# The salt has a page of its own, so that what follows is aligned.
SALT_BYTES = 4_096
MEMORY_BYTES = SALT_BYTES + sketch.MEMORY_BYTES + distinct.MEMORY_BYTES
# Of a place's hash, by the event's kind: which bits are its key. Behind them: which bitmap.
KEY_SHIFT = [kind * sketch.KEY_BITS for kind in Kind]
BITMAP_SHIFT = len(Kind) * sketch.KEY_BITS


class Shared(NamedTuple):
    """memory: of MEMORY_BYTES, zeros at first, made before the workers were forked. lock: a file,
    as `SharedSalt` takes it."""

    memory: mmap.mmap
    lock: Path


def shared_memory() -> mmap.mmap:
    """Kept out of core dumps, where the system can."""
    memory = mmap.mmap(-1, MEMORY_BYTES)
    if sys.platform == "linux":
        memory.madvise(mmap.MADV_DONTDUMP)
    return memory


class Rates:
    """limits: above which events do not count. has_seen: whether an event (`Event.bit`) is known
    to have been counted, so that it is a duplicate and adds nothing.

    shared: with the node's other workers; None for one that is alone. clock: UTC seconds.
    """

    def __init__(
        self,
        limits: RateLimits,
        readers: Readers,
        has_seen: Callable[[int], bool],
        shared: Shared | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        whole = memoryview(shared.memory if shared else bytearray(MEMORY_BYTES))
        counted = whole[SALT_BYTES:]
        self._salt = SharedSalt(
            whole[: salt.MEMORY_BYTES], counted, shared.lock if shared else None
        )
        self._sketch = Sketch(counted[: sketch.MEMORY_BYTES])
        self._distinct = Distinct(counted[sketch.MEMORY_BYTES :])
        self._readers = readers
        self._has_seen = has_seen
        self._clock = clock
        self._of_address = [limits.of(kind, "address") for kind in Kind]
        self._of_network = [limits.of(kind, "network") for kind in Kind]
        self._campaigns = limits.campaigns
        # Of 1970 and of the day, and the salt then.
        self._now = self._minute = 0
        self._keyed: blake2b | None = None

    @property
    def rules(self) -> dict[Rule, Holds]:
        return {
            Rule.RATE_LIMITED: self.too_many_events,
            Rule.CLICKS_MANY_CAMPAIGNS: self.too_many_campaigns,
        }

    def too_many_events(self, facts: Facts) -> bool:
        address = self._readers.address(facts)
        if address is None:
            return False
        kind, ticket = facts.kind, facts.ticket
        if self._has_seen(bit_of(ticket.writer, ticket.serial, kind)):
            return False
        keyed = self._at_this_minute()
        if keyed is None:
            return False
        minute, shift = self._minute, KEY_SHIFT[kind]
        of_address, of_network = keys(keyed, address)
        here, hourly = self._sketch.add(of_address >> shift, minute)
        most_here, most_hourly = self._of_address[kind]
        if here > most_here or hourly > most_hourly:
            return True  # and adds nothing to its network: its neighbours have done nothing
        here, hourly = self._sketch.add(of_network >> shift, minute)
        most_here, most_hourly = self._of_network[kind]
        return here > most_here or hourly > most_hourly

    def too_many_campaigns(self, facts: Facts) -> bool:
        if facts.kind is not Kind.CLICK or self._campaigns == MOST:
            return False
        address = self._readers.address(facts)
        if address is None:
            return False
        keyed = self._at_this_minute()
        if keyed is None:
            return False
        of_address, _ = keys(keyed, address)
        campaign = keyed.copy()
        campaign.update(b"campaign %d" % facts.ticket.campaign)
        what, hour = int.from_bytes(campaign.digest()), self._minute // HOUR_MINUTES
        return self._distinct.add(of_address >> BITMAP_SHIFT, what, hour) > self._campaigns

    def _at_this_minute(self) -> blake2b | None:
        """The day's salt, as `SharedSalt.of` has it; sets the minute."""
        now = int(self._clock()) // MINUTE_SECONDS
        if now != self._now:
            self._keyed = self._salt.of(now // DAY_MINUTES)
            self._minute = now % DAY_MINUTES
            self._now = now if self._keyed is not None else 0
        return self._keyed

    async def look(self) -> None:
        """Forget yesterday's salt where nobody comes, too, or where it could not be had at once."""
        self._now = 0
        self._at_this_minute()

    def close(self) -> None:
        self._salt.close()


def keys(keyed: blake2b, address: bytes) -> tuple[int, int]:
    """The hashes of an address and of its network, which it begins with."""
    network_bytes, address_bytes = counted_bytes(address)
    one = keyed.copy()
    one.update(address[:network_bytes])
    network = one.digest()
    one.update(address[network_bytes:address_bytes])
    return int.from_bytes(one.digest()), int.from_bytes(network)

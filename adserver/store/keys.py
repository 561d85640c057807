"""Every Redis key, with its type, its life and who writes it; docs/redis-keys.md has the shapes.

All begin with the namespace and a colon. `{0}` is a Cluster hash tag: what one script call
changes lives in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARD = "{0}"
BITS_PER_TICKET = 3
# 24 KiB a bitmap: small enough to grow at no noticeable cost, large enough that keys stay few.
TICKETS_PER_BLOCK = 65_536
# Past a ticket's life, so that no clock that is a little off forgets a bit too soon.
SLACK_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Keys:
    namespace: str

    @property
    def live(self) -> str:
        """string, permanent, written by apply: the live generation's number"""
        return f"{self.namespace}:live"

    def generation(self, number: int) -> str:
        """hash, permanent, written by apply: the catalog, and who applied it when and why"""
        return f"{self.namespace}:generation:{number}"

    @property
    def numbers(self) -> str:
        """hash, permanent, written by apply: name → its permanent number; `#kind` → the last"""
        return f"{self.namespace}:numbers"

    @property
    def creatives(self) -> str:
        """hash, permanent, written by apply: creative's number → what it last looked like"""
        return f"{self.namespace}:creatives"

    def asset(self, digest: str) -> str:
        """hash, permanent, written by apply: a picture or an HTML document, by its content"""
        return f"{self.namespace}:asset:{digest}"

    @property
    def nodes(self) -> str:
        """hash, permanent, written by workers: worker → its generation, and when it was seen"""
        return f"{self.namespace}:nodes"

    def writer(self, writer: int) -> str:
        """string, a ticket's life + 1 h, renewed by its worker: a writer number that is taken"""
        return f"{self.namespace}:{SHARD}:writer:{writer}"

    def ledger(self, writer: int) -> str:
        """string, a ticket's life + 1 h, renewed by its worker: its last sequence that was added"""
        return f"{self.namespace}:{SHARD}:ledger:{writer}"

    def seen(self, writer: int, block: int) -> str:
        """string (bitmap), a ticket's life + 1 h, renewed by each event: 3 bits a ticket"""
        return f"{self.namespace}:{SHARD}:seen:{writer}:{block}"

    @property
    def hours(self) -> str:
        """sorted set, permanent, written by workers: names of hours that have counts"""
        return f"{self.namespace}:{SHARD}:hours"

    def counts(self, hour: str) -> str:
        """hash, permanent, written by workers: `metric:creative:slot:site` → how often"""
        return f"{self.namespace}:{SHARD}:counts:{hour}"

    @property
    def totals(self) -> str:
        """hash, permanent, written by workers: `metric:creative` → how often, ever"""
        return f"{self.namespace}:{SHARD}:totals"


def bit_of(serial: int, kind: int) -> tuple[int, int]:
    """(block, bit) of one event of a writer's ticket."""
    block, place = divmod(serial, TICKETS_PER_BLOCK)
    return block, place * BITS_PER_TICKET + kind

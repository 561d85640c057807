"""Every Redis key, with its type, its life and who writes it; docs/redis-keys.md has the shapes.

All begin with the namespace and a colon. What stands in braces is a Cluster hash tag: what one
script call changes lives in one place. Of the catalog there is one such place; counts are spread
over `shards` of them, one everywhere but on Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

# Masters share them; enough for a Cluster of sixteen, few enough to ask all of them each second.
CLUSTER_SHARDS = 16
# Beyond a ticket's life and the longest delay, so that no clock that is an hour off, and no
# record that is counted by its whole hour, forgets a bit too soon.
SLACK_SECONDS = 7_200


@dataclass(frozen=True, slots=True)
class Keys:
    namespace: str
    shards: int = 1

    def _catalog(self, rest: str) -> str:
        return f"{self.namespace}:{{catalog}}:{rest}"

    def _shard(self, shard: int | str, rest: str) -> str:
        return f"{self.namespace}:{{{shard}}}:{rest}"

    @property
    def live(self) -> str:
        """string, permanent, written by apply: the live generation's number"""
        return self._catalog("live")

    def generation(self, number: int) -> str:
        """hash, permanent, written by apply, rollback: the catalog, who applied it when and why"""
        return self._catalog(f"generation:{number}")

    @property
    def pauses(self) -> str:
        """hash, permanent, written by pause and resume: target → until when, and by whom"""
        return self._catalog("pauses")

    @property
    def pauses_version(self) -> str:
        """string, permanent, written by pause and resume: another one each time, at random"""
        return self._catalog("pauses:version")

    @property
    def pauses_log(self) -> str:
        """sorted set, permanent, written by pause and resume: the last acts, by when they were"""
        return self._catalog("pauses:log")

    @property
    def numbers(self) -> str:
        """hash, permanent, written by apply: name → its permanent number; `#kind` → the last"""
        return self._catalog("numbers")

    @property
    def creatives(self) -> str:
        """hash, permanent, written by apply: creative's number → what it last looked like"""
        return self._catalog("creatives")

    def asset(self, digest: str) -> str:
        """hash, permanent, written by apply: a picture or an HTML document, by its content"""
        return self._catalog(f"asset:{digest}")

    def source(self, digest: str) -> str:
        """string, permanent, written by apply: a file as it was applied, by its content"""
        return self._catalog(f"source:{digest}")

    @property
    def contents(self) -> str:
        """sorted set, permanent, written by apply: assets and sources, by the last generation that
        needs them"""
        return self._catalog("contents")

    @property
    def kept(self) -> str:
        """hash, permanent, written by the admin process: the oldest generation whose content is
        kept (`content`), and the oldest of which anything is (`record`)"""
        return self._catalog("kept")

    @property
    def nodes(self) -> str:
        """hash, permanent, written by workers: worker → its generation, and when it was seen"""
        return self._catalog("nodes")

    @property
    def signing_keys(self) -> str:
        """hash, permanent, written by nodes and `keys`: fingerprints of the signing keys in use"""
        return self._catalog("keys")

    @property
    def identity(self) -> str:
        """string, permanent, written by nodes: made at random, the name that this store keeps"""
        return self._catalog("identity")

    def writer(self, writer: int) -> str:
        """string, two tickets' lives + 2 h, renewed by its worker: a writer number that is taken"""
        return self._catalog(f"writer:{writer}")

    @property
    def moved(self) -> str:
        """hash, permanent, written by store move: where this one has gone, or what fills it"""
        return self._catalog("moved")

    @property
    def traffic(self) -> str:
        """hash, permanent, written by the admin process: slot → its history; `#through` → until"""
        return self._catalog("traffic")

    def up(self, day: int) -> str:
        """string (bitmap), 35 days, renewed by the admin process: minutes in which ads were served

        day: since 1970, of UTC.
        """
        return self._catalog(f"up:{day}")

    def samples(self, slot: int, day: int) -> str:
        """hash, 9 days, renewed by workers: tag → a request's context; `#seen`, `#below`

        day: since 1970, of UTC.
        """
        return self._catalog(f"samples:{slot}:{day}")

    def ledger(self, shard: int, writer: int, epoch: int) -> str:
        """string, two tickets' lives + 2 h, renewed by its worker: the last record applied"""
        return self._shard(shard, f"ledger:{writer}:{epoch}")

    def seen(self, shard: int, writer: int, block: int) -> str:
        """string (bitmap), two tickets' lives + 2 h, renewed by each event: 3 bits a ticket"""
        return self._shard(shard, f"seen:{writer}:{block}")

    def lease(self, shard: int, campaign: int) -> str:
        """hash, two tickets' lives + 2 h, renewed by workers: a campaign's limits, and room"""
        return self._shard(shard, f"lease:{campaign}")

    def fence(self, shard: int) -> str:
        """hash, two tickets' lives + 2 h, renewed by workers: how long it was asked for leases"""
        return self._shard(shard, "fence")

    def through(self, shard: int) -> str:
        """sorted set, two tickets' lives + 2 h, renewed by workers: journal → shipped up to when"""
        return self._shard(shard, "through")

    def heard(self, shard: int) -> str:
        """sorted set, two tickets' lives + 2 h, renewed by workers: journal → last spoken for"""
        return self._shard(shard, "heard")

    def hours(self, shard: int) -> str:
        """sorted set, permanent, written by workers: names of hours that have counts"""
        return self._shard(shard, "hours")

    def counts(self, shard: int, hour: str) -> str:
        """hash, permanent, written by workers: `metric:creative:slot:site` → how often"""
        return self._shard(shard, f"counts:{hour}")

    def days(self, shard: int) -> str:
        """sorted set, permanent, written by the admin process: names of days that have counts"""
        return self._shard(shard, "days")

    def daily(self, shard: int, day: str) -> str:
        """hash, permanent, written by the admin process: a day's rows, once its hours are old"""
        return self._shard(shard, f"daily:{day}")

    def totals(self, shard: int) -> str:
        """hash, permanent, written by workers: `metric:creative` → how often, ever"""
        return self._shard(shard, "totals")

    def changes(self, shard: int) -> str:
        """sorted set, permanent, written by workers: creative → the number of its last change"""
        return self._shard(shard, "changes")

    def change(self, shard: int) -> str:
        """string, permanent, written by workers: how many changes of totals there were"""
        return self._shard(shard, "change")

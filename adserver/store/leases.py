"""Leases of room in the store: one script call for many campaigns of a shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adserver.core.events import METRIC_OF
from adserver.core.leases import Grant
from adserver.core.ports.commands import Reserved
from adserver.core.ports.serving import Granted, Spoken, Wanted
from adserver.core.shards import shard_of_campaign
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.keys import SLACK_SECONDS, Keys
from adserver.store.line import line_to
from adserver.store.script import Part, Script

NO_LIMIT = -1
BEGIN_DAY = -1
FIELDS = 8


class StoredLeases:
    """`core.ports.serving.Leases` on Redis.

    ticket_life: seconds in which a ticket's events count.
    """

    def __init__(self, client: AsyncClient, keys: Keys, ticket_life: int) -> None:
        self._keys = keys
        self._life = 2 * ticket_life + SLACK_SECONDS
        self._lines = [line_to(client) for _ in range(keys.shards)]
        self._lease = Script.named("lease")
        self._today = Script.named("today")
        # The store's own clock; a test of days has no time for them.
        self.now: float | str = ""

    @property
    def shards(self) -> int:
        return self._keys.shards

    async def ask(self, shard: int, wanted: Sequence[Wanted], spoken: Sequence[Spoken]) -> Granted:
        keys = self._keys
        names = [
            keys.fence(shard),
            keys.through(shard),
            keys.heard(shard),
            keys.totals(shard),
            *(keys.lease(shard, one.campaign) for one in wanted),
            *(keys.ledger(shard, *one.source) for one in spoken),
        ]
        args: list[Part] = [self.now, self._life, len(wanted)]
        for one in wanted:
            args += parts_of(one)
        for said in spoken:
            name = f"{said.source.writer}:{said.source.epoch}"
            args += [name, said.ledger, f"{said.through:.3f}", int(said.done)]
        now, workers, *found = map(int, await self._lines[shard].run(self._lease, names, args))
        rows = [found[at : at + FIELDS] for at in range(0, len(found), FIELDS)]
        return Granted(now / 1000, workers, [grant_of(*row) for row in rows])

    async def begin_day(self, shard: int, wanted: Wanted, hours: Sequence[str]) -> None:
        names = [
            self._keys.lease(shard, wanted.campaign),
            *(self._keys.counts(shard, hour) for hour in hours),
        ]
        metric = METRIC_OF[wanted.limits.unit.kind]
        args: list[Part] = [metric, *wanted.day, words(wanted.creatives)]
        await self._lines[shard].run(self._today, names, args)

    async def close(self) -> None:
        for line in self._lines:
            await line.close()


class StoredKnownLeases:
    """`core.ports.commands.KnownLeases` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def reserved(self, campaigns: Sequence[int]) -> Mapping[int, Reserved]:
        shards: dict[int, list[int]] = {}
        for campaign in campaigns:
            shards.setdefault(shard_of_campaign(campaign, self._keys.shards), []).append(campaign)
        found: dict[int, Reserved] = {}
        with answering():
            for shard, some in shards.items():
                pipeline = self._client.pipeline(transaction=False)
                for campaign in some:
                    pipeline.hmget(self._keys.lease(shard, campaign), KEPT)
                for campaign, fields in zip(some, pipeline.execute(), strict=True):
                    if any(field is not None for field in fields):
                        found[campaign] = reserved_of(*fields)
        return found


# Of a campaign's hash, what `lease.lua` writes of how far it is.
KEPT = ("reserved", "today", "day", "day_end")


def reserved_of(
    ever: bytes | None, today: bytes | None, day: bytes | None, day_end: bytes | None
) -> Reserved:
    kept = (int(day), int(day_end)) if day and day_end else None
    return Reserved(int(ever or 0), int(today or 0), kept)


def parts_of(wanted: Wanted) -> list[Part]:
    limits, ask = wanted.limits, wanted.ask
    return [
        wanted.generation,
        METRIC_OF[limits.unit.kind],
        limits.ever,
        limits.a_day,
        *wanted.day,
        words(wanted.creatives),
        ask.wanted,
        f"{ask.rate:.6f}",
        ",".join(f"{until} {many}" for until, many in ask.back),
        f"{ask.patience:.0f}",
    ]


def words(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def grant_of(granted: int, *told: int) -> Grant | None:
    """What the script says of a campaign."""
    if granted == BEGIN_DAY:
        return None
    until, serve_until, free, free_today, *counted = told
    return Grant(granted, until, serve_until, known(free), known(free_today), *counted)


def known(free: int) -> int | None:
    return None if free == NO_LIMIT else free

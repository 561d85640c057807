"""What reports and the delivery metrics read: rows of hours, and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adserver.core.events import Delivered, Metric, Row
from adserver.core.hour import Hour, day_name, hour_named
from adserver.core.publication import KnownCreative
from adserver.store import codec
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.counts import read_rows
from adserver.store.keys import Keys

Fields = dict[bytes, bytes]


class StoredTotals:
    """`core.ports.commands.Totals` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def rows(self, since: float, until: float) -> list[Row]:
        with answering():
            return [
                row
                for shard in range(self._keys.shards)
                for row in self._shard_rows(shard, since, until)
            ]

    def _shard_rows(self, shard: int, since: float, until: float) -> Iterator[Row]:
        window = (since, f"({until}")
        hours: dict[str, list[Hour]] = {}
        for name, begin in self._named(self._keys.hours(shard), window):
            hours.setdefault(day_name(name), []).append(hour_named(name, begin))
        days = [name for name, _ in self._named(self._keys.days(shard), window)]
        for day in sorted({*hours, *days}):
            midnight, daily, counts = self._day(shard, day, hours.get(day, []))
            if midnight is not None and since <= midnight < until:
                yield from read_rows(midnight, daily.items(), day)
            for hour, fields in zip(hours.get(day, []), counts, strict=True):
                yield from read_rows(hour.begin, fields.items())

    def _named(self, key: str, window: tuple[float, str]) -> list[tuple[str, int]]:
        """Hours or days by name, with their beginnings."""
        found = self._client.zrangebyscore(key, *window, withscores=True)
        return [(name.decode(), int(begin)) for name, begin in found]

    def _day(self, shard: int, day: str, hours: Sequence[Hour]) -> tuple[int | None, Fields, Any]:
        """When the day began if it has rows of its own, these, and those of its hours: all of
        one instant, as the hours may be folded into the day while we read."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.zscore(self._keys.days(shard), day)
        pipeline.hgetall(self._keys.daily(shard, day))
        for hour in hours:
            pipeline.hgetall(self._keys.counts(shard, hour.name))
        begin, daily, *counts = pipeline.execute()
        return None if begin is None else int(begin), daily, counts

    def delivered(self) -> Delivered:
        found: Counter[tuple[Metric, int]] = Counter()
        with answering():
            for shard in range(self._keys.shards):
                for field, count in self._client.hgetall(self._keys.totals(shard)).items():
                    metric, creative = field.decode().split(":")
                    found[Metric(metric), int(creative)] += int(count)
        return found

    def through(self) -> float | None:
        with answering():
            least = [
                self._client.zrangebyscore(
                    self._keys.through(shard), "-inf", "+inf", 0, 1, withscores=True
                )
                for shard in range(self._keys.shards)
            ]
        # A journal is at 0 while a store that has rolled back is sent it again.
        return min((float(score) for found in least for _, score in found), default=0.0) or None

    def numbers(self) -> Mapping[str, int]:
        with answering():
            return read_numbers(self._client.hgetall(self._keys.numbers))

    def known_creatives(self) -> Mapping[int, KnownCreative]:
        with answering():
            fields = self._client.hgetall(self._keys.creatives)
        return {int(n): codec.KNOWN_CREATIVE.validate_json(v) for n, v in fields.items()}


async def delivered(client: AsyncClient, keys: Keys) -> dict[tuple[Metric, int], int]:
    """How often, ever: (metric, creative number) → count."""
    reader: Any = client
    with answering():
        shards = [await reader.hgetall(keys.totals(shard)) for shard in range(keys.shards)]
    found: Counter[tuple[Metric, int]] = Counter()
    for field, count in (pair for fields in shards for pair in fields.items()):
        metric, creative = field.decode().split(":")
        found[Metric(metric), int(creative)] += int(count)
    return dict(found)


async def numbers(client: AsyncClient, keys: Keys) -> dict[str, int]:
    """As `core.ports.commands.Totals` has them."""
    reader: Any = client
    with answering():
        return read_numbers(await reader.hgetall(keys.numbers))


def read_numbers(fields: Fields) -> dict[str, int]:
    return {
        name.decode(): int(number) for name, number in fields.items() if not name.startswith(b"#")
    }

"""What reports and the delivery metrics read: rows of hours, and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from adserver.core.events import Metric, Row
from adserver.core.ports import KnownCreative
from adserver.store import codec
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.counts import read_rows
from adserver.store.keys import Keys


class StoredTotals:
    """`core.ports.Totals` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def rows(self, since: float, until: float) -> list[Row]:
        with answering():
            return [
                row
                for shard in range(self._keys.shards)
                for name, begin in self._client.zrangebyscore(
                    self._keys.hours(shard), since, f"({until}", withscores=True
                )
                for row in read_rows(
                    int(begin),
                    self._client.hgetall(self._keys.counts(shard, name.decode())).items(),
                )
            ]

    def numbers(self) -> Mapping[str, int]:
        with answering():
            fields = self._client.hgetall(self._keys.numbers)
        return {
            name.decode(): int(number)
            for name, number in fields.items()
            if not name.startswith(b"#")
        }

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

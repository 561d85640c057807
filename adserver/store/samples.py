"""Samples of contexts in the store: of each slot and UTC day a hash, merged by one script call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from adserver.core.catalog import Device
from adserver.core.context import Context
from adserver.core.samples import DAY_SECONDS, DAYS_KEPT, MAX_SAMPLE_BYTES, Sample, Taken
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.keys import Keys
from adserver.store.line import line_to
from adserver.store.script import Part, Script

# A day longer than they are asked for.
SAMPLES_SECONDS = (DAYS_KEPT + 1) * DAY_SECONDS
# Draws are multiples of 2^-53.
TAGS = 1 << 53


def write_tag(tag: float) -> str:
    return f"{int(tag * TAGS):014x}"


def read_tag(written: bytes) -> float:
    return int(written, 16) / TAGS


def write_context(context: Context) -> bytes:
    """Device, site, address and facts as JSON; of one that is too long, device and site alone."""
    written = orjson.dumps((context.device, context.site, context.url, context.facts))
    if len(written) > MAX_SAMPLE_BYTES:
        written = orjson.dumps((context.device, context.site, "", ()))
    return written


def read_context(written: bytes) -> Context:
    """ValueError for what is none."""
    device, site, url, facts = orjson.loads(written)
    return Context(
        site=site,
        url=url,
        device=Device(device),
        facts=tuple((name, tuple(values)) for name, values in facts),
    )


class StoredSamples:
    """`core.ports.serving.Samples` on Redis."""

    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._line = line_to(client)
        self._sample = Script.named("sample")

    async def add(self, taken: Taken, most: int) -> float:
        args: list[Part] = [SAMPLES_SECONDS, most, taken.seen, write_tag(taken.below)]
        for tag, context in taken.samples.items():
            args += [write_tag(tag), write_context(context)]
        key = self._keys.samples(taken.slot, taken.day)
        return read_tag(await self._line.run(self._sample, [key], args))

    async def samples(self, slot: int, now: float) -> list[Sample]:
        """As `core.ports.commands.KnownSamples` has them."""
        with answering():
            days = [await self._client.hgetall(key) for key in recent(self._keys, slot, now)]
        return [sample for fields in days for sample in weighted(fields)]


def recent(keys: Keys, slot: int, now: float) -> list[str]:
    today = int(now // DAY_SECONDS)
    return [keys.samples(slot, day) for day in range(today - DAYS_KEPT + 1, today + 1)]


class StoredKnownSamples:
    """`core.ports.commands.KnownSamples` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def samples(self, slot: int, now: float) -> list[Sample]:
        with answering():
            days = [self._client.hgetall(key) for key in recent(self._keys, slot, now)]
        return [sample for fields in days for sample in weighted(fields)]


def weighted(fields: Mapping[bytes, bytes]) -> list[Sample]:
    """A day's samples; together they stand for all of its requests."""
    contexts = list(contexts_of(fields))
    seen = int(fields.get(b"#seen", 0))
    return [Sample(context, seen / len(contexts)) for context in contexts]


def contexts_of(fields: Mapping[bytes, bytes]) -> Iterator[Context]:
    for name, written in fields.items():
        if not name.startswith(b"#"):
            try:
                yield read_context(written)
            except ValueError:
                continue  # of another release

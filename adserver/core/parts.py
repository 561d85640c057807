"""From the records of a journal to what each shard of the store is sent."""

from __future__ import annotations

from typing import NamedTuple

from adserver.core.batch import Mark, Part
from adserver.core.hour import Hour
from adserver.core.record import Content, split


class Written(NamedTuple):
    """What a record of the journal holds, or several of one hour in a row; `mark` is the last's."""

    mark: Mark
    content: Content
    payload: bytes
    hour: Hour


def part_of(  # noqa: PLR0913 - a record and where it is to go
    content: Content, payload: bytes, mark: Mark, hour: Hour, writer: int, shard: int, shards: int
) -> Part | None:
    """What a record holds for a shard; None if nothing. Tallies go where their writer's do."""
    if content is Content.EVENTS:
        events = split(payload, shards).get(shard)
        return Part(*mark, hour, events) if events else None
    if content is Content.TALLIES and writer % shards == shard:
        return Part(*mark, hour, b"", payload)
    return None

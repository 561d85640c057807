"""From the records of a journal to what each shard of the store is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adserver.core.batch import MAX_EVENTS_PER_BATCH, Mark, Part
from adserver.core.hour import Hour
from adserver.core.record import EVENT, Content, split


class Written(NamedTuple):
    """A record that is in the journal, and what it holds."""

    mark: Mark
    content: Content
    payload: bytes
    hour: Hour


def put_together(written: Sequence[Written]) -> Iterator[Written]:
    """Events that follow each other as if they were of one record, the last: where shipments
    end is free, and a shipment of many records costs as much as one of a few."""
    payloads: list[bytes] = []
    room, last = 0, None
    for one in written:
        events, length = one.content is Content.EVENTS, len(one.payload)
        if last is not None and not (events and length <= room and one.hour is last.hour):
            yield last._replace(payload=b"".join(payloads))
            last = None
        if not events:
            yield one
            continue
        if last is None:
            payloads, room = [], MAX_EVENTS_PER_BATCH * EVENT.size
        payloads.append(one.payload)
        room, last = room - length, one
    if last is not None:
        yield last._replace(payload=b"".join(payloads))


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

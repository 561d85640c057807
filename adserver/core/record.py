"""The bytes of a journal: records in a row, each numbered, all chained by one CRC-32.

    file    = head record*
    head    = magic 8 · writer 4 · epoch 4 · sequence before the first record 8 · chain there 4
              · crc of all that 4
    record  = length 4 · length again, its bits turned 4 · chain 4 · kind 1 · payload

The chain of a record is the CRC-32 of its kind and payload, begun with the chain of the record
before it: a record that is missing, doubled or moved breaks it like a flipped bit. A record
has no number of its own; it is counted from the head. What a crash leaves of a write is *torn*
and dropped, as nobody was told of it; anything else that does not fit is *damaged*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum, StrEnum
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from adserver.core.events import Event, Kind, Tally
from adserver.core.hour import HOUR_SECONDS, Hour
from adserver.core.shards import PLACE_BITS, shard_of_campaign

MAGIC = b"adsjrnl1"  # the digit is the version
HEAD = Struct(">8sIIQI")
CRC = Struct(">I")
HEAD_BYTES = HEAD.size + CRC.size
FRAME = Struct(">III")
KINDS = [bytes([kind]) for kind in range(4)]
TURNED = 0xFFFF_FFFF
# Larger is damage: a batch of 1,000 events is 24 kB, 1,000 tallies are 50.
MAX_RECORD_BYTES = 256 * 1024

# writer 4 · block 2 · place 2 · kind 1 · site 1 · slot 2 · until 4 · campaign 4 · creative 4;
# count.lua reads it too. MATCHED is added to the kind.
EVENT = Struct(">IHHBBHIII")
MATCHED = 4
BITMAP = Struct(">IH")  # the beginning of an event: which bitmap
CAMPAIGN, CAMPAIGN_AT = Struct(">I"), 16


class Content(IntEnum):
    """A record's first byte."""

    HOUR = 1  # the hour of all that follows: its beginning 8, its name
    EVENTS = 2
    TALLIES = 3  # lines of "metric:creative:slot:site count"


class Head(NamedTuple):
    """Of a file. sequence, chain: of the last record before it."""

    writer: int
    epoch: int
    sequence: int
    chain: int


class Found(NamedTuple):
    """A record as it was read; `end` is the offset behind it."""

    content: Content
    payload: bytes
    chain: int
    end: int


class Stop(StrEnum):
    """Why there is no further record at an offset."""

    END = "end"
    TORN = "torn"
    DAMAGED = "damaged"


def pack_head(head: Head) -> bytes:
    packed = HEAD.pack(MAGIC, *head)
    return packed + CRC.pack(crc32(packed))


def read_head(data: bytes) -> Head | Stop:
    if len(data) < HEAD_BYTES or not any(data[:HEAD_BYTES]):
        return Stop.TORN
    magic, *fields = HEAD.unpack_from(data)
    if magic != MAGIC or CRC.unpack_from(data, HEAD.size)[0] != crc32(data[: HEAD.size]):
        return Stop.DAMAGED
    return Head(*fields)


def pack_record(content: Content, payload: bytes, chain: int) -> tuple[bytes, int]:
    """The record's bytes, and its chain; `chain` is that of the record before."""
    body = KINDS[content] + payload
    length, chain = len(body), crc32(body, chain)
    return FRAME.pack(length, length ^ TURNED, chain) + body, chain


def read_record(data: bytes, at: int, chain: int) -> Found | Stop:
    """The record at `at`, where `data` ends with its file; `chain` is that of the one before."""
    begin = at + FRAME.size
    # A file that is written through memory is longer than what is in it.
    if not any(data[at:begin]) and blank(data, at):
        return Stop.END
    if begin > len(data):
        return Stop.TORN
    length, turned, told = FRAME.unpack_from(data, at)
    if length != turned ^ TURNED or not 0 < length <= MAX_RECORD_BYTES:
        # A file may have grown before its data were written, in the midst of these twelve bytes
        # where a page ends there: then the rest is zeros.
        return Stop.TORN if blank(data, begin) else Stop.DAMAGED
    return read_body(data, begin, begin + length, chain, told)


def blank(data: bytes, at: int) -> bool:
    """Whether nothing but zeros is left."""
    return data.count(0, at) == len(data) - at


def read_body(data: bytes, begin: int, end: int, chain: int, told: int) -> Found | Stop:
    if end > len(data):
        return Stop.TORN
    body = data[begin:end]
    if crc32(body, chain) == told and body[0] in CONTENTS:
        return Found(Content(body[0]), body[1:], told, end)
    # No record of ours ends in zeros: events end with a creative's number, the others with a
    # letter, digit or newline. Zeros up to the end are what was never written.
    last = 4 if body[0] == Content.EVENTS else 1
    return Stop.TORN if blank(data, end - last) else Stop.DAMAGED


CONTENTS = frozenset(Content)


def pack_event(event: Event) -> bytes:
    kind, writer, serial, creative, slot, site, campaign, until, matched = event
    block, place = serial >> PLACE_BITS, serial & 0xFFFF
    if matched:
        return EVENT.pack(
            writer, block, place, kind | MATCHED, site, slot, until, campaign, creative
        )
    return EVENT.pack(writer, block, place, kind, site, slot, until, campaign, creative)


def read_events(packed: bytes) -> list[Event]:
    return [
        Event(
            Kind(kind & ~MATCHED),
            writer,
            block << PLACE_BITS | place,
            number,
            slot,
            site,
            campaign,
            until,
            bool(kind & MATCHED),
        )
        for writer, block, place, kind, site, slot, until, campaign, number in unpacked(packed)
    ]


def limited_in(events: bytes) -> list[int]:
    """The campaigns of packed events that take room, each once."""
    return list({campaign: None for *_, until, campaign, _ in unpacked(events) if until})


def unpacked(events: bytes) -> Iterator[tuple[int, ...]]:
    return EVENT.iter_unpack(events)


def bitmaps_of(events: bytes) -> list[bytes]:
    """The bitmaps in which packed events lie, each once, as `BITMAP` packs them."""
    size = BITMAP.size
    return list({events[at : at + size]: None for at in range(0, len(events), EVENT.size)})


def split(events: bytes, shards: int) -> Mapping[int, bytes]:
    """Packed events by the shard of their campaign."""
    if shards == 1:
        return {0: events}
    parts: dict[int, list[bytes]] = {}
    for at in range(0, len(events), EVENT.size):
        [campaign] = CAMPAIGN.unpack_from(events, at + CAMPAIGN_AT)
        shard = shard_of_campaign(campaign, shards)
        parts.setdefault(shard, []).append(events[at : at + EVENT.size])
    return {shard: b"".join(some) for shard, some in parts.items()}


def pack_tallies(tallies: Iterable[tuple[Tally, int]]) -> bytes:
    """Rows and how much to add to each."""
    return b"".join(
        f"{metric}:{creative}:{slot}:{site} {count}\n".encode("ascii")
        for (metric, creative, slot, site), count in tallies
    )


def read_tallies(packed: bytes) -> dict[Tally, int]:
    """Rows and how much to add to each, of one record or of several in a row."""
    found: dict[Tally, int] = {}
    for line in packed.decode("ascii").splitlines():
        row, _, count = line.partition(" ")
        metric, creative, slot, site = row.split(":")
        tally = (metric, int(creative), int(slot), int(site))
        found[tally] = found.get(tally, 0) + int(count)
    return found


def pack_hour(hour: Hour) -> bytes:
    return hour.begin.to_bytes(8, "big", signed=True) + hour.name.encode("ascii")


def read_hour(payload: bytes) -> Hour:
    begin = int.from_bytes(payload[:8], "big", signed=True)
    return Hour(payload[8:].decode("ascii"), begin, begin + HOUR_SECONDS)

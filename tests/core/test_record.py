"""A journal's bytes: what was written is read back, and what was not is never taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.events import Event, Kind, Tally
from adserver.core.hour import HOUR_SECONDS, Hour, hour_at
from adserver.core.record import (
    EVENT,
    FRAME,
    HEAD_BYTES,
    MAX_RECORD_BYTES,
    Content,
    Found,
    Head,
    Stop,
    bitmaps_of,
    limited_in,
    pack_event,
    pack_head,
    pack_hour,
    pack_record,
    pack_tallies,
    read_events,
    read_head,
    read_hour,
    read_record,
    read_tallies,
    split,
)
from adserver.core.shards import shard_of_campaign

Record = tuple[Content, bytes]

HEAD = Head(writer=7, epoch=9, sequence=12, chain=0xDEAD_BEEF)

UINT32 = st.integers(0, 2**32 - 1)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    writer=UINT32,
    serial=UINT32,
    creative=st.integers(1, 2**32 - 1),
    slot=st.integers(0, 2**16 - 1),
    site=st.integers(0, 2**8 - 1),
    campaign=UINT32,
    until=UINT32,
    matched=st.booleans(),
)
PACKED_EVENTS = st.lists(EVENTS, min_size=1, max_size=5).map(
    lambda events: b"".join(map(pack_event, events))
)
ROWS: st.SearchStrategy[Tally] = st.tuples(
    st.sampled_from(["s", "r", "n.no_campaign", "i.duplicate"]),
    UINT32,
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**8 - 1),
)
TALLIES = st.dictionaries(ROWS, st.integers(1, 2**53), min_size=1, max_size=4)
HOURS = st.integers(0, 2**32).map(lambda now: hour_at(now, "Europe/Paris"))
RECORDS = st.lists(
    st.one_of(
        st.tuples(st.just(Content.HOUR), HOURS.map(pack_hour)),
        st.tuples(st.just(Content.EVENTS), PACKED_EVENTS),
        st.tuples(st.just(Content.TALLIES), TALLIES.map(lambda t: pack_tallies(t.items()))),
    ),
    min_size=1,
    max_size=4,
)

CLICK = pack_event(Event(Kind.CLICK, 7, 70_000, creative=1, slot=2, site=3))
# The smallest creatives: an event's last four bytes have a single bit set.
SOME: list[Record] = [
    (Content.HOUR, pack_hour(hour_at(1_793_610_000, "Europe/Paris"))),
    (Content.EVENTS, CLICK),
    (Content.TALLIES, pack_tallies([(("s", 1, 2, 3), 4)])),
    (Content.EVENTS, CLICK * 2),
]


def packed(records: Sequence[Record], chain: int = HEAD.chain) -> list[bytes]:
    found = []
    for content, payload in records:
        record, chain = pack_record(content, payload, chain)
        found.append(record)
    return found


def read(data: bytes, chain: int = HEAD.chain) -> tuple[list[Record], Stop]:
    """The records up to the first that is none, and why it is none."""
    records, at = [], 0
    while isinstance(found := read_record(data, at, chain), Found):
        records.append((found.content, found.payload))
        at, chain = found.end, found.chain
    return records, found


@given(st.builds(Head, UINT32, UINT32, st.integers(0, 2**64 - 1), UINT32))
def test_a_head_is_read_as_it_was_written(head: Head) -> None:
    assert len(pack_head(head)) == HEAD_BYTES
    assert read_head(pack_head(head) + b"what follows") == head


def test_a_head_of_which_a_part_was_written_is_torn() -> None:
    for length in range(HEAD_BYTES):
        assert read_head(pack_head(HEAD)[:length]) is Stop.TORN, length


def test_a_head_that_was_never_written_is_torn() -> None:
    assert read_head(bytes(HEAD_BYTES)) is Stop.TORN
    assert read_head(bytes(HEAD_BYTES * 9)) is Stop.TORN


def test_a_head_with_one_bit_turned_is_damaged() -> None:
    for bit in range(HEAD_BYTES * 8):
        assert read_head(turned(pack_head(HEAD), bit)) is Stop.DAMAGED, bit


def turned(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


@given(RECORDS, UINT32)
def test_records_are_read_as_they_were_written(records: list[Record], chain: int) -> None:
    assert read(b"".join(packed(records, chain)), chain) == (records, Stop.END)


def test_a_record_ends_where_the_next_begins() -> None:
    first, second = packed(SOME[:2])
    found = read_record(first + second, 0, HEAD.chain)
    assert isinstance(found, Found)
    assert found.end == len(first)


@pytest.mark.parametrize("zeros", [0, 1, 3, 4, FRAME.size, 4_096])
def test_torn_anywhere_what_is_whole_is_recovered_and_nothing_else(zeros: int) -> None:
    """zeros: the file had grown before its data were written."""
    whole = packed(SOME)
    written = b"".join(whole)
    ends = [sum(map(len, whole[:n])) for n in range(len(whole) + 1)]
    for length in range(len(written) + 1):
        tail = written[length : length + zeros]
        # Bytes that were not written, but are zeros anyway, are as good as written.
        reached = length + len(tail) - len(tail.lstrip(b"\0"))
        data = written[:length] + bytes(zeros)
        records, stop = read(data)
        many = max(n for n, end in enumerate(ends) if end <= reached)
        assert records == SOME[:many], length
        assert stop is (Stop.TORN if any(data[ends[many] :]) else Stop.END), length


@given(RECORDS, st.data())
def test_torn_anywhere_whatever_was_written(records: list[Record], data: st.DataObject) -> None:
    written = b"".join(packed(records))
    length = data.draw(st.integers(0, len(written)))
    recovered, stop = read(written[:length])
    assert recovered == records[: len(recovered)]
    again = b"".join(packed(recovered))
    assert written[:length].startswith(again)
    assert stop is (Stop.TORN if any(written[len(again) : length]) else Stop.END)


def test_a_bit_that_turned_is_never_read_as_something_else() -> None:
    whole = packed(SOME)
    written = b"".join(whole)
    ends = [sum(map(len, whole[: n + 1])) for n in range(len(whole))]
    for bit in range(len(written) * 8):
        hit = next(n for n, end in enumerate(ends) if bit >> 3 < end)
        records, stop = read(turned(written, bit))
        assert records == SOME[:hit], bit
        # Only at the very end of a file may it look like what was never written.
        assert stop is Stop.DAMAGED or (stop is Stop.TORN and bit >> 3 >= len(written) - 4), bit


@given(RECORDS, st.data())
def test_nor_is_one_in_any_other_record(records: list[Record], data: st.DataObject) -> None:
    written = b"".join(packed(records))
    bit = data.draw(st.integers(0, len(written) * 8 - 1))
    recovered, stop = read(turned(written, bit))
    assert len(recovered) < len(records)
    assert recovered == records[: len(recovered)]
    assert stop in {Stop.DAMAGED, Stop.TORN}


@pytest.mark.parametrize(
    ("order", "kept"),
    [
        pytest.param([0, 0, 1, 2, 3], 1, id="doubled"),
        pytest.param([0, 1, 1, 2, 3], 2, id="doubled later"),
        pytest.param([0, 2, 3], 1, id="missing"),
        pytest.param([1, 2, 3], 0, id="the first is missing"),
        pytest.param([1, 0, 2, 3], 0, id="moved"),
        pytest.param([0, 1, 3, 2], 2, id="moved later"),
    ],
)
def test_a_record_doubled_missing_or_moved_breaks_the_chain(order: list[int], kept: int) -> None:
    whole = packed(SOME)
    assert read(b"".join([whole[n] for n in order])) == (SOME[:kept], Stop.DAMAGED)


def test_records_of_another_file_are_damage() -> None:
    assert read(b"".join(packed(SOME)), HEAD.chain + 1) == ([], Stop.DAMAGED)


def test_the_largest_record_is_read_and_a_larger_one_is_damage() -> None:
    largest = (Content.TALLIES, b"\n" * (MAX_RECORD_BYTES - 1))
    assert read(packed([largest])[0]) == ([largest], Stop.END)
    larger = (Content.TALLIES, b"\n" * MAX_RECORD_BYTES)
    assert read(packed([larger])[0]) == ([], Stop.DAMAGED)


def test_a_record_of_a_kind_that_we_do_not_know_is_damage() -> None:
    body = b"\x04unknown"
    chain = crc32(body, HEAD.chain)
    record = FRAME.pack(len(body), len(body) ^ 0xFFFF_FFFF, chain) + body
    assert read(record) == ([], Stop.DAMAGED)


@given(st.lists(EVENTS, max_size=20))
def test_events_are_read_as_they_were_packed(events: list[Event]) -> None:
    data = b"".join(map(pack_event, events))
    assert len(data) == len(events) * EVENT.size
    assert read_events(data) == events


@given(st.lists(EVENTS, max_size=20))
def test_bitmaps_are_named_once_each_in_the_order_of_their_events(events: list[Event]) -> None:
    expected = list({pack_event(one)[:6]: None for one in events})
    assert bitmaps_of(b"".join(map(pack_event, events))) == expected


@given(st.lists(EVENTS, max_size=20), st.sampled_from([1, 2, 16]))
def test_events_are_split_by_shard_and_stay_in_order(events: list[Event], shards: int) -> None:
    parts = split(b"".join(map(pack_event, events)), shards)
    for shard in range(shards):
        ours = [e for e in events if shard_of_campaign(e.campaign, shards) == shard]
        assert read_events(parts.get(shard, b"")) == ours
    assert all(0 <= shard < shards for shard in parts)


@given(TALLIES)
def test_tallies_are_read_as_they_were_packed(tallies: dict[Tally, int]) -> None:
    data = pack_tallies(tallies.items())
    assert read_tallies(data) == tallies
    assert data.count(b"\n") == len(tallies)


def test_a_tally_is_a_line() -> None:
    packed_tallies = pack_tallies([(("s", 1, 2, 3), 4), (("n.off_hours", 0, 2, 3), 1)])
    assert packed_tallies == b"s:1:2:3 4\nn.off_hours:0:2:3 1\n"
    assert read_tallies(b"") == {}


@given(HOURS)
def test_an_hour_is_read_as_it_was_packed(hour: Hour) -> None:
    assert read_hour(pack_hour(hour)) == hour


def test_an_hour_before_1970_is_one_too() -> None:
    hour = Hour("1969-12-31T23+0000", -HOUR_SECONDS, 0)
    assert read_hour(pack_hour(hour)) == hour


def test_the_campaigns_of_which_events_take_room_are_found_once_each() -> None:
    def event(serial: int, campaign: int, until: int) -> bytes:
        return pack_event(Event(Kind.IMPRESSION, 7, serial, 1, 1, 1, campaign, until))

    packed = event(1, 5, 1_793_610_600) + event(2, 6, 0) + event(3, 5, 1_793_610_605)
    assert limited_in(packed) == [5]
    assert limited_in(event(1, 6, 0)) == []

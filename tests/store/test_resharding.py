"""Entries of one number of shards become those of another: every sum, bit and mark stays."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.errors import UnfitStore
from adserver.core.hour import hour_at
from adserver.core.shards import shard_of, shard_of_campaign
from adserver.store.checking import COUNTED, disagreements, sorted_out
from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.entries import HASH, SORTED_SET, STRING, Entry, entry_of_pairs, pack_parts
from adserver.store.keys import Keys
from adserver.store.leases import StoredLeases
from adserver.store.resharding import reshard, split
from adserver.store.transfer import fill as put
from tests.factories import NOW, ZONE
from tests.store.desk import CAMPAIGN, CREATIVE, Desk, Worker
from tests.store.filled import LIFE, fill, held, sums
from tests.store.shipping import Shipper, event

SHARDS = st.sampled_from([1, 2, 3, 16])


def string(name: str, value: bytes, expires: int = 0) -> Entry:
    return Entry(name, STRING, expires, pack_parts([value]))


def ledger(shard: int, line: bytes, expires: int = 9) -> Entry:
    return string(f"{{{shard}}}:ledger:7:1", line, expires)


def values(entries: list[Entry], name: str) -> dict[bytes, bytes]:
    [entry] = [entry for entry in entries if entry.name == name]
    return dict(entry.pairs)


# Creative c is of campaign c % 3 + 1; creative 9 has no name any more.
CREATIVES = range(1, 8)
NUMBERS = entry_of_pairs(
    "{catalog}:numbers",
    HASH,
    0,
    [
        *((b"campaign/c%d" % n, b"%d" % (n + 1)) for n in range(3)),
        *((b"creative/c%d/x%d" % (c % 3, c), b"%d" % c) for c in CREATIVES),
        (b"#creative", b"9"),
    ],
)
ROWS = st.tuples(
    st.sampled_from(["counts:2026-11-02T10+0100", "counts:2026-11-02T11+0100", "daily:2026-07-01"]),
    st.sampled_from(["i", "i.duplicate", "c", "s", "r", "n.draft"]),
    st.sampled_from([*CREATIVES, 9]),
    st.integers(0, 15),
)


def whole(rows: dict[tuple[str, str, int, int], int], shards: int) -> list[Entry]:
    """What the scripts would have written of these rows, each in a shard of its own."""
    hashes: dict[str, Counter[bytes]] = defaultdict(Counter)
    ranked: dict[str, dict[bytes, bytes]] = defaultdict(dict)
    for (key, metric, sold, place), count in rows.items():
        shard, (kind, _, name) = place % shards, key.partition(":")
        creative = 0 if metric in ("r", "n.draft") else sold
        hashes[f"{{{shard}}}:{key}"][b"%s:%d:1:1" % (metric.encode(), creative)] += count
        listed = {"counts": "hours", "daily": "days"}[kind]
        ranked[f"{{{shard}}}:{listed}"][name.encode()] = b"5.0"
        if metric in ("i", "c", "s"):
            hashes[f"{{{shard}}}:totals"][b"%s:%d" % (metric.encode(), creative)] += count
            ranked[f"{{{shard}}}:changes"][b"%d" % creative] = b"3.0"
    return [
        *(
            entry_of_pairs(name, HASH, 0, ((f, b"%d" % n) for f, n in some.items()))
            for name, some in hashes.items()
        ),
        *(entry_of_pairs(name, SORTED_SET, 0, some.items()) for name, some in ranked.items()),
    ]


def check_agreed(entries: list[Entry]) -> None:
    _, shards = sorted_out(entry for entry in entries if COUNTED.match(entry.name))
    for number, shard in shards.items():
        assert list(disagreements(number, shard, {})) == []
        # Nothing is where reports do not look for it.
        assert set(shard.rows) <= shard.listed


@given(SHARDS, SHARDS, st.dictionaries(ROWS, st.integers(1, 99), max_size=20))
def test_all_that_is_counted_of_a_campaign_is_in_its_shard(before, after, rows) -> None:
    counted = [NUMBERS, *whole(rows, before)]
    moved = list(reshard(counted, before, after))
    assert len({entry.name for entry in moved}) == len(moved)
    for kind in ("counts", "daily", "totals"):
        was, now = ({e.name: e for e in some} for some in (counted, moved))
        assert sums(was, kind) == sums(now, kind)
    check_agreed(moved)
    if before == after:
        return
    for entry in moved:
        tag, rest = split(entry)
        kind = rest.partition(":")[0]
        creatives = {int(f.split(b":")[1]) for f, _ in entry.pairs if b":" in f}
        if kind in ("totals", "counts", "daily"):
            named = creatives.intersection(CREATIVES)
            assert {shard_of_campaign(c % 3 + 1, after) for c in named} <= {int(tag)}
        elif kind == "changes":
            named = {int(member) for member, _ in entry.pairs} - {9}
            assert {shard_of_campaign(c % 3 + 1, after) for c in named} <= {int(tag)}
    back = list(reshard(moved, after, before))
    check_agreed(back)
    assert sums({e.name: e for e in back}, "totals") == sums({e.name: e for e in moved}, "totals")


@given(
    SHARDS,
    SHARDS,
    st.dictionaries(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
        st.binary(min_size=1, max_size=4),
    ),
)
def test_every_bitmap_is_wherever_its_tickets_may_be_looked_for(before, after, bitmaps) -> None:
    seen = [
        string(f"{{{shard_of(w, b, before)}}}:seen:{w}:{b}", bits, 9)
        for (w, b), bits in bitmaps.items()
    ]
    moved = list(reshard(seen, before, after))
    if before != after:
        assert sorted(moved) == sorted(
            string(f"{{{shard}}}:seen:{w}:{b}", bits, 9)
            for (w, b), bits in bitmaps.items()
            for shard in range(after)
        )


def test_a_bit_is_set_that_is_set_in_any_shard() -> None:
    entries = [string("{0}:seen:7:0", b"\x01", 5), string("{1}:seen:7:0", b"\x80\x02", 9)]
    assert list(reshard(entries, 2, 1)) == [string("{0}:seen:7:0", b"\x81\x02", 9)]


def test_leases_go_with_their_campaign_and_what_is_said_of_journals_is_said_anew() -> None:
    def lease(shard: int, campaign: int) -> Entry:
        fields = [(b"reserved", b"3"), (b"ever", b"10")]
        return entry_of_pairs(f"{{{shard}}}:lease:{campaign}", HASH, 9, fields)

    said = [
        entry_of_pairs("{1}:fence", HASH, 9, [(b"clock", b"5")]),
        entry_of_pairs("{1}:through", SORTED_SET, 9, [(b"7:1", b"5.0")]),
        entry_of_pairs("{1}:heard", SORTED_SET, 9, [(b"7:1", b"5.0")]),
    ]
    entries = [lease(1, 17), lease(0, 18), *said]
    assert list(reshard(entries, 2, 16)) == [lease(1, 17), lease(2, 18)]
    assert list(reshard(entries, 2, 1)) == [lease(0, 17), lease(0, 18)]
    assert list(reshard(entries, 2, 2)) == entries
    # Where no worker looks for it, it is of no use.
    assert list(reshard([lease(0, 17)], 2, 1)) == []


def test_a_ledger_of_one_shard_says_the_same_in_all() -> None:
    moved = list(reshard([ledger(0, b"12 345\ni:1:2:3 4\n")], 1, 16))
    assert [split(entry)[0] for entry in moved] == [str(shard) for shard in range(16)]
    assert {(entry.parts[0], entry.expires) for entry in moved} == {(b"12 345\n", 9)}


def test_ledgers_that_say_the_same_in_all_shards_become_one() -> None:
    said = [ledger(0, b"12 345\ni:1:2:3 4\n", 8), ledger(1, b"12 345\n", 9)]
    assert list(reshard(said, 2, 1)) == [ledger(0, b"12 345\n", 9)]


@pytest.mark.parametrize("said", [[b"9 1\n", b"12 345\n"], [b"12 345\n"]])
def test_ledgers_that_differ_are_refused_until_the_journals_are_said_to_be_drained(
    said: list[bytes],
) -> None:
    """A shard that says less has got all that concerns it only if nothing was left behind."""
    entries = [ledger(shard, line) for shard, line in enumerate(said)]
    with pytest.raises(UnfitStore, match=r"ledger:7:1.*--drained"):
        list(reshard(entries, 2, 1))
    assert list(reshard(entries, 2, 1, drained=True)) == [ledger(0, b"12 345\n")]
    assert list(reshard(entries, 2, 2)) == entries


def test_times_are_the_first_and_changes_the_last_of_those_that_meet() -> None:
    def ranked(shard: int, kind: str, *scores: tuple[bytes, bytes]) -> Entry:
        return entry_of_pairs(f"{{{shard}}}:{kind}", SORTED_SET, 0, scores)

    def row(shard: int, hour: str) -> Entry:
        return entry_of_pairs(f"{{{shard}}}:counts:{hour}", HASH, 0, [(b"r:0:1:1", b"1")])

    entries = [
        ranked(0, "hours", (b"a", b"5.0"), (b"b", b"6.0"), (b"without-rows", b"7.0")),
        ranked(1, "hours", (b"a", b"4.0")),
        *(row(0, "a"), row(0, "b"), row(1, "a"), row(1, "unlisted")),
        ranked(0, "changes", (b"1", b"9.0"), (b"2", b"3.0")),
        ranked(1, "changes", (b"1", b"10.0")),
        string("{0}:change", b"9"),
        string("{1}:change", b"10"),
    ]
    moved = list(reshard(entries, 2, 1))
    assert values(moved, "{0}:hours") == {b"a": b"4.0", b"b": b"6.0"}
    assert values(moved, "{0}:counts:a") == {b"r:0:1:1": b"2"}
    assert values(moved, "{0}:changes") == {b"1": b"10.0", b"2": b"3.0"}
    assert string("{0}:change", b"10") in moved


def test_what_nobody_knows_a_place_for_is_refused() -> None:
    entries = [string("{0}:later", b"1")]
    assert list(reshard(entries, 1, 1)) == entries
    with pytest.raises(UnfitStore, match="later"):
        list(reshard(entries, 1, 16))


def test_what_the_catalog_holds_stays_as_it_is(valkey: str) -> None:
    keys = Keys("catalogs-stay")
    fill(valkey, keys)
    before = held(valkey, keys)
    after = {entry.name: entry for entry in reshard(before.values(), 1, 16)}
    mine = {name for name in before if name.startswith("{catalog}:")}
    assert {name: before[name] for name in mine} == {
        name: entry for name, entry in after.items() if name.startswith("{catalog}:")
    }
    assert len(mine) >= 7


def test_a_journal_that_goes_on_after_the_move_is_told_the_same_by_each_shard(
    valkey: str,
) -> None:
    keys, wider = Keys("narrow"), Keys("wide", 16)
    fill(valkey, keys)
    before = held(valkey, keys)
    with client(valkey) as connection:
        put(connection, wider, reshard(before.values(), 1, 16))
    after = held(valkey, wider)
    line = before["{0}:ledger:7:1"].parts[0].partition(b"\n")[0] + b"\n"
    assert int(line.split(b" ")[0]) > 1
    for shard in range(16):
        assert after[f"{{{shard}}}:ledger:7:1"].parts == [line]


async def test_what_was_reserved_before_a_move_is_confirmed_after_it_and_limits_hold(
    valkey: str,
) -> None:
    keys, wider = Keys("limited"), Keys("limited-wide", 16)
    named = [(b"campaign/a", b"%d" % CAMPAIGN), (b"creative/a/x", b"%d" % CREATIVE)]
    names = entry_of_pairs("{catalog}:numbers", HASH, 0, named)
    async with async_client(valkey) as connection:
        leases = StoredLeases(connection, keys, LIFE)
        worker = Worker(Desk(leases, StoredCounts(connection, keys, LIFE), NOW), 7)
        tickets = []
        while (await worker.ask()).granted or worker.room.left:
            tickets += [worker.serve() for _ in range(worker.room.left)]
        for ticket in tickets[:4]:
            assert worker.shown(ticket)
        await worker.ship()
        await leases.close()
        with client(valkey) as other:
            put(other, wider, reshard([names, *held(valkey, keys).values()], 1, 16))
        home = shard_of_campaign(CAMPAIGN, 16)
        shipper = Shipper(StoredCounts(connection, wider, LIFE), writer=8)
        # All of them once more: what was counted before the move is not counted again.
        events = [
            event(
                writer=7, serial=one.serial, creative=CREATIVE, campaign=CAMPAIGN, until=one.until
            )
            for one in tickets
        ]
        await shipper.events(hour_at(NOW, ZONE), events)
        after = held(valkey, wider)
    totals = after[f"{{{home}}}:totals"]
    assert dict(totals.pairs) == {b"i:%d" % CREATIVE: b"10"}
    assert dict(after[f"{{{home}}}:lease:{CAMPAIGN}"].pairs)[b"reserved"] == b"0"
    rows = sums(after, "counts")
    assert rows[b"i.duplicate:%d:2:3" % CREATIVE] == 4
    assert not any(b"lapsed" in row for row in rows)

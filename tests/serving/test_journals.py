"""Whose journal is whose: by lock, whatever ended the worker before; and what is never sent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adserver.core.batch import NOTHING
from adserver.core.errors import JournalError
from adserver.core.events import Event, Kind
from adserver.core.hour import hour_at
from adserver.core.record import HEAD_BYTES, Content, pack_event, read_events
from adserver.serving.journal import FILE_SECONDS, RETENTION_SECONDS, Journal
from adserver.serving.journal_files import QUARANTINE, sync
from adserver.serving.journals import (
    MAKING_SECONDS,
    OWNER,
    SHIPPED,
    Journals,
)
from tests.factories import NOW, ZONE
from tests.serving.memory import LIFE_SECONDS

HOUR = hour_at(NOW, ZONE)
WRITER = 7
MEBIBYTE = 1024 * 1024
HOLD = """
import sys, time
from pathlib import Path
from adserver.serving.journals import Journals
journal = Journals(Path(sys.argv[1]), 1 << 20, 86_400).create(7, 1)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journal", MEBIBYTE, LIFE_SECONDS)


def packed_impression(serial: int) -> bytes:
    return pack_event(Event(Kind.IMPRESSION, WRITER, serial, 1, 2, 3))


def filled(journals: Journals, events: int = 5, epoch: int = 1) -> Journal:
    journal = journals.create(WRITER, epoch)
    for serial in range(events):
        journal.write(Content.EVENTS, packed_impression(serial), HOUR)
    return journal


def serials(journal: Journal | None) -> list[int]:
    assert journal is not None
    parts, _ = journal.read(0, journal.last.sequence, 0, 1)
    return [event.serial for part in parts for event in read_events(part.events)]


def quarantined(journals: Journals) -> list[Path]:
    return sorted((journals.root / QUARANTINE).glob("*/*"))


def test_what_a_worker_left_is_found_as_it_was(journals: Journals) -> None:
    left = filled(journals)
    last, folder = left.last, left.folder
    journals.leave(left, shipped=False)
    found = journals.adopt(NOW)
    assert found is not None
    assert (found.folder, found.writer, found.epoch, found.last) == (folder, WRITER, 1, last)
    assert found.newest == HOUR.end
    assert serials(found) == [0, 1, 2, 3, 4]
    assert journals.adopt(NOW) is None, "it is ours now"


def test_a_living_worker_keeps_its_journal(journals: Journals) -> None:
    filled(journals)
    assert journals.adopt(NOW) is None


def test_a_killed_worker_lets_go_of_its_journal(journals: Journals) -> None:
    command = [sys.executable, "-c", HOLD, str(journals.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        folder = journals.root / "00000007-00000001"
        assert (folder / OWNER).exists()
        assert journals.adopt(NOW) is None
        assert folder.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = journals.adopt(NOW)
    assert found is not None
    assert (found.writer, found.epoch, found.last, found.files) == (7, 1, NOTHING, [])
    assert journals.adopt(NOW) is None, "it is ours now"
    found.remove()
    assert not folder.exists()


def test_two_with_one_writer_and_epoch_are_not_both_taken(journals: Journals) -> None:
    filled(journals)
    with pytest.raises(JournalError, match="cannot make a journal"):
        filled(journals)


def test_a_folder_that_cannot_be_written_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(JournalError, match="ADSERVER_STATE"):
        filled(Journals(tmp_path / "file", MEBIBYTE, LIFE_SECONDS))


def test_a_journal_in_the_making_is_left_alone_for_a_while(journals: Journals) -> None:
    half = journals.root / ".new-00000007-00000001"
    half.mkdir(parents=True)
    made = half.stat().st_mtime
    assert journals.adopt(made + 1) is None
    assert half.exists()
    assert journals.adopt(made + MAKING_SECONDS) is None
    assert not half.exists()


def test_what_was_left_in_good_order_is_asked_about_while_its_ledger_lives(
    journals: Journals,
) -> None:
    left = filled(journals)
    for later in (0, RETENTION_SECONDS, LIFE_SECONDS + 3_600, 2 * LIFE_SECONDS):
        journals.leave(left, shipped=True)
        found = journals.adopt(NOW + later)
        assert found is not None
        assert len(serials(found)) == 5, "the store may have rolled back since"
        assert not (found.folder / SHIPPED).exists(), "its worker may die with work to do"
        left = found
    journals.leave(left, shipped=True)
    assert journals.adopt(HOUR.end + 2 * LIFE_SECONDS + 1) is None
    assert not left.folder.exists()
    assert quarantined(journals) == []


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_a_torn_tail_is_dropped(journals: Journals, cut: int) -> None:
    left = filled(journals)
    path = left.files[0].path
    journals.leave(left, shipped=False)
    os.truncate(path, path.stat().st_size - cut)
    assert serials(journals.adopt(NOW)) == [0, 1, 2, 3]
    assert quarantined(journals) == []


def test_a_flipped_bit_ends_its_file_and_is_kept_for_a_person(journals: Journals) -> None:
    left = filled(journals)
    left._begun -= 3_600
    sync(left.unsynced())
    packed = pack_event(Event(Kind.IMPRESSION, WRITER, 9, 1, 2, 3))
    left.write(Content.EVENTS, packed, HOUR)
    path = left.files[0].path
    journals.leave(left, shipped=False)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    found = journals.adopt(NOW)
    assert serials(found) == [0, 1, 2, 3, 9], "what stands behind it in the next file is good"
    assert found is not None
    found.remove()
    assert [kept.name for kept in quarantined(journals)] == [path.name]
    assert journals.quarantined() == 1


def test_a_damaged_file_is_kept_also_by_whoever_left_the_rest_in_order(journals: Journals) -> None:
    left = filled(journals)
    path = left.files[0].path
    journals.leave(left, shipped=False)
    flip(path, -20)
    found = journals.adopt(NOW)
    assert found is not None
    journals.leave(found, shipped=True)
    assert not (found.folder / SHIPPED).exists()
    again = journals.adopt(NOW + RETENTION_SECONDS + 1)
    assert serials(again) == [0, 1, 2, 3]
    assert again is not None
    assert again.spoilt


def test_a_journal_of_which_no_record_can_be_read_is_kept_for_a_person(journals: Journals) -> None:
    left = filled(journals)
    path = left.files[0].path
    journals.leave(left, shipped=False)
    flip(path, HEAD_BYTES)
    found = journals.adopt(NOW)
    assert found is not None
    assert found.files == []
    assert [kept.name for kept in quarantined(journals)] == [path.name]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_damaged_head_is_kept_aside_at_once(journals: Journals) -> None:
    left = filled(journals)
    path = left.files[0].path
    journals.leave(left, shipped=False)
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    found = journals.adopt(NOW)
    assert found is not None
    assert found.files == []
    assert [kept.name for kept in quarantined(journals)] == [path.name]


@pytest.mark.parametrize("head", [b"", b"\0" * HEAD_BYTES, b"adsjrnl1"])
def test_a_file_that_was_only_just_begun_is_nothing(journals: Journals, head: bytes) -> None:
    left = filled(journals)
    journals.leave(left, shipped=False)
    (left.folder / "000000000000099.log").write_bytes(head)
    assert serials(journals.adopt(NOW)) == [0, 1, 2, 3, 4]
    assert quarantined(journals) == []


def test_a_file_that_cannot_be_read_is_kept_aside(journals: Journals) -> None:
    left = filled(journals)
    journals.leave(left, shipped=False)
    (left.folder / "000000000000099.log").mkdir()
    assert serials(journals.adopt(NOW)) == [0, 1, 2, 3, 4]
    assert [kept.name for kept in quarantined(journals)] == ["000000000000099.log"]


def test_what_was_written_behind_a_failed_sync_is_not_read(journals: Journals) -> None:
    left = filled(journals)
    durable = left.last
    left.write(Content.EVENTS, packed_impression(98), HOUR)  # refused to its sender
    left.abandon(durable)
    left.write(Content.EVENTS, packed_impression(99), HOUR)
    journals.leave(left, shipped=False)
    assert serials(journals.adopt(NOW)) == [0, 1, 2, 3, 4, 99]


def test_a_file_begun_behind_a_failed_sync_does_not_end_the_one_before_it(
    journals: Journals,
) -> None:
    left = filled(journals)
    durable = left.last
    for serial in (95, 96, 97):  # refused to their senders
        left.write(Content.EVENTS, packed_impression(serial), HOUR)
    left._begun -= FILE_SECONDS + 1
    left.unsynced()  # for a sync that will fail; meanwhile, another file is begun
    left.write(Content.EVENTS, packed_impression(98), HOUR)
    left.abandon(durable)
    taken = list(range(100, 110))
    for serial in taken:
        left.write(Content.EVENTS, packed_impression(serial), HOUR)
    journals.leave(left, shipped=False)
    assert serials(journals.adopt(NOW)) == [0, 1, 2, 3, 4, *taken]


def test_a_journal_older_than_tickets_live_is_never_sent(journals: Journals) -> None:
    left = filled(journals)
    journals.leave(left, shipped=False)
    assert journals.adopt(HOUR.end + LIFE_SECONDS + 1) is None
    assert len(quarantined(journals)) == 1
    assert journals.quarantined() == 1
    assert not left.folder.exists()


def test_without_a_folder_there_is_nothing_to_adopt(journals: Journals) -> None:
    assert journals.adopt(NOW) is None
    assert journals.quarantined() == 0


def test_what_cannot_be_kept_aside_is_found_again(
    journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = filled(journals)
    with monkeypatch.context() as full:
        full.setattr("adserver.serving.journal.keep_aside", no_room)
        journals.quarantine(left, "a copy of another machine's")
    assert quarantined(journals) == []
    again = journals.adopt(NOW)
    assert serials(again) == [0, 1, 2, 3, 4]
    journals.quarantine(again, "a copy of another machine's")
    assert len(quarantined(journals)) == 1


def no_room(_: Path) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_what_is_kept_aside_takes_the_place_of_nothing(journals: Journals) -> None:
    for _ in range(3):
        left = filled(journals)
        name = left.files[0].path.name
        journals.quarantine(left, "a copy of another machine's")
    assert [kept.name for kept in quarantined(journals)] == [name, f"{name}.2", f"{name}.3"]

"""Backup files: read only if every byte is as it was written, and never half there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adserver.core.errors import BackupError
from adserver.store.backup_file import Head, read_entries, read_head, write_backup
from adserver.store.entries import HASH, SORTED_SET, STRING, Entry, pack_parts

HEAD = Head(1_790_000_000.5, "0.1.0", "blog", 1, 3)
ENTRIES = [
    Entry("{catalog}:live", STRING, 0, pack_parts([b"7"])),
    Entry("{0}:totals", HASH, 0, pack_parts([b"i:1", b"5"])),
    Entry("{0}:hours", SORTED_SET, 1_900_000_000_123, pack_parts([b"2026", b"1.0"])),
]
IN_ONE_TEST = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "one.backup"
    write_backup(written, HEAD, ENTRIES)
    return written


def test_what_was_written_is_read(path: Path) -> None:
    assert read_head(path) == HEAD
    assert list(read_entries(path)) == ENTRIES


@IN_ONE_TEST
@given(
    st.lists(
        st.builds(
            Entry,
            st.text(max_size=20),
            st.sampled_from([STRING, HASH, SORTED_SET]),
            st.integers(0, 2**63),
            st.lists(st.binary(max_size=3_000), max_size=9).map(pack_parts),
        ),
        max_size=9,
    ),
    st.integers(1, 50),
)
def test_any_entries_come_back_however_they_are_cut(
    tmp_path: Path, entries: list[Entry], read_bytes: int
) -> None:
    path = tmp_path / "any.backup"
    write_backup(path, HEAD, entries)
    assert read_head(path) == HEAD
    assert list(read_entries(path, read_bytes)) == entries


@IN_ONE_TEST
@given(st.data())
def test_a_bit_that_has_turned_is_found_wherever_it_is(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    damaged = bytearray(whole)
    damaged[bit >> 3] ^= 1 << (bit & 7)
    other = path.with_name("damaged")
    other.write_bytes(damaged)
    with pytest.raises(BackupError):
        read_head(other)


@IN_ONE_TEST
@given(st.data())
def test_a_file_that_ends_too_soon_is_refused(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    other = path.with_name("short")
    other.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(BackupError):
        read_head(other)


def test_what_is_wrong_is_said(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\0")
    with pytest.raises(BackupError, match="is damaged"):
        read_head(path)
    path.write_bytes(b"adsbkup2" + whole[8:])
    with pytest.raises(BackupError, match="version 2, this release reads 1"):
        read_head(path)
    path.write_bytes(b"PK" * 100)
    with pytest.raises(BackupError, match="is not a backup"):
        read_head(path)
    with pytest.raises(BackupError, match="No such file"):
        read_head(tmp_path / "missing")


def test_a_backup_is_its_owners_to_read_and_nothing_else_is_left(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["one.backup"]


def test_a_backup_that_cannot_be_finished_leaves_the_one_before(path: Path) -> None:
    def entries():  # type: ignore[no-untyped-def]
        yield ENTRIES[0]
        raise OSError("the disk is full")

    before = path.read_bytes()
    with pytest.raises(OSError, match="full"):
        write_backup(path, HEAD, entries())
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["one.backup"]

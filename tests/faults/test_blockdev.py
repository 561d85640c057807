"""What the drive of these tests keeps and what it loses when its power is cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.blockdev import Drive, FileSystem, drive, mounted

CONTENT = b"what was written\n" * 300


@pytest.fixture
def disk() -> Iterator[Drive]:
    with drive() as disk:
        yield disk


def put(path: Path, *, sync: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        os.write(handle, CONTENT)
        if sync:
            os.fdatasync(handle)
    finally:
        os.close(handle)


def test_what_was_synced_survives_a_power_cut_and_what_was_not_does_not(disk: Drive) -> None:
    put(disk.path / "synced", sync=True)
    put(disk.path / "unsynced", sync=False)
    image = disk.cut_power()
    assert (disk.path / "unsynced").read_bytes() == CONTENT, "who asks the kernel cannot tell"
    disk.start_again(image)
    assert (disk.path / "synced").read_bytes() == CONTENT
    unsynced = disk.path / "unsynced"
    assert not unsynced.exists() or unsynced.stat().st_size == 0


def test_what_the_drive_was_told_and_not_to_flush_is_lost_with_its_cache() -> None:
    with drive("nobarrier") as disk:
        put(disk.path / "synced", sync=True)
        told = disk.copy_of(disk.data.image)
        with mounted(FileSystem(told, disk.scratch / "told")) as system:
            assert (system.path / "synced").read_bytes() == CONTENT
        disk.start_again(disk.cut_power())
        assert not (disk.path / "synced").exists()


def test_two_cuts_are_of_two_instants(disk: Drive) -> None:
    put(disk.path / "first", sync=True)
    earlier = disk.cut_power()
    put(disk.path / "second", sync=True)
    later = disk.cut_power()
    disk.start_again(earlier)
    assert (disk.path / "first").exists()
    assert not (disk.path / "second").exists()
    disk.start_again(later)
    assert (disk.path / "second").read_bytes() == CONTENT


def test_a_drive_that_is_full_says_so_when_written_to(disk: Drive) -> None:
    filler = disk.data.fill()
    with pytest.raises(OSError, match="No space left") as failed:
        put(disk.path / "more", sync=False)
    assert failed.value.errno == errno.ENOSPC
    filler.unlink()
    put(disk.path / "more", sync=True)


def test_a_drive_that_has_less_than_it_says_fails_when_synced() -> None:
    with drive(thin=True) as disk:
        disk.data.sync()
        filler = disk.cache.fill()
        put(disk.path / "unsynced", sync=False)
        with pytest.raises(OSError, match="No space left"):
            put(disk.path / "synced", sync=True)
        filler.unlink()
        # Not the same file: what was to be in its blocks is taken for written by now.
        put(disk.path / "new", sync=True)
        disk.start_again(disk.cut_power())
        assert (disk.path / "new").read_bytes() == CONTENT


def test_a_drive_that_is_torn_out_is_an_io_error(disk: Drive) -> None:
    disk.cache.tear_out()
    with pytest.raises(OSError, match="Input/output error"):
        put(disk.path / "synced", sync=True)


def test_a_file_system_that_refuses_writes_is_read_only(disk: Drive) -> None:
    put(disk.path / "synced", sync=True)
    disk.data.refuse_writes()
    with pytest.raises(OSError, match="Read-only"):
        put(disk.path / "more", sync=True)
    assert (disk.path / "synced").read_bytes() == CONTENT

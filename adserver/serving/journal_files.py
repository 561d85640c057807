"""The files of a journal: where in them records are, and how they become durable, or go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import NamedTuple

from adserver.core.batch import Mark
from adserver.core.errors import JournalError
from adserver.core.hour import Hour
from adserver.core.record import (
    HEAD_BYTES,
    MAX_RECORD_BYTES,
    Content,
    Found,
    read_hour,
    read_record,
)

# Records between two places from which a file can be read.
RECORDS_PER_CHECKPOINT = 1_024
# Larger than any record, so that two of them always hold a whole one.
WINDOW_BYTES = 2 * MAX_RECORD_BYTES
QUARANTINE = "quarantine"
NO_HOUR = Hour("", 0, 0)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in a file: behind the record `mark`, with the events that were before it."""

    mark: Mark
    offset: int
    hour: Hour
    events: int


@dataclass(slots=True)
class File:
    """last: the last record in it that counts. spoilt: to be kept for a person to look at."""

    path: Path
    checkpoints: list[Checkpoint]
    last: Mark
    size: int
    events: int = 0
    spoilt: bool = False
    shipped_at: float | None = None
    _due: int = 0  # the record behind which the next checkpoint is

    def __post_init__(self) -> None:
        self._due = self.begins + RECORDS_PER_CHECKPOINT

    @property
    def begins(self) -> int:
        """The record behind which it begins."""
        return self.checkpoints[0].mark.sequence

    def before(self, sequence: int) -> Checkpoint:
        """The last place from which the record behind `sequence` can be reached."""
        found = self.checkpoints[0]
        for checkpoint in self.checkpoints:
            if checkpoint.mark.sequence > sequence:
                break
            found = checkpoint
        return found

    def note(self, mark: Mark, end: int, events: int, hour: Hour) -> None:
        """A record is in it, and ends at the offset `end`."""
        self.last, self.size = mark, end
        self.events += events
        if mark[0] >= self._due:
            self.checkpoints.append(Checkpoint(mark, end, hour, self.events))
            self._due = mark.sequence + RECORDS_PER_CHECKPOINT


class Unsynced(NamedTuple):
    """Files that were written to since the last sync; folder: where a name is new."""

    retired: list[int]
    current: int | None
    folder: Path | None


def write(handle: int, data: bytes) -> None:
    if os.write(handle, data) < len(data):
        raise OSError("only a part of it could be written")


def sync(unsynced: Unsynced) -> None:
    """Make all that is written durable; called in a thread. OSError if it may not be."""
    try:
        for handle in (*unsynced.retired, unsynced.current):
            if handle is not None:
                os.fdatasync(handle)
        if unsynced.folder is not None:
            sync_folder(unsynced.folder)
    finally:
        for handle in unsynced.retired:
            os.close(handle)


class Mapped:
    """A file that is written through memory: a record costs no call of the kernel, and is the
    kernel's from then on, whatever becomes of the process. Ends in zeros until it is closed."""

    def __init__(self, handle: int, length: int) -> None:
        # Taken now: where the disk is full, writing into a hole would be the end of the process.
        os.posix_fallocate(handle, 0, length)
        self._handle = handle
        self._map = mmap(handle, length)
        self._at = 0

    def append(self, data: bytes) -> None:
        end = self._at + len(data)
        self._map[self._at : end] = data
        self._at = end

    def close(self) -> None:
        """The file stays open, and is as long as what is in it."""
        self._map.close()
        with suppress(OSError):
            os.ftruncate(self._handle, self._at)


def begin(path: Path, mark: Mark) -> File:
    return File(path, [Checkpoint(mark, HEAD_BYTES, NO_HOUR, 0)], mark, HEAD_BYTES)


Read = tuple[Content, bytes, Mark, Hour]


def records(file: File, after: int) -> Iterator[Read]:
    """The records of a file behind a sequence; JournalError where the disk has lost them."""
    start, last = file.before(after), file.last.sequence
    at, mark, hour = 0, start.mark, start.hour
    with file.path.open("rb") as opened:
        opened.seek(start.offset)
        data = opened.read(WINDOW_BYTES)
        while mark.sequence < last:
            found = read_record(data, at, mark.digest)
            if not isinstance(found, Found):
                more = opened.read(WINDOW_BYTES)
                if not more:
                    raise JournalError(f"{file.path} cannot be read behind record {mark.sequence}")
                data, at = data[at:] + more, 0
                continue
            at, mark = found.end, Mark(mark.sequence + 1, found.chain)
            if found.content is Content.HOUR:
                hour = read_hour(found.payload)
            elif mark.sequence > after:
                yield found.content, found.payload, mark, hour


def sync_folder(folder: Path) -> None:
    """Make the names in it durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_folder(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def keep_aside(path: Path) -> None:
    """Into the quarantine beside all journals, in a folder of the journal's name."""
    aside = path.parent.parent / QUARANTINE / path.parent.name
    aside.mkdir(parents=True, exist_ok=True)
    # Two copies of one machine's journals have the same names: none takes the other's place.
    target, number = aside / path.name, 1
    while target.exists():
        number += 1
        target = aside / f"{path.name}.{number}"
    path.rename(target)

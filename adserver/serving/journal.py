"""One writer's journal on this machine's disk: what is durable in it has been acknowledged.

A folder of files that are only appended to, the next begun after a minute or 16 MiB; the folder
is its owner's for as long as that lives, by `flock`. Written by the event loop (a write into the
page cache), made durable by one thread beside it. A write or sync that failed is never built
upon: what comes next goes into a new file, which begins behind the last durable record.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from adserver.core.batch import NOTHING, Mark, Part
from adserver.core.errors import JournalError
from adserver.core.hour import Hour
from adserver.core.parts import part_of
from adserver.core.record import (
    EVENT,
    HEAD_BYTES,
    MAX_RECORD_BYTES,
    Content,
    Head,
    pack_head,
    pack_hour,
    pack_record,
)
from adserver.serving.journal_files import (
    NO_HOUR,
    File,
    Mapped,
    Unsynced,
    begin,
    keep_aside,
    records,
    remove_folder,
    write,
)

FILE_SECONDS = 60.0
# Behind a file's full length: the hour and the record that were under way when it was reached.
LAST_RECORDS_BYTES = 2 * MAX_RECORD_BYTES + 4_096
MAX_FILE_BYTES = 16 * 1024 * 1024
# Longer than a failover takes and a partition should: what a store lost meanwhile is re-sent.
RETENTION_SECONDS = 600.0
EVENTS = Content.EVENTS
# How much one reading brings.
MAX_PARTS_READ = 2_000
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Journal:
    """folder: held by us. max_bytes: over all files; then events are refused, not lost.

    mapped: whether it is written through memory, for answers that do not wait for a sync.
    last: the last record written. durable: the last that a crash leaves (in `interval` mode: a
    crash of the process).
    """

    folder: Path
    writer: int
    epoch: int
    max_bytes: int
    lock: int
    mapped: bool = False
    files: list[File] = field(default_factory=list)
    last: Mark = NOTHING
    durable: Mark = NOTHING
    hour: Hour = NO_HOUR
    newest: int = 0  # UTC seconds at which the hour of the last record ends
    _handle: int | None = None
    _retired: list[int] = field(default_factory=list)
    _begun: float = 0.0
    _new_name: bool = False
    _old: bool = False
    _given_up: bool = False
    _map: Mapped | None = None
    _put: Callable[[bytes], None] = field(init=False)  # of the current file
    # Of the current file: where it ends, and where the journal does.
    _largest: int = 0
    _bound: int = 0

    def __post_init__(self) -> None:
        # Only whole files make room, so a small journal has small ones.
        self._largest = min(MAX_FILE_BYTES, self.max_bytes // 8)

    @property
    def size(self) -> int:
        """Bytes, of all files."""
        return sum(file.size for file in self.files)

    @property
    def spoilt(self) -> bool:
        """Whether anything in it is to be kept for a person to look at."""
        return any(file.spoilt for file in self.files)

    def write(self, content: Content, payload: bytes, hour: Hour) -> Mark:
        """Append a record; it survives the process, and after `sync` the machine. JournalError."""
        if self._handle is None or self._old or self.files[-1].size > self._largest:
            self._begin_file()
        if hour is not self.hour and hour != self.hour:
            self._append(Content.HOUR, pack_hour(hour), hour)
            self.hour, self.newest = hour, hour.end
        return self._append(content, payload, hour)

    def _append(self, content: Content, payload: bytes, hour: Hour) -> Mark:
        sequence, chain = self.last
        packed, chain = pack_record(content, payload, chain)
        file = self.files[-1]
        end = file.size + len(packed)
        if end > self._bound:
            self._make_room(len(packed))
        try:
            self._put(packed)
        except OSError as error:
            self._retire()
            raise JournalError(f"cannot write to {file.path}: {error}") from error
        self.last = mark = Mark(sequence + 1, chain)
        file.note(mark, end, len(payload) // EVENT.size if content is EVENTS else 0, hour)
        return mark

    def _make_room(self, length: int) -> None:
        if self.size + length <= self.max_bytes:
            return
        for file in [f for f in self.files[:-1] if f.shipped_at is not None]:
            self._drop(file)
            if self.size + length <= self.max_bytes:
                return
        raise JournalError(
            f"the journal {self.folder} has reached its limit of {self.max_bytes:,} bytes"
        )

    def _begin_file(self) -> None:
        if self._given_up:
            raise JournalError(f"the journal {self.folder} has been given up")
        self._retire()
        self._make_room(HEAD_BYTES)
        path = self.folder / f"{self.last.sequence:015d}.log"
        head = pack_head(Head(self.writer, self.epoch, *self.last))
        try:
            self._remove_behind(self.last)
            # The name may be taken by a file that could not even be begun.
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            self._handle = handle
            if self.mapped:
                self._map = Mapped(handle, self._largest + LAST_RECORDS_BYTES)
            self._put = self._map.append if self._map else partial(write, handle)
            self._put(head)
        except OSError as error:
            self._retire()
            raise JournalError(f"cannot begin {path}: {error}") from error
        self._bound = self.max_bytes - self.size
        self.files.append(begin(path, self.last))
        self.hour, self._begun, self._new_name = NO_HOUR, time.monotonic(), True
        self._old = False

    def _remove_behind(self, durable: Mark) -> None:
        """Files that begin where the next one does, or behind: nothing in them was ever durable.

        Left there, the head of one would say where the file before it ends.
        """
        for file in [f for f in self.files if f.begins >= durable.sequence]:
            file.path.unlink(missing_ok=True)
            self.files.remove(file)

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def _retire(self) -> None:
        """Write no more to the current file; the next sync still covers it."""
        self._unmap()
        if self._handle is not None:
            self._retired.append(self._handle)
            self._handle = None

    def unsynced(self) -> Unsynced:
        """What `sync` is to make durable; taken here, as a file may be begun while it runs."""
        # Asked here, as it need not be asked for each record.
        self._old = self._given_up or time.monotonic() - self._begun > FILE_SECONDS
        taken = Unsynced(self._retired, self._handle, self.folder if self._new_name else None)
        self._retired, self._new_name = [], False
        return taken

    def abandon(self, durable: Mark) -> None:
        """Go on in a new file behind `durable`: what is behind it in this one counts no more.

        After a failed sync nothing is known of the pages that it was about (and asking again
        would succeed without having written them).
        """
        self._unmap()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self.last = self.durable = durable
        for file in self.files:
            if file.last.sequence > durable.sequence:
                file.last = durable

    def read(self, after: int, until: int, shard: int, shards: int) -> tuple[list[Part], int]:
        """Parts for a shard of the records in (after, until], and how far that reading came."""
        parts: list[Part] = []
        came = after
        for file in [f for f in self.files if f.last.sequence > after]:
            try:
                for content, payload, mark, hour in records(file, after):
                    if mark.sequence > until or len(parts) >= MAX_PARTS_READ:
                        return parts, came
                    came = mark.sequence
                    if part := part_of(content, payload, mark, hour, self.writer, shard, shards):
                        parts.append(part)
            except (JournalError, OSError) as error:
                # What the disk has lost is lost; what it still has goes on to the store.
                file.spoilt = True
                log.error("journal_unreadable", file=str(file.path), error=str(error))
        return parts, max(came, until)

    def holds(self, mark: Mark) -> bool | None:
        """Whether the record of that number is here with that chain; None if it is gone."""
        for file in self.files:
            if file.begins < mark.sequence <= file.last.sequence:
                with suppress(JournalError, OSError):
                    found = next(records(file, mark.sequence - 1), None)
                    return found is not None and found[2] == mark
        return None

    def spoil(self, after: int, until: int) -> None:
        """Keep the files of the records in (after, until] for a person to look at."""
        for file in self.files:
            if file.begins < until and file.last.sequence > after:
                file.spoilt = True

    def give_up(self) -> None:
        """Take no more, and keep everything for a person to look at."""
        self._given_up = self._old = True  # looked at where the next file would begin
        for file in self.files:
            file.spoilt = True

    def events_after(self, position: int) -> int:
        """Events behind a record, more by at most those of 1,024 records."""
        count = 0
        for file in self.files:
            if file.last.sequence > position:
                count += file.events - file.before(position).events
        return count

    def rolled_back(self, position: int) -> None:
        """What is behind this record is to be sent again, and to be kept from then on."""
        for file in self.files:
            if file.last.sequence > position:
                file.shipped_at = None

    def tidy(self, position: int, now: float, confirmed: float | None = None) -> None:
        """Drop what has been in the store for long enough. now: seconds of a monotonic clock.

        confirmed: when the store was asked what it last answered; what it may have lost since
        is not dropped, however long this worker stood still. None: now.
        """
        known = now if confirmed is None else confirmed
        for file in self.files[: -1 if self._handle is not None else None]:
            if file.last.sequence > position:
                file.shipped_at = None
            elif file.shipped_at is None:
                file.shipped_at = now
            elif known - file.shipped_at >= RETENTION_SECONDS:
                self._drop(file)

    def _drop(self, file: File) -> None:
        self.files = [other for other in self.files if other is not file]
        self._bound += file.size
        if file.spoilt:
            keep_aside(file.path)
        else:
            file.path.unlink(missing_ok=True)

    def close(self) -> None:
        self._unmap()
        for handle in (*self._retired, self._handle, self.lock):
            if handle is not None:
                os.close(handle)
        self._handle, self._retired = None, []

    def remove(self) -> None:
        """All of it is in the store, and has been for long enough."""
        for file in list(self.files):
            self._drop(file)
        remove_folder(self.folder)

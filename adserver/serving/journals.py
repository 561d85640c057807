"""The journals of this machine: a new one for each worker, and those that dead workers left.

A journal's folder is `WRITER-EPOCH`, in hexadecimal, with a file `owner` that its worker holds
a lock on (`flock`, which the kernel gives back whatever ends the worker). Who finds a folder
whose lock is free adopts it. `shipped` beside it says that a worker left it in good order, with
everything in the store.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from adserver.core.batch import Mark
from adserver.core.errors import JournalError
from adserver.core.hour import Hour
from adserver.core.record import (
    EVENT,
    Content,
    Found,
    Head,
    Stop,
    read_head,
    read_hour,
    read_record,
)
from adserver.serving.journal import Journal
from adserver.serving.journal_files import (
    NO_HOUR,
    QUARANTINE,
    File,
    begin,
    keep_aside,
    remove_folder,
    sync_folder,
)

OWNER = "owner"
SHIPPED = "shipped"
NEW = ".new-"
NAME = re.compile("([0-9a-f]{8})-([0-9a-f]{8})")
MAKING_SECONDS = 60.0
# Above a journal's root: the journals' folder, and the state folder, which may be new as well.
NEW_FOLDERS = 2
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Journals:
    """root: of one store's journals. max_bytes: of each journal. life: seconds; an older one is
    not sent, as the store may have forgotten its tickets. mapped: whether new ones are."""

    root: Path
    max_bytes: int
    life: int
    mapped: bool = False

    def create(self, writer: int, epoch: int) -> Journal:
        """A new journal, ours; JournalError if the folder cannot be written."""
        name = f"{writer:08x}-{epoch:08x}"
        fresh = self.root / f"{NEW}{name}"
        try:
            fresh.mkdir(mode=0o700, parents=True)
            lock = own(fresh)
            if lock is None:
                raise JournalError(f"{fresh} is locked by another process")
            # Under its name only when it is locked: nobody can adopt it in between.
            fresh.rename(self.root / name)
            for parent in (self.root, *self.root.parents[:NEW_FOLDERS]):
                sync_folder(parent)
        except OSError as error:
            raise JournalError(
                f"cannot make a journal in {self.root}: {error}; ADSERVER_STATE names the folder"
            ) from error
        return Journal(self.root / name, writer, epoch, self.max_bytes, lock, self.mapped)

    def adopt(self, now: float, *, shipped_too: bool = True) -> Journal | None:
        """The journal of a worker that is gone, now ours, also one without a record; None if
        there is none. now: UTC s.

        shipped_too: also one that was left with everything in the store, to be watched.
        """
        for folder in self._folders(now):
            if not shipped_too and (folder / SHIPPED).exists():
                continue
            try:
                journal = self._adopt(folder, now)
            except OSError as error:
                # A full disk, mostly. The next look tries again; what else there is to do, and
                # may make room, does not wait for it.
                log.error("journal_unreadable", file=str(folder), error=str(error))
                continue
            if journal is not None:
                return journal
        return None

    def _adopt(self, folder: Path, now: float) -> Journal | None:
        lock = own(folder)
        if lock is None:
            return None
        try:
            journal = self._load(folder, lock)
            if journal is None and (name := NAME.fullmatch(folder.name)):
                # Its worker may have leased room: of what was accepted for that, nothing is to
                # come, and somebody has to say so.
                return Journal(folder, int(name[1], 16), int(name[2], 16), self.max_bytes, lock)
            if journal is None or self._is_past(journal, now):
                self._forget(folder, lock)
            elif journal.newest + self.life < now and not (folder / SHIPPED).exists():
                self.quarantine(journal, "older than a ticket's life")
            else:
                (folder / SHIPPED).unlink(missing_ok=True)
                return journal
        except OSError:
            with suppress(OSError):
                os.close(lock)
            raise
        return None

    def _load(self, folder: Path, lock: int) -> Journal | None:
        """None for a journal without a record; if that is for damage, it is kept aside."""
        journal = load(folder, lock, self.max_bytes)
        if journal is None or journal.last.sequence:
            return journal
        for file in journal.files:
            if file.spoilt:
                keep_aside(file.path)
        return None

    def _folders(self, now: float) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            for folder in sorted(self.root.iterdir()):
                if not folder.is_dir() or folder.name == QUARANTINE:
                    continue
                if folder.name.startswith(NEW) and is_young(folder, now):
                    continue
                yield folder

    def _is_past(self, journal: Journal, now: float) -> bool:
        """Whether it was left with everything in the store, so long ago that its ledger may be
        gone: then there is nobody to ask, and nothing that could be sent."""
        return (journal.folder / SHIPPED).exists() and journal.newest + 2 * self.life < now

    def _forget(self, folder: Path, lock: int) -> None:
        remove_folder(folder)
        os.close(lock)

    def too_old(self, hour: Hour, now: float) -> bool:
        """Whether the store may have forgotten the bits of that hour's events. now: UTC s."""
        return hour.end + self.life < now

    def quarantine(self, journal: Journal, why: str) -> None:
        """Never send what is in it; a person may look at it.

        Where the disk has no room for that, whoever finds it next comes to the same conclusion.
        """
        log.error("journal_quarantined", journal=journal.folder.name, why=why)
        journal.give_up()
        try:
            journal.remove()
        except OSError as error:
            log.error("journal_not_kept_aside", journal=journal.folder.name, error=str(error))
        finally:
            journal.close()

    def quarantined(self) -> int:
        """How many journals, or parts of them, wait for a person."""
        with suppress(FileNotFoundError):
            return sum(1 for _ in (self.root / QUARANTINE).iterdir())
        return 0

    def leave(self, journal: Journal, *, shipped: bool) -> None:
        """A worker ends: whoever comes next adopts what is left."""
        # What is damaged is not in order: the next who finds it keeps it for a person.
        if shipped and not journal.spoilt:
            with suppress(OSError):
                (journal.folder / SHIPPED).touch()
        journal.close()


def is_young(folder: Path, now: float) -> bool:
    """Whether a journal may yet be in the making there."""
    return now - folder.stat().st_mtime < MAKING_SECONDS


def own(folder: Path) -> int | None:
    """The lock of a folder, as an open file; None while somebody else has it, or if it is gone."""
    path = folder / OWNER
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been finished and removed between the two calls.
        if os.stat(path).st_ino == os.fstat(handle).st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def load(folder: Path, lock: int, max_bytes: int) -> Journal | None:
    """A journal as its worker left it; what is torn is dropped, what is damaged is spoilt."""
    loaded = [(path, *read_file(path)) for path in sorted(folder.glob("*.log"))]
    heads = [head for _, head, _ in loaded if head is not None]
    if not heads:
        return None
    journal = Journal(folder, heads[0].writer, heads[0].epoch, max_bytes, lock)
    for number, (path, head, data) in enumerate(loaded):
        if head is None:
            continue
        following = [h.sequence for _, h, _ in loaded[number + 1 :] if h is not None]
        file, newest = scan(path, head, data, until=following[0] if following else None)
        journal.files.append(file)
        journal.newest = max(journal.newest, newest)
    journal.last = journal.durable = max(file.last for file in journal.files)
    return journal


def read_file(path: Path) -> tuple[Head | None, bytes]:
    try:
        data = path.read_bytes()
    except OSError as error:
        log.error("journal_unreadable", file=str(path), error=str(error))
        keep_aside(path)
        return None, b""
    head = read_head(data)
    if isinstance(head, Head):
        return head, data
    if head is Stop.DAMAGED:
        log.error("journal_damaged", file=str(path), at=0)
        keep_aside(path)
    return None, b""


def scan(path: Path, head: Head, data: bytes, until: int | None) -> tuple[File, int]:
    """A file's records, and the UTC second at which the hour of the last of them ends.

    until: where the next file begins; a record behind it was never acknowledged.
    """
    file = begin(path, Mark(head.sequence, head.chain))
    hour: Hour = NO_HOUR
    at = file.size
    while until is None or file.last.sequence < until:
        found = read_record(data, at, file.last.digest)
        if not isinstance(found, Found):
            say_why(found, file, at, len(data))
            break
        at = found.end
        if found.content is Content.HOUR:
            hour = read_hour(found.payload)
        events = len(found.payload) // EVENT.size if found.content is Content.EVENTS else 0
        file.note(Mark(file.last.sequence + 1, found.chain), found.end, events, hour)
    return file, hour.end


def say_why(stop: Stop, file: File, at: int, length: int) -> None:
    if stop is Stop.DAMAGED:
        file.spoilt = True
        log.error("journal_damaged", file=str(file.path), at=at, record=file.last.sequence + 1)
    elif stop is Stop.TORN:
        log.warning("journal_torn", file=str(file.path), at=at, dropped_bytes=length - at)

"""A disk that stalls and fails when it is told to; otherwise the real one."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from adserver.serving import counting, journal, journal_files


@dataclass
class Disk:
    """open: while it is cleared, a sync waits. syncs: how many were asked for.

    fails: the next syncs fail, so many. full: nothing more can be written. short: the next write
    only writes so many bytes.
    """

    open: threading.Event = field(default_factory=threading.Event)
    syncs: int = 0
    fails: int = 0
    full: bool = False
    short: int | None = None

    def __post_init__(self) -> None:
        self.open.set()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sync, write = journal_files.sync, os.write

        def slow_sync(unsynced: Any) -> None:
            self.syncs += 1
            assert self.open.wait(30)
            if self.fails:
                self.fails -= 1
                raise OSError(errno.EIO, "Input/output error")
            sync(unsynced)

        def limited_write(handle: int, data: bytes) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            short, self.short = self.short, None
            return write(handle, data[:short])

        allocate = os.posix_fallocate

        def limited_allocate(handle: int, offset: int, length: int) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            allocate(handle, offset, length)

        monkeypatch.setattr(journal_files.os, "posix_fallocate", limited_allocate)
        monkeypatch.setattr(counting, "sync", slow_sync)
        monkeypatch.setattr(journal.os, "write", limited_write)

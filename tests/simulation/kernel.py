"""What the journal's code calls: `os`, `fcntl` and paths, on the disks of the simulation.

A process that crashes gives back its files and locks, as the kernel sees to.
"""

from __future__ import annotations

import errno
import io
import os as real
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tests.simulation.disk import Disk, Inode, Stat


class Path(PurePosixPath):
    """A path on one machine's disk; `on` makes the class of a machine's paths."""

    disk: Disk

    @classmethod
    def on(cls, disk: Disk) -> type[Path]:
        return type("Path", (cls,), {"disk": disk, "__slots__": ()})

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        if self.exists():
            if not exist_ok:
                raise FileExistsError(errno.EEXIST, "file exists", str(self))
            return
        if parents and not self.parent.exists():
            self.parent.mkdir(parents=True, exist_ok=True)
        self.disk.link(self, self.disk.make(folder=True))

    def exists(self) -> bool:
        try:
            self.disk.find(self)
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        return self.exists() and self.disk.find(self).folder

    def stat(self) -> Stat:
        return self.disk.stat(self.disk.find(self))

    def iterdir(self) -> Iterator[Path]:
        return iter([self / name for name in self.disk.find(self).entries])

    def glob(self, pattern: str) -> Iterator[Path]:
        return iter([path for path in self.iterdir() if path.match(pattern)])

    def rename(self, target: Path) -> None:
        self.disk.rename(self, target)

    def unlink(self, missing_ok: bool = False) -> None:
        if not missing_ok or self.exists():
            self.disk.unlink(self)

    def rmdir(self) -> None:
        self.disk.unlink(self)

    def touch(self) -> None:
        if not self.exists():
            self.disk.link(self, self.disk.make())
        self.disk.find(self).modified = self.disk.clock()

    def read_bytes(self) -> bytes:
        return self.disk.find(self).content()

    def open(self, mode: str = "rb") -> io.BytesIO:
        return io.BytesIO(self.read_bytes())


@dataclass(frozen=True, slots=True)
class Opened:
    disk: Disk
    inode: Inode
    process: Any


@dataclass(frozen=True, slots=True)
class Mapped:
    """A file that is written through memory, with the failures of one that is not."""

    kernel: Kernel
    handle: int

    def append(self, data: bytes) -> None:
        if self.kernel.write(self.handle, data) < len(data):
            raise OSError(errno.ENOSPC, "no space left on device")

    def close(self) -> None:
        """What is in it is as long as it is."""


class Kernel:
    """`os` and `fcntl` for all machines at once; process: who is calling.

    locks: whether locking keeps anybody out.
    """

    O_RDONLY, O_WRONLY, O_RDWR = real.O_RDONLY, real.O_WRONLY, real.O_RDWR
    O_CREAT, O_TRUNC, O_APPEND = real.O_CREAT, real.O_TRUNC, real.O_APPEND
    O_CLOEXEC, O_DIRECTORY = real.O_CLOEXEC, real.O_DIRECTORY
    LOCK_EX, LOCK_NB, LOCK_UN = 2, 4, 8

    def __init__(self, *, locks: bool = True) -> None:
        self.process: Any = None
        self._locks = locks
        self._open: dict[int, Opened] = {}
        self._next = 3
        self._owners: dict[Inode, int] = {}

    def ended(self, process: Any) -> None:
        for handle in [h for h, opened in self._open.items() if opened.process is process]:
            self.close(handle)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        disk = path.disk
        if not path.exists():
            if not flags & self.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            disk.link(path, disk.make())
        inode = disk.find(path)
        if flags & self.O_TRUNC:
            inode.truncate()
        self._next += 1
        self._open[self._next] = Opened(disk, inode, self.process)
        return self._next

    def _opened(self, handle: int) -> Opened:
        if handle not in self._open:
            raise OSError(errno.EBADF, "bad file descriptor")
        return self._open[handle]

    def close(self, handle: int) -> None:
        inode = self._opened(handle).inode
        del self._open[handle]
        if self._owners.get(inode) == handle:
            del self._owners[inode]

    def write(self, handle: int, data: bytes) -> int:
        opened = self._opened(handle)
        return opened.disk.write(opened.inode, data)

    def mapped(self, handle: int, _length: int) -> Mapped:
        return Mapped(self, handle)

    def fdatasync(self, handle: int) -> None:
        opened = self._opened(handle)
        opened.disk.sync_file(opened.inode)

    def fsync(self, handle: int) -> None:
        opened = self._opened(handle)
        opened.disk.sync_folder(opened.inode)

    def stat(self, path: Path) -> Stat:
        return path.stat()

    def fstat(self, handle: int) -> Stat:
        opened = self._opened(handle)
        return opened.disk.stat(opened.inode)

    def flock(self, handle: int, operation: int) -> None:
        inode = self._opened(handle).inode
        if operation == self.LOCK_UN:
            self._owners.pop(inode, None)
            return
        if self._locks and self._owners.get(inode, handle) != handle:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        self._owners[inode] = handle

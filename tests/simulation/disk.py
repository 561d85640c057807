"""A machine's disk: what is written, what of it is synced, and what a power cut leaves.

Names and bytes become durable separately: bytes by syncing their file, names by syncing their
folder. As on a journalling file system, changes of names become durable in their order; a power
cut leaves all that were synced, and none or some of those after. Of bytes that were not synced
it leaves any beginning, zeros in place of any end, or, behind a sync that failed, anything.
"""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random
from typing import Any

PAGE_BYTES = 4_096


@dataclass(eq=False, slots=True)
class Inode:
    """data: as it was written. flips: bits that rot has turned since, by offset.

    synced: how much of `data` a power cut leaves. unknown: from here on a sync failed, and
    nothing later makes the bytes durable. before: what was there before it was truncated.
    """

    number: int
    folder: bool = False
    data: bytearray = field(default_factory=bytearray)
    flips: dict[int, int] = field(default_factory=dict)
    synced: int = 0
    unknown: int | None = None
    before: bytes = b""
    entries: dict[str, Inode] = field(default_factory=dict)
    durable: dict[str, Inode] = field(default_factory=dict)
    modified: float = 0.0

    def content(self) -> bytes:
        if not self.flips:
            return bytes(self.data)
        data = bytearray(self.data)
        for at, bit in self.flips.items():
            data[at] ^= bit
        return bytes(data)

    def truncate(self) -> None:
        if self.data:
            self.before = bytes(self.data)
        self.data.clear()
        self.flips.clear()
        self.synced, self.unknown = 0, None

    def sync(self) -> None:
        self.synced = len(self.data) if self.unknown is None else min(self.synced, self.unknown)
        self.before = b""


@dataclass(frozen=True, slots=True)
class Change:
    """Of names; `removed` and `added` are (folder, name) and (folder, name, inode)."""

    removed: tuple[Inode, str] | None
    added: tuple[Inode, str, Inode] | None

    def touches(self, folder: Inode) -> bool:
        return any(side is not None and side[0] is folder for side in (self.removed, self.added))

    def apply(self) -> None:
        if self.removed is not None:
            self.removed[0].durable.pop(self.removed[1], None)
        if self.added is not None:
            self.added[0].durable[self.added[1]] = self.added[2]


class Disk:
    """honest: whether syncing does anything. names: whether syncing folders does."""

    def __init__(self, rng: Random, *, honest: bool = True, names: bool = True) -> None:
        self._rng = rng
        self._numbers = 0
        self.honest = honest
        self.names = names
        self.root = self.make(folder=True)
        self._changes: list[Change] = []
        # What the next calls meet, if anything.
        self.fails_write: list[str] = []
        self.fails_sync = 0
        self.full = False
        self.clock: Any = None

    def make(self, *, folder: bool = False) -> Inode:
        self._numbers += 1
        return Inode(self._numbers, folder)

    def find(self, path: PurePosixPath) -> Inode:
        inode = self.root
        for part in path.parts[1:]:
            if part not in inode.entries:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            inode = inode.entries[part]
        return inode

    def link(self, path: PurePosixPath, inode: Inode) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "no space left on device", str(path))
        parent = self.find(path.parent)
        parent.entries[path.name] = inode
        self._change(Change(None, (parent, path.name, inode)), parent)

    def unlink(self, path: PurePosixPath) -> None:
        parent = self.find(path.parent)
        if path.name not in parent.entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        if parent.entries[path.name].entries:
            raise OSError(errno.ENOTEMPTY, "folder not empty", str(path))
        del parent.entries[path.name]
        self._change(Change((parent, path.name), None), parent)

    def rename(self, path: PurePosixPath, target: PurePosixPath) -> None:
        inode, parent, new = self.find(path), self.find(path.parent), self.find(target.parent)
        there = new.entries.get(target.name)
        if there is not None and there.entries:
            raise OSError(errno.ENOTEMPTY, "folder not empty", str(target))
        del parent.entries[path.name]
        new.entries[target.name] = inode
        self._change(Change((parent, path.name), (new, target.name, inode)), parent, new)

    def _change(self, change: Change, *folders: Inode) -> None:
        self._changes.append(change)
        for folder in folders:
            folder.modified = self.clock()

    def write(self, inode: Inode, data: bytes) -> int:
        """Append; a write that fails may have written some of it."""
        fate = self.fails_write.pop() if self.fails_write else ""
        if fate or self.full:
            some = self._rng.randrange(len(data)) if fate != "none" and not self.full else 0
            inode.data += data[:some]
            if fate == "short":
                return some
            raise OSError(errno.ENOSPC, "no space left on device")
        inode.data += data
        inode.modified = self.clock()
        return len(data)

    def sync_file(self, inode: Inode) -> None:
        if self._sync_fails():
            if inode.unknown is None:
                inode.unknown = inode.synced
            raise OSError(errno.EIO, "input/output error")
        if self.honest:
            inode.sync()

    def sync_folder(self, folder: Inode) -> None:
        if self._sync_fails():
            raise OSError(errno.EIO, "input/output error")
        if self.names:
            touching = [n for n, change in enumerate(self._changes) if change.touches(folder)]
            self._commit(touching[-1] + 1 if touching else 0)

    def _sync_fails(self) -> bool:
        if self.fails_sync:
            self.fails_sync -= 1
            return self._rng.random() < 0.7  # so that a file's sync works and its folder's fails
        return False

    def _commit(self, many: int) -> None:
        for change in self._changes[:many]:
            change.apply()
        del self._changes[:many]

    def settle(self) -> None:
        """All names are durable, as of a machine that has been up for long."""
        self._commit(len(self._changes))

    def cut(self) -> None:
        """The power goes: what is left is what was synced, and what chance has spared."""
        if self._changes and self._rng.random() < 0.5:
            self._commit(self._rng.randint(0, len(self._changes)))
        self._changes.clear()
        self._restore(self.root)

    def _restore(self, inode: Inode) -> None:
        inode.entries = dict(inode.durable)
        for child in inode.entries.values():
            if child.folder:
                self._restore(child)
            else:
                self._tear(child)

    def _tear(self, inode: Inode) -> None:
        kept, tail = inode.data[: inode.synced], inode.data[inode.synced :]
        if inode.before and not inode.synced and self._rng.random() < 0.3:
            kept, tail = bytearray(inode.before), bytearray()  # the truncation was lost too
        inode.data = kept + self._torn(bytes(tail), inode.unknown is not None)
        inode.flips = {at: bit for at, bit in inode.flips.items() if at < len(inode.data)}
        inode.synced, inode.unknown, inode.before = len(inode.data), None, b""

    def _torn(self, tail: bytes, failed: bool) -> bytes:
        if not tail:
            return b""
        some = self._rng.randint(0, len(tail))
        page = min(len(tail), some // PAGE_BYTES * PAGE_BYTES) if not failed else some
        return self._rng.choice(
            [
                b"",
                tail[:some],
                bytes(some),
                tail[:some] + bytes(len(tail) - some),
                bytes(page) + tail[page:],  # a later page was written and an earlier was not
                tail,
            ]
        )

    def files(self, inode: Inode | None = None, at: str = "") -> list[tuple[str, Inode]]:
        """Every file under a folder, with its path."""
        found: list[tuple[str, Inode]] = []
        for name, child in (inode or self.root).entries.items():
            where = f"{at}/{name}"
            found += self.files(child, where) if child.folder else [(where, child)]
        return found

    def stat(self, inode: Inode) -> Stat:
        mode = stat.S_IFDIR if inode.folder else stat.S_IFREG
        return Stat(inode.number, inode.modified, len(inode.data), mode)


@dataclass(frozen=True, slots=True)
class Stat:
    st_ino: int
    st_mtime: float
    st_size: int
    st_mode: int

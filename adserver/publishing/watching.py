"""Whether a config folder has changed since the last look, told from its files' stamps."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# More files than 2,000 campaigns have; what lies beyond is not watched.
MAX_WATCHED = 20_000
MAX_DEPTH = 8
# An editor may empty a file and then write it: a folder that is still changing is not read.
SETTLE_SECONDS = 0.05
LONGEST_SETTLING_SECONDS = 1.0

# By path: when it was written (ns), when it was last touched in any way (ns), and its size.
Stamps = dict[str, tuple[int, int, int]]


@dataclass(slots=True)
class Watch:
    """Looks when it is asked to. Stamps are asked of the file system each time, so that it works
    wherever files do: on network drives and in containers no notices of changes arrive."""

    folder: Path
    seen: Stamps | None = field(default=None)

    def changed(self) -> bool:
        """Whether the folder differs from the last look; the first one always does."""
        now = stamps(self.folder)
        if now == self.seen:
            return False
        self.seen = settled(self.folder, now)
        return True

    def forget(self) -> None:
        """The next look is a first one again."""
        self.seen = None


def settled(folder: Path, now: Stamps) -> Stamps:
    """The stamps as soon as two looks agree."""
    end = time.monotonic() + LONGEST_SETTLING_SECONDS
    while time.monotonic() < end:
        time.sleep(SETTLE_SECONDS)
        before, now = now, stamps(folder)
        if before == now:
            break
    return now


def stamps(folder: Path, most: int = MAX_WATCHED) -> Stamps:
    found: Stamps = {}
    for entry in walk(folder, MAX_DEPTH):
        try:
            status = entry.stat()
        except OSError:
            continue  # gone since it was listed, or a link to nowhere
        found[entry.path] = (status.st_mtime_ns, status.st_ctime_ns, status.st_size)
        if len(found) == most:
            break
    return found


def walk(folder: Path | str, depth: int) -> Iterator[os.DirEntry[str]]:
    """Every file, without hidden ones: editors and git keep their own there."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in listed:
        if entry.is_dir():
            if depth:
                yield from walk(entry.path, depth - 1)
        else:
            yield entry

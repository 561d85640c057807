"""Work that any worker of a node may do, and one at a time does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


class Whoever:
    """lock: a file, taken for an instant by who does it; whoever dies lets go of it, and nobody
    ever waits for it. Without one: a worker that is alone."""

    def __init__(self, lock: Path | None) -> None:
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC) if lock else None

    def does(self, work: Callable[[], Result]) -> Result | None:
        """What became of it; None where somebody else is at it."""
        if self._lock is None:
            return work()
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        try:
            return work()
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

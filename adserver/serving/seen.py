"""What a worker knows to have been counted, and what the other workers of its node know."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from mmap import mmap
from pathlib import Path

from adserver.core.events import Event
from adserver.core.seen import MEMORY_BYTES, Seen

# Told to the others as soon as nobody else is telling; past that, the store tells them.
MAX_UNTOLD = 10_000


class SharedSeen:
    """memory: made before the workers were forked. lock: a file, taken for an instant by who
    writes into it; whoever dies lets go of it, and nobody ever waits for it."""

    def __init__(self, memory: mmap | None = None, lock: Path | None = None) -> None:
        self._own = Seen(memoryview(bytearray(MEMORY_BYTES)))
        self._shared = Seen(memoryview(memory)) if memory is not None else None
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC) if lock else None
        self._untold: deque[Event] = deque(maxlen=MAX_UNTOLD)

    def has(self, event: Event) -> bool:
        return self._own.has(event) or (self._shared is not None and self._shared.has(event))

    def add(self, event: Event) -> bool:
        """Whether that is new to this worker; the others learn of it by `share`."""
        self._untold.append(event)
        return self._own.add(event)

    def share(self) -> None:
        if self._shared is None or self._lock is None:
            self._untold.clear()
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            while self._untold:
                self._shared.add(self._untold.popleft())
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

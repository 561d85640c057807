"""What the workers of a node know to have been counted; each tells the others of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from mmap import mmap
from pathlib import Path

from adserver.core.seen import MEMORY_BYTES, Seen
from adserver.serving.whoever import Whoever

# Told to the others as soon as nobody else is telling; past that, the store tells them.
MAX_UNTOLD = 10_000


class SharedSeen:
    """memory: made before the workers were forked. lock: of who writes into it. Without
    them: a worker that is alone."""

    def __init__(self, memory: mmap | None = None, lock: Path | None = None) -> None:
        self._shared = Seen(memoryview(memory if memory is not None else bytearray(MEMORY_BYTES)))
        self._whoever = Whoever(lock)
        self._untold: set[int] = set()

    def has(self, bit: int) -> bool:
        return self._shared.has(bit) or bit in self._untold

    def add(self, bit: int) -> None:
        """Known to this worker from now on, and to the others from the next `share` on."""
        if len(self._untold) < MAX_UNTOLD:
            self._untold.add(bit)

    def add_all(self, bits: Sequence[int]) -> list[bool]:
        """Whether each is new; known to all workers at once, or as `add` has it."""
        return self._whoever.does(partial(self._tell_all, bits)) or list(map(self._add_here, bits))

    def _tell_all(self, bits: Sequence[int]) -> list[bool]:
        self._tell()
        return list(map(self._shared.add, bits))

    def _add_here(self, bit: int) -> bool:
        known = self.has(bit)
        self.add(bit)
        return not known

    def share(self) -> None:
        self._whoever.does(self._tell)

    def _tell(self) -> None:
        while self._untold:
            self._shared.add(self._untold.pop())

    def close(self) -> None:
        self._whoever.close()

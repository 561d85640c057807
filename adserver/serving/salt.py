"""The salt under which addresses are counted: random, of one UTC day, and known nowhere else.

It lies in memory that the workers of a node share and that is in no file. Who meets a new day
first replaces it, and with it goes whatever was counted under it: nobody can ask tomorrow which
address it was.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from pathlib import Path

from adserver.serving.whoever import Whoever

SALT_BYTES = 32
# The day, counted from 1970 (0: no salt yet), then the salt.
DAY_BYTES = 8
MEMORY_BYTES = DAY_BYTES + SALT_BYTES
DIGEST_BYTES = 16


class SharedSalt:
    """memory: of MEMORY_BYTES, zeros at first. counted: what is forgotten with a salt.

    lock: of who replaces it. Without one: a worker that is alone.
    """

    def __init__(self, memory: memoryview, counted: memoryview, lock: Path | None = None) -> None:
        self._memory = memory
        self._counted = counted
        self._whoever = Whoever(lock)
        self._day = 0
        self._keyed: blake2b | None = None

    def of(self, day: int) -> blake2b | None:
        """A hash that has been given the day's salt, to be copied. None, or still that of the day
        before, where somebody else is at it."""
        if day != self._day:
            self._whoever.does(lambda: self._read(day))
        return self._keyed

    def _read(self, day: int) -> None:
        if int.from_bytes(self._memory[:DAY_BYTES]) != day:
            # The day comes last: whoever dies before leaves a salt that the next one replaces.
            self._memory[DAY_BYTES:MEMORY_BYTES] = secrets.token_bytes(SALT_BYTES)
            self._counted[:] = bytes(len(self._counted))
            self._memory[:DAY_BYTES] = day.to_bytes(DAY_BYTES)
        self._keyed = blake2b(key=self._memory[DAY_BYTES:MEMORY_BYTES], digest_size=DIGEST_BYTES)
        self._day = day

    def close(self) -> None:
        self._whoever.close()

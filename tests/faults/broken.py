"""`adserver`, altered before it runs: python -m tests.faults.broken WHAT serve …

Controls take one of its protections out. The product has no switch for any of this.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable


def without_syncs() -> None:
    """What is written is taken for durable."""
    os.fdatasync = lambda handle: None


def asking_again() -> None:
    """A sync that failed is asked for again, and believed: the kernel has dropped the pages."""
    sync = os.fdatasync

    def insist(handle: int) -> None:
        try:
            sync(handle)
        except OSError:
            sync(handle)

    os.fdatasync = insist  # type: ignore[assignment]


def without_refusals() -> None:
    """An event that the journal does not take is acknowledged all the same."""
    from adserver.core.errors import JournalError
    from adserver.core.events import Outcome
    from adserver.serving.patience import Told, Waiter

    settle = Waiter.settle

    def accept(self: Waiter, told: Told) -> None:
        settle(self, Outcome.ACCEPTED if isinstance(told, JournalError) else told)

    Waiter.settle = accept  # type: ignore[method-assign]


def without_resending() -> None:
    """A store that has rolled back is not sent what it has lost."""
    from adserver.core.batch import Mark, Stream

    def resume(self: Stream, mark: Mark) -> None:
        self._ledger, self.position, self._whole = mark, self.end, True
        self._queue.clear()

    Stream._resume = resume  # type: ignore[method-assign]


def small_files() -> None:
    """A file that has 16 KiB takes no more (`ulimit -f`): the last write before is cut short."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, 16 * 1024))


def short_files() -> None:
    """A journal's next file is begun after 500 bytes, not after 16 MiB."""
    from adserver.serving import journal

    journal.MAX_FILE_BYTES = 500


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way
    for way in (
        without_syncs,
        asking_again,
        without_refusals,
        without_resending,
        small_files,
        short_files,
    )
}

if __name__ == "__main__":
    WAYS[sys.argv.pop(1)]()
    from adserver.cli import main

    main()

"""What a benchmark needs beside Python, asked for before anything is started."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator

# Where daemons are, which is not on everybody's path.
DAEMONS = "/usr/sbin"


def installed(program: str) -> str | None:
    """Its path, None if it is not there."""
    return shutil.which(program) or shutil.which(program, path=DAEMONS)


def needs(*programs: str) -> None:
    """Ends this process, saying what to install, if one is missing. Packages have their names."""
    missing = [program for program in programs if installed(program) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        named = f"{', '.join(missing)} {are} not installed"
        sys.exit(f"{named} (on Debian and Ubuntu: apt install {' '.join(missing)})")


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what was started, as Ctrl-C does: it is SystemExit in here."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

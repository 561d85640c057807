"""Memory that is free goes back to the system, once what a generation took to prepare is gone.

The C library keeps it in holes among what stays: among a hundred thousand campaigns that is ten
megabytes of a worker. glibc alone is asked; others keep less, or give back by themselves.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def asked_of(library: object) -> Callable[[int], int] | None:
    """malloc_trim(3), where there is one."""
    return getattr(library, "malloc_trim", None)


TRIM = asked_of(ctypes.CDLL(None))


def give_back() -> bool:
    """Whether that was asked for. A millisecond for a hundred megabytes."""
    if TRIM is None:
        return False
    TRIM(0)
    return True

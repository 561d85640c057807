"""Where coverage does not look."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_measured() -> Iterator[None]:
    """What goes through the same lines for the thousandth time is not measured: that takes three
    times as long as running it."""
    measures = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(measures)

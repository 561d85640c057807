"""Imported before everything else: the same times in each run, whatever the machine does meanwhile.

Calls of C like the real ones, so that they cost as little. A slow machine, as one under valgrind
is, is not taken for an overloaded one.
"""

from __future__ import annotations

import itertools
import time

NOW = 1_793_610_000.0
STEP_SECONDS = 1e-6

time.monotonic = itertools.repeat(1_000.0).__next__  # type: ignore[assignment]
time.time = itertools.repeat(NOW).__next__  # type: ignore[assignment]
time.perf_counter = itertools.count(1_000.0, STEP_SECONDS).__next__  # type: ignore[assignment]

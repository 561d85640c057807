"""Doing long work between requests: a step, then whatever else is ready, then the next."""

from __future__ import annotations

import asyncio
import gc
from typing import TypeVar

from adserver.core.steps import Steps

Result = TypeVar("Result")

# Python's own numbers, but for the last one, which is 10: of so many new objects, so many times,
# so often, all that was made since it began to serve is walked. What was prepared for readers is
# kept for long, and walking it holds up requests for a tenth of a second. A connection that ends
# leaves no circle; what is lost in others, and outlived two shorter looks, is 700,000 objects at
# most, some 70 MB.
LOOK_AFTER = 700, 10, 100


def look_rarely() -> None:
    """For a process that serves: Python looks through everything for garbage more rarely."""
    gc.set_threshold(*LOOK_AFTER)


async def between_requests(steps: Steps[Result], *, lasting: bool = True) -> Result:
    """The result of the steps.

    Meanwhile Python does not look for garbage, as it would after so many new objects: there is
    none among them, and looking through a hundred thousand campaigns holds up requests for a
    quarter of a second, each time. lasting: what they make is kept for long, and is never looked
    through.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        while True:
            try:
                next(steps)
            except StopIteration as done:
                result: Result = done.value
                if lasting:
                    gc.freeze()
                return result
            await asyncio.sleep(0)
    finally:
        if was_enabled:
            gc.enable()

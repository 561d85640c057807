"""Doing long work between requests: a step, then whatever else is ready, then the next."""

from __future__ import annotations

import asyncio
import gc
from typing import TypeVar

from adserver.core.steps import Steps

Result = TypeVar("Result")


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

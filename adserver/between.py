"""Doing long work between requests: a step, then whatever else is ready, then the next."""

from __future__ import annotations

import asyncio
import gc
from typing import TypeVar

from adserver.core.steps import Steps

Result = TypeVar("Result")


async def between_requests(steps: Steps[Result], *, lasting: bool = True) -> Result:
    """The result of the steps.

    lasting: what they make is kept for long and is not garbage; looking through all of it for
    some, as Python does after so many new objects, would hold up requests for a second.
    """
    was_enabled = gc.isenabled()
    if lasting:
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

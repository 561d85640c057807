"""Tasks that run beside requests for as long as a process lives, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

CANCEL_AGAIN_SECONDS = 1.0


async def forever(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("beside_failed")
        await asyncio.sleep(seconds)


async def cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Until they have ended: a library may lose a cancellation that comes with its answer."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)

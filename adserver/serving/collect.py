"""One node, one set of metrics: workers tell the admin process what they have counted.

Over a Unix socket in a private folder, one JSON line at a time. The admin asks when it is
scraped, so that what it shows is what has been answered, and workers also tell every second,
so that little is lost with one that is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson

from adserver.metrics.exposition import add_up, without_gauges
from adserver.metrics.meter import Dump

PUSH_SECONDS = 1.0
ANSWER_TIMEOUT_SECONDS = 1.0
# 500 campaigns in 100 slots are about 5 MiB.
MAX_LINE_BYTES = 64 * 1024 * 1024


class Teller:
    """In a worker: tells its dump every second, when asked, and at the end.

    Each line says which question it has seen last, so that the asker knows that the numbers
    are not older than its question.
    """

    def __init__(self, path: str, dump: Callable[[], Dump]) -> None:
        self._path = path
        self._dump = dump
        self._asked = 0

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self._talk()
            await asyncio.sleep(PUSH_SECONDS)  # the admin process is being replaced

    async def _talk(self) -> None:
        self._asked = 0
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            while True:
                writer.write(self._line())
                await writer.drain()
                # `wait_for` of Python 3.11 may lose a cancellation that comes with a line.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PUSH_SECONDS):
                        question = await reader.readline()
                    if not question:
                        return
                    self._asked = int(question)
        finally:
            # Also when cancelled: the last words of a worker that ends.
            writer.write(self._line())
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _line(self) -> bytes:
        return orjson.dumps({"asked": self._asked, "dump": self._dump()}) + b"\n"


class Collected:
    """In the admin process: what every worker, living or gone, has counted."""

    def __init__(self) -> None:
        self._gone: Dump = {}
        self._living: dict[asyncio.StreamWriter, Dump] = {}
        self._answered: dict[asyncio.StreamWriter, int] = {}
        self._told = asyncio.Condition()
        self._question = 0

    async def listen(self, path: str) -> asyncio.Server:
        return await asyncio.start_unix_server(self._attend, path, limit=MAX_LINE_BYTES)

    @property
    def workers(self) -> int:
        return len(self._living)

    @property
    def generation(self) -> int:
        """The highest that a living worker serves; 0 where none serves any."""
        told = (dump.get("generation", ()) for dump in self._living.values())
        return max((int(value) for series in told for _, value in series), default=0)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                await self._hear(writer, orjson.loads(line))
        except (OSError, ValueError):
            pass  # a line that was cut; what it told before stays
        except asyncio.CancelledError:
            pass  # the process ends; Python 3.11 would log the cancellation as a failure
        finally:
            last = self._living.pop(writer, {})
            self._answered.pop(writer, None)
            self._gone = add_up([self._gone, without_gauges(last)])
            writer.close()

    async def _hear(self, writer: asyncio.StreamWriter, told: dict[str, Any]) -> None:
        async with self._told:
            self._living[writer] = told["dump"]
            self._answered[writer] = told["asked"]
            self._told.notify_all()

    async def dump(self) -> Dump:
        """Ask all workers now; one that does not answer in a second counts as it last told."""
        # Just started: the workers come back within a second.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PUSH_SECONDS + ANSWER_TIMEOUT_SECONDS), self._told:
                await self._told.wait_for(lambda: self._living)
        self._question += 1
        question = self._question
        for writer in list(self._living):
            with contextlib.suppress(OSError):
                writer.write(b"%d\n" % question)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS), self._told:
                await self._told.wait_for(
                    lambda: all(self._answered[w] >= question for w in self._living)
                )
        return add_up([self._gone, *self._living.values()])

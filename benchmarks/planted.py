"""Work that a request should not do, planted beside the app, to see that it is found.

A row `S + task` of `benchmarks.one_process` is S with one of these done for each request. The
worth of each is what a change brings in by the way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter

Work = Callable[[], object]

ASKED: Final = Counter("planted", "Requests.", ["slot", "campaign"], registry=CollectorRegistry())
DEV_NULL: Final = os.open(os.devnull, os.O_WRONLY)


def label() -> None:
    """As prometheus_client is used by most: `labels` looks for a child with a lock."""
    ASKED.labels(slot="post-top", campaign="campaign-1").inc()


async def nothing() -> None:
    """Of a task."""


def task() -> object:
    return asyncio.get_running_loop().create_task(nothing())


def write() -> None:
    os.write(DEV_NULL, b"a second system call")


def python() -> None:
    """Some three microseconds."""
    "".join(f"{number}" for number in range(40))


def garbage() -> None:
    """Which only the collector finds."""
    knot: list[object] = []
    knot.append(knot)


PLANTED: Final[dict[str, Work]] = {
    "label": label,
    "task": task,
    "write": write,
    "python": python,
    "garbage": garbage,
}


class Planted:
    """The app, with that done for each request that it answers, at once or in a task."""

    def __init__(self, app: Any, work: Work) -> None:
        self._app = app
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def at_once(self, *arguments: Any) -> Any:
        made = self._app.at_once(*arguments)
        if made is not None:
            self._work()
        return made

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._work()
        await self._app(scope, receive, send)

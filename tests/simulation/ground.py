"""The code under test, put on the simulation's ground, and taken off again.

Modules of `serving` find `os`, `time`, `fcntl` and their log under these names; here each name
is given the simulation's thing for as long as a world runs. Limits can be made so small that a
short run meets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from adserver.core import batch, commit
from adserver.serving import (
    counting,
    journal,
    journal_files,
    journals,
    patience,
    shipping,
    store_watch,
    tasks,
    whoever,
    worker,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

ROOMS = (
    counting,
    journal,
    journal_files,
    journals,
    patience,
    shipping,
    store_watch,
    tasks,
    whoever,
    worker,
)


@dataclass
class Log:
    """level: error and its fields, in order; told to the world's journal of what happened."""

    world: World
    errors: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def error(self, event: str, **fields: Any) -> None:
        self.errors.append((event, fields))
        self.world.note(f"error {event} {fields}")

    exception = error

    def warning(self, event: str, **fields: Any) -> None:
        self.world.note(f"warning {event} {fields}")

    info = warning


@contextmanager
def standing_on(world: World) -> Iterator[None]:
    clock = SimpleNamespace(
        time=world.time, monotonic=lambda: world.now, perf_counter=lambda: world.now
    )
    names: dict[str, Any] = {"os": world.kernel, "fcntl": world.kernel, "time": clock}
    names |= {"log": world.log, "secrets": SimpleNamespace(randbits=world.epoch)}
    names["Mapped"] = world.kernel.mapped
    names |= world.plan.knobs | world.features.replaced
    kept = [
        (room, name, getattr(room, name))
        for room in (batch, commit, *ROOMS)
        for name in names
        if hasattr(room, name)
    ]
    for room, name, _ in kept:
        setattr(room, name, names[name])
    try:
        yield
    finally:
        for room, name, thing in kept:
            setattr(room, name, thing)

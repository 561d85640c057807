"""A machine: its disk, its clock, its workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adserver.core.seen import MEMORY_BYTES
from tests.factories import NOW
from tests.simulation.disk import Disk
from tests.simulation.kernel import Path

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World


@dataclass(eq=False)
class Node:
    """offset: by how much its clock is wrong, seconds. seen: what its workers share."""

    world: World
    name: str
    disk: Disk
    root: Path
    workers: list[Worker] = field(default_factory=list)
    up: bool = True
    offset: float = 0.0
    seen: bytearray = field(default_factory=lambda: bytearray(MEMORY_BYTES))

    def time(self) -> float:
        told = NOW + self.world.now + self.offset
        self.world.latest = max(self.world.latest, told)
        return told

"""One run: machines, their workers, a store between them, and what the seed lets happen."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

from adserver.core.seen import MEMORY_BYTES
from adserver.serving.journals import QUARANTINE
from tests.factories import NOW
from tests.simulation.disk import Disk, Inode
from tests.simulation.faults import act
from tests.simulation.features import Features
from tests.simulation.ground import Log, standing_on
from tests.simulation.kernel import Kernel, Path
from tests.simulation.loop import Loop
from tests.simulation.node import Node
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.plan import FATES, plan_of
from tests.simulation.store import Store
from tests.simulation.visitors import Visitors
from tests.simulation.worker import Worker

# How long a world may take, once everything is well, to have shipped all and to have tidied up.
SETTLE_SECONDS = 300.0
TIDY_SECONDS = 4_000.0
TIDY_LOOK_SECONDS = 150.0
# Longer than the latest call is on its way.
AFTERWARDS_SECONDS = 35.0


class World:
    """now: seconds since it began, of every monotonic clock."""

    def __init__(
        self,
        seed: int,
        features: Features | None = None,
        faults: dict[str, int] | None = None,
        fates: dict[str, float] | None = None,
        *,
        talks: bool = False,
    ) -> None:
        self.features = features or Features()
        self.rng = Random(seed)
        self.plan = plan_of(self.rng, faults, fates)
        self.talks = talks
        self.now = 0.0
        self.latest = float(NOW)
        self.healed = self.closing = False
        self.dark = False  # no machine is switched on again
        self.look_seconds = self.plan.look_seconds
        self.away: set[int] = set()
        self.twins: set[str] = set()
        self.let_go: list[tuple[str, Inode]] = []
        self.kernel = Kernel(locks=self.features.locks)
        self.store = Store(self.plan.shards, self.plan.life, self.features.rules)
        self.log = Log(self)
        self.oracle = Oracle(self)
        self.visitors = Visitors(self)
        self.everybody: list[Worker] = []
        self.forced_epoch: int | None = None
        self._queue: list[tuple[float, int, Callable[[], Any]]] = []
        self._queued = self._steps = 0
        self._fuses: list[tuple[int, Callable[[], Any]]] = []
        self._writers = 0
        self.nodes = [self._node(f"node{number}") for number in range(self.plan.nodes)]

    def _node(self, name: str) -> Node:
        disk = Disk(self.rng, honest=self.features.syncs, names=self.features.names)
        root = Path.on(disk)(f"/{name}/journal")
        node = Node(self, name, disk, root)
        disk.clock = node.time
        root.parent.mkdir()
        disk.settle()
        return node

    # Time.

    def time(self) -> float:
        process = self.kernel.process
        return process.node.time() if process else NOW + self.now

    def at(self, when: float, work: Callable[[], Any]) -> None:
        self._queued += 1
        heappush(self._queue, (max(when, self.now), self._queued, work))

    def after_steps(self, many: int, work: Callable[[], Any]) -> None:
        """In the middle of what is going on, and not only when all is quiet."""
        self._fuses.append((self._steps + many, work))
        self._fuses.sort(key=lambda fuse: fuse[0])

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            if self._fuses and self._fuses[0][0] <= self._steps:
                self._fuses.pop(0)[1]()
                continue
            ready = [w.loop for w in self.everybody if w.loop.ready and not w.paused]
            if ready:
                self._steps += 1
                (ready[0] if len(ready) == 1 else self.rng.choice(ready)).step()
            elif self._queue and self._queue[0][0] <= end:
                self.now, _, work = heappop(self._queue)
                work()
            else:
                self.now = end
                return

    def in_thread(self, loop: Loop, work: Callable[[], Any]) -> None:
        def begin() -> None:
            if loop.dead:
                return
            if loop.owner.paused:
                self.at(self.now + 0.1, begin)
            else:
                work()

        slow = 0.0005 if self.healed else self.rng.choice([0.0, 0.0005, 0.005, 0.2])
        self.at(self.now + slow, begin)

    def after_thread(self, tell: Callable[[], Any]) -> None:
        self.at(self.now + (0.0 if self.healed else self.rng.choice([0.0, 0.001])), tell)

    # Chance.

    def fate(self) -> str:
        drawn = self.rng.random()
        for fate in FATES:
            drawn -= self.plan.fates[fate]
            if drawn < 0:
                return fate
        return ""

    def epoch(self, bits: int) -> int:
        forced, self.forced_epoch = self.forced_epoch, None
        return self.rng.getrandbits(bits) if forced is None else forced

    def note(self, what: str) -> None:
        if self.talks:
            print(f"{self.now:12.4f}  {what}")  # noqa: T201 - asked for

    # Workers.

    @property
    def workers(self) -> list[Worker]:
        """Those that serve."""
        return [w for node in self.nodes for w in node.workers if not w.leaving and not w.paused]

    def start(self, node: Node, writer: int | None = None) -> None:
        if not node.up or (writer is None and len(node.workers) >= self.plan.workers):
            return
        self._writers += 1
        worker = Worker(self, node, self._writers if writer is None else writer)
        self.note(f"{node.name}: worker {worker.writer} starts")
        node.workers.append(worker)
        self.everybody.append(worker)

    def crash(self, worker: Worker) -> None:
        if not worker.gone:
            self.note(f"{worker.node.name}: worker {worker.writer} is killed")
            worker.crash()
            worker.node.workers.remove(worker)
            self._replace(worker.node)

    def left(self, worker: Worker) -> None:
        self.note(f"{worker.node.name}: worker {worker.writer} has left")
        if worker.counting._tallies.waiting:
            self.oracle.crashed(worker)  # its disk took nothing to the end, which it has logged
        worker.node.workers.remove(worker)
        self._replace(worker.node)

    def _replace(self, node: Node) -> None:
        if not self.closing:
            self.at(self.now + self.rng.uniform(0.01, 5.0), lambda: self.start(node))

    def power_cut(self, node: Node, seconds: float) -> None:
        """The machine stops, and starts again after so long."""
        if not node.up:
            return
        self.note(f"{node.name}: power cut, {seconds:.0f} s")
        node.up = False
        for worker in list(node.workers):
            worker.crash()
        node.workers.clear()
        synced = self._synced(node)
        node.disk.cut()
        node.disk.fails_sync, node.disk.full = 0, False
        node.disk.fails_write.clear()
        left = {inode for _, inode in node.disk.files()}
        self.oracle.power_cut({i: n if i in left else -1 for i, n in synced.items()})
        self.at(self.now + seconds, lambda: self.power_on(node))

    def _synced(self, node: Node) -> dict[Inode, int]:
        return {inode: inode.synced for _, inode in node.disk.files()}

    def power_on(self, node: Node) -> None:
        if not node.up and not self.dark:
            self.note(f"{node.name}: power on")
            node.up, node.seen = True, bytearray(MEMORY_BYTES)
            for _ in range(self.plan.workers):
                self.start(node)

    # A life.

    def live(self) -> None:
        """From the first start to the last check; Violation."""
        with standing_on(self):
            try:
                for node in self.nodes:
                    for _ in range(self.plan.workers):
                        self.start(node)
                for _ in range(self.plan.steps):
                    self.run(self.rng.expovariate(1 / self.plan.seconds))
                    act(self)
                self._heal()
                self._settle()
                self._tidy()
                self.oracle.check()
            finally:
                for worker in self.everybody:
                    worker.loop.close_tasks()

    def _heal(self) -> None:
        self.note("everything heals")
        self.healed = True
        self._fuses.clear()
        self.away.clear()
        self.look_seconds = min(self.look_seconds, 5.0)
        for node in self.nodes:
            node.disk.full, node.disk.fails_sync = False, 0
            node.disk.fails_write.clear()
            self.power_on(node)
            for worker in node.workers:
                worker.paused = False
        self.run(AFTERWARDS_SECONDS)

    def _settle(self) -> None:
        """Every journal is somebody's, and everything is in the store."""
        until = self.now + SETTLE_SECONDS
        while not self._settled():
            if self.now > until:
                raise Violation("with everything well, what is in the journals is not shipped")
            self.run(0.37 * self.look_seconds)  # not always at the same moment of a look

    def _settled(self) -> bool:
        held = {
            (worker.node.name, one.journal.folder.name)
            for worker in self.everybody
            for one in worker.shipping._held
            if not worker.gone
        }
        return all(w.shipped for w in self.workers) and all(
            (node.name, name) in held for node in self.nodes for name in self._folders(node)
        )

    def _folders(self, node: Node) -> list[str]:
        """Of journals that have something in them."""
        if not node.root.exists():
            return []
        return [
            path.name
            for path in node.root.iterdir()
            if path.name != QUARANTINE and any(p.name.endswith(".log") for p in path.iterdir())
        ]

    def _tidy(self) -> None:
        """All leave but one on each machine, which sees what they left to its end."""
        self.note("everybody leaves")
        self.closing = True
        self.look_seconds = TIDY_LOOK_SECONDS
        for worker in self.workers:
            worker.leave()
        self.run(30.0)
        for node in self.nodes:
            self.start(node)
        until = self.now + TIDY_SECONDS
        while any(len(self._folders(node)) > 0 for node in self.nodes):
            if self.now > until:
                names = [self._folders(node) for node in self.nodes]
                raise Violation(f"journals that nobody removes: {names}")
            self.run(TIDY_LOOK_SECONDS)
        # The caretakers have written nothing: their journals are folders without files.

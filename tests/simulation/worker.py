"""A worker process: the real counting, shipping and journals, on the simulation's ground."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from adserver.core.errors import JournalError, TooManyWaiting
from adserver.core.events import Event, Outcome, Tally
from adserver.core.parts import Written
from adserver.core.record import Content, read_tallies
from adserver.metrics.meter import Meter
from adserver.serving.counting import Counting
from adserver.serving.disk_thread import DiskThread, Work
from adserver.serving.patience import Told
from adserver.serving.seen import SharedSeen
from adserver.serving.shipping import Shipping
from adserver.serving.tasks import cancel
from adserver.serving.worker import Beside
from tests.factories import ZONE
from tests.simulation.disk import Inode
from tests.simulation.loop import Loop
from tests.simulation.network import RemoteCounts

if TYPE_CHECKING:
    from tests.simulation.node import Node
    from tests.simulation.world import World

FLUSH_SECONDS = 1.0
KEEP_SECONDS = 3_600.0


class WorldsThread(DiskThread):
    """Done when the world says so."""

    def do(self, work: Work) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(None, work)  # type: ignore[return-value]


class Worker:
    """paused: it stands still, and the world goes on without it."""

    def __init__(self, world: World, node: Node, writer: int) -> None:
        self.world, self.node, self.writer = world, node, writer
        self.paused = self.leaving = self.gone = False
        self.loop = Loop(world, self)
        self.loop.entered(self._set_up)

    def _set_up(self) -> None:
        world, plan = self.world, self.world.plan
        journals = world.features.journals(self.node.root, plan.journal_bytes, plan.life)
        counts = RemoteCounts(world)
        self.shipping = Shipping(counts, journals, Meter(), lambda rows: None, self.node.time)
        seen = SharedSeen(cast("Any", self.node.seen), cast("Any", self.node.root.parent / "seen"))
        self.counting = Counting(
            lambda: ZONE, self._durable, seen, always=plan.always, disk=WorldsThread()
        )
        state = SimpleNamespace(counting=self.counting, writer=self.writer)
        self._beside = Beside(
            state=cast("Any", state),
            catalog=cast("Any", None),
            counts=counts,
            journals=journals,
            shipping=self.shipping,
            presence=cast("Any", None),
            collect_path="",
            identity="",
        )
        self._every = [
            self.loop.create_task(self._forever(lambda: FLUSH_SECONDS, self._flush)),
            self.loop.create_task(
                self._forever(lambda: world.look_seconds, self._beside._look_after_journals)
            ),
            self.loop.create_task(self._forever(lambda: KEEP_SECONDS, self._beside._keep_sources)),
        ]

    async def _forever(self, seconds: Any, work: Any) -> None:
        """As `serving.tasks.forever`, with a period that changes with the world."""
        while True:
            try:
                await work()
            except OSError as error:
                self.world.log.exception("beside_failed", error=str(error))
            await asyncio.sleep(seconds())

    async def _flush(self) -> None:
        await self.counting.flush()

    def _durable(self, written: Sequence[Written]) -> None:
        """What the journal says is durable; in `interval` mode, in the page cache at least."""
        for one in written:
            if one.content is Content.TALLIES:
                self.world.oracle.tallied_durably(read_tallies(one.payload), self.place())
        self.shipping.durable(written)

    def place(self) -> tuple[Inode, int] | None:
        """Where the journal ends now, if what is there may be lost with the power."""
        journal = self.shipping.own
        if self.world.plan.always or journal is None or not journal.files:
            return None
        inode = self.node.disk.find(cast("Any", journal.files[-1].path))
        return inode, len(inode.data)

    # What visitors do.

    def present(self, event: Event, *, patient: bool) -> None:
        oracle = self.world.oracle
        oracle.presented(event)
        try:
            answer = self.counting.join(event, patient=patient)
        except TooManyWaiting:
            oracle.turned_away(event)
            return
        except JournalError:
            return  # 503: it may be in the journal all the same
        if isinstance(answer, Outcome):
            self._answered(event, answer)
        else:
            answer.then(lambda told: self._answer(event, told))

    def _answer(self, event: Event, told: Told) -> None:
        if not isinstance(told, JournalError):
            self._answered(event, told)

    def _answered(self, event: Event, outcome: Outcome | None) -> None:
        """None promises nothing; in `interval` mode neither does `duplicate`, more than the first
        did."""
        if outcome is Outcome.ACCEPTED or (outcome and self.world.plan.always):
            self.world.oracle.told(event, self.place())

    def tally(self, row: Tally) -> None:
        self.world.oracle.tallied(row, self)
        self.counting.tally(self.node.time(), row)

    # How it ends.

    def leave(self) -> None:
        """SIGTERM: it writes and ships what is left."""
        self.leaving = True
        self.loop.entered(lambda: self.loop.create_task(self._leave()))

    async def _leave(self) -> None:
        await cancel(self._every)
        await self.counting.finish()
        await self.shipping.finish()
        self.gone = True
        self.loop.kill()
        self.world.kernel.ended(self)
        self.world.left(self)

    def crash(self) -> None:
        """kill -9: what is written stays, what was in memory is gone."""
        self.gone = True
        self.loop.kill()
        self.world.kernel.ended(self)
        self.world.oracle.crashed(self)

    @property
    def shipped(self) -> bool:
        """Everything that it holds is in the store, and it knows that."""
        return all(
            held.idle and held.position >= held.journal.durable.sequence
            for held in self.shipping._held
        )

    def trouble(self) -> list[str]:
        """Tasks that ended with an error nobody caught."""
        tasks = [*self._every, *(task for held in self.shipping._held for task in held.tasks)]
        failed = [task for task in tasks if task.done() and not task.cancelled()]
        errors = [repr(task.exception()) for task in failed if task.exception() is not None]
        return errors + self.loop.complaints

"""An event loop whose every step is the world's to choose, on the world's clock.

It has what asyncio's tasks, futures, events and timers ask of a loop, and no selector. Work for
threads is done when the world says so. A worker that crashes is a loop that never steps again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.world import World

# Tasks that are remembered, so that they can be closed with their world; done ones are let go.
MAX_TASKS = 500


class Loop(asyncio.AbstractEventLoop):
    """owner: whose loop it is; `delay` tells how long a thread's work takes, seconds."""

    def __init__(self, world: World, owner: Any) -> None:
        self._world = world
        self.owner = owner
        self.ready: deque[asyncio.Handle] = deque()
        self.dead = False
        self.complaints: list[str] = []
        self._tasks: list[asyncio.Task[Any]] = []

    # What the world does with it.

    def step(self) -> None:
        """Run what has been ready for longest."""
        handle = self.ready.popleft()
        if not handle.cancelled():
            self.entered(handle._run)

    def entered(self, work: Callable[[], Any]) -> Any:
        """Do something as this loop's process would."""
        asyncio._set_running_loop(self)
        self._world.kernel.process = self.owner
        try:
            return work()
        finally:
            asyncio._set_running_loop(None)
            self._world.kernel.process = None

    def kill(self) -> None:
        self.dead = True
        self.ready.clear()

    def close_tasks(self) -> None:
        """Nothing more will run: let go of what waits, silently."""
        self.kill()
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                # It may be about to clean up on a disk that is gone.
                with suppress(RuntimeError, OSError):
                    self.entered(task.get_coro().close)  # type: ignore[union-attr]
        self._tasks.clear()

    # What asyncio asks of it.

    def time(self) -> float:
        return self._world.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return False

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._world.at(when, lambda: self._due(timer))
        return timer

    def _due(self, timer: asyncio.TimerHandle) -> None:
        if not self.dead and not timer.cancelled():
            self.ready.append(timer)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # it stays in the world's queue, and is skipped there

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        if len(self._tasks) >= MAX_TASKS:
            self._tasks = [other for other in self._tasks if not other.done()]
        self._tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """A thread does it a little later, at one moment; the loop hears of it later still."""
        future = self.create_future()
        self._world.in_thread(self, lambda: self._do(future, func, args))
        return future

    def _do(self, future: asyncio.Future[Any], func: Callable[..., Any], args: Any) -> None:
        try:
            result, error = self.entered(lambda: func(*args)), None
        except Exception as raised:
            result, error = None, raised

        def tell() -> None:
            if future.done() or self.dead:
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._world.after_thread(lambda: self.call_soon(tell))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

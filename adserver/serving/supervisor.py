"""The parent of a node's processes: starts them, replaces those that die or hang, drains them.

A plain loop without threads or event loop, so that forking is safe. All workers inherit one
listening socket: while one is replaced, connections wait in the kernel for the others.

It never waits for one process alone: what it waits for is in its state, looked at whenever a
signal or a process says something, and once a second. Patience is counted in those looks and
not by a clock: where the whole machine has stood still, nobody has missed a look.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from adserver.serving.around import Around, guarded
from adserver.serving.children import SIGNALS, Child, Role, send, start
from adserver.serving.parent_counts import Failure, ParentCounts, Restart
from adserver.serving.replacing import Replacing

log = structlog.get_logger(__name__)

# Longer than the slowest answer that we would wait for; then the process is killed.
DRAIN_SECONDS = 20.0
# A process that dies at once would otherwise be started hundreds of times a second.
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 10.0
# One that was ready and has lived this long was not broken from the start.
SETTLED_SECONDS = 2.0
TICK_SECONDS = 1.0
READY_TIMEOUT_SECONDS = 60.0
# Without a heartbeat. The longest that a worker is meant to be away from its loop is 0.1 s.
HUNG_SECONDS = 10.0


@dataclass(slots=True)
class Planned:
    role: Role
    at: float


@dataclass(slots=True)
class Supervisor:
    roles: list[Role]
    around: Around = field(default_factory=Around)
    counts: ParentCounts = field(default_factory=ParentCounts)
    drain_seconds: float = DRAIN_SECONDS
    ready_timeout_seconds: float = READY_TIMEOUT_SECONDS
    hung_seconds: float = HUNG_SECONDS
    tick_seconds: float = TICK_SECONDS
    children: dict[int, Child] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    received: list[int] = field(default_factory=list)
    replacing: Replacing = field(default_factory=Replacing)
    looked: float = 0.0
    stopping: bool = False

    def run(self, on_ready: Callable[[], None]) -> int:
        """Until SIGTERM or SIGINT; 0, or 1 where the processes never became ready."""
        with self._signals() as wake:
            try:
                if not self._begin(wake):
                    return 0 if self.stopping else 1
                on_ready()
                while not self.stopping:
                    self._wait(wake, self.tick_seconds)
                    self._look_after()
                return 0
            finally:
                self._drain(wake)

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """The end of a socket that becomes readable when there was one."""
        wake, wake_write = socket.socketpair()
        for end in (wake, wake_write):
            end.setblocking(False)
        before = {number: signal.signal(number, self._note) for number in SIGNALS}
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        try:
            yield wake
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake.close()
            wake_write.close()

    def _note(self, number: int, _frame: object) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True
        elif number == signal.SIGHUP and number not in self.received:
            self.received.append(number)

    def _begin(self, wake: socket.socket) -> bool:
        """Start everybody; whether all have become ready."""
        for role in self.roles:
            if self._start(role) is None:
                return False
        end = time.monotonic() + self.ready_timeout_seconds
        while waiting := [c for c in self._silent() if not c.role.once]:
            left = end - time.monotonic()
            if self.stopping or left <= 0:
                return False
            self._wait(wake, left)
            if failed := next((child for child in waiting if child.mute), None):
                log.error("process_failed_to_start", role=failed.role.name)
                return False
        return True

    def _start(self, role: Role) -> Child | None:
        try:
            child = start(role)
        except OSError as error:
            log.error("process_not_started", role=role.name, error=str(error))
            return None
        self.children[child.pid] = child
        return child

    def _silent(self) -> list[Child]:
        return [child for child in self.children.values() if not child.ready]

    def _wait(self, wake: socket.socket, seconds: float) -> None:
        """For a signal, a process that becomes ready, or so long."""
        if self.planned:
            first = min(plan.at for plan in self.planned)
            seconds = min(seconds, max(0.0, first - time.monotonic()))
        listened = {child.pipe: child for child in self._silent() if not child.mute}
        readable, _, _ = select.select([wake.fileno(), *listened], [], [], seconds)
        empty(wake)
        for pipe in readable:
            if pipe in listened:
                listened[pipe].hear()

    def _look_after(self) -> None:
        self._reap()
        self._start_planned()
        if self.received:
            self.received.clear()
            self.replacing.ask()
        self._replace()
        now = time.monotonic()
        if now - self.looked >= self.tick_seconds:
            self.looked = now
            self._look()
            guarded(self.around.tick)

    def _start_planned(self) -> None:
        now = time.monotonic()
        for plan in [plan for plan in self.planned if plan.at <= now]:
            self.planned.remove(plan)
            if self._start(plan.role) is None:
                self._plan(plan.role, self._longer(plan.role))

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is None:
                continue
            child.hear_last_words()
            if not (child.leaving or self.stopping or child.role.once):
                self._lost(child, os.waitstatus_to_exitcode(status))
            child.close()

    def _lost(self, child: Child, code: int) -> None:
        """One that was not told to: somebody is started in its place, now or a little later."""
        facts = {"role": child.role.name, "pid": child.pid, "exit": code}
        if child is self.replacing.coming:
            log.error("process_failed_to_start", **facts)
            return  # the old one still serves, or `_give_up` sees to it
        self.counts.add(Restart.HUNG if child.hung else Restart.DIED)
        if child is self.replacing.old:
            log.error("process_died", **facts)
            return  # another is on its way
        self.replacing.drop(child)
        settled = child.ready and time.monotonic() - child.started > SETTLED_SECONDS
        delay = self._longer(child.role, again=not settled)
        log.error("process_died", **facts, again_in=delay)
        self._plan(child.role, delay)

    def _longer(self, role: Role, *, again: bool = True) -> float:
        """How long to wait before it is started; again: it has just failed as well."""
        last = self.delays.get(role.name, 0.0) if again else 0.0
        delay = min(max(last * 2, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
        self.delays[role.name] = delay
        return delay

    def _plan(self, role: Role, delay: float) -> None:
        self.planned.append(Planned(role, time.monotonic() + delay))

    def _replace(self) -> None:
        """One by one: a new process serves before the old one is asked to leave."""
        if self.replacing.due:
            self._begin_round()
        while self.replacing.under_way and self._go_on():
            pass

    def _begin_round(self) -> None:
        again = guarded(self.around.reload) is True
        for child in self.children.values():
            if child.role.rereads and not child.leaving:
                send(child.pid, signal.SIGHUP)
        serving = (child for child in self.children.values() if child.role.serves)
        self.replacing.begin(serving, again=again)
        if not self.replacing.under_way:
            self._end_round(done=True)

    def _go_on(self) -> bool:
        """Whether there is more to do at once."""
        replacing = self.replacing
        if replacing.coming is None:
            replacing.coming = self._start(replacing.turn().role)
        coming = replacing.coming
        if coming is None or coming.pid not in self.children:
            self._give_up()
            return False
        if not coming.ready:
            return False
        old = replacing.done()
        if old.pid in self.children:
            self.counts.add(Restart.REPLACED)
            old.tell_to_leave()
            log.info("worker_replaced", role=old.role.name, pid=old.pid, by=coming.pid)
        if not replacing.under_way:
            self._end_round(done=True)
        return True

    def _give_up(self) -> None:
        old = self.replacing.give_up()
        self.counts.add(Failure.WORKERS)
        log.error("replacement_failed", role=old.role.name, do="the old workers serve on")
        if old.pid not in self.children:
            self._plan(old.role, self._longer(old.role))
        self._end_round(done=False)

    def _end_round(self, *, done: bool) -> None:
        guarded(lambda: self.around.reloaded(done))

    def _look(self) -> None:
        for child in list(self.children.values()):
            child.look()
            waited = child.looks * self.tick_seconds
            if child.leaving:
                if waited > self.drain_seconds:
                    self._kill(child, "process_killed")
            elif child.role.once or child.hung:
                continue
            elif not child.ready:
                if waited > self.ready_timeout_seconds:
                    self._kill(child, "process_never_ready")
            elif child.role.beats and child.silent * self.tick_seconds >= self.hung_seconds:
                self._kill(child, "process_hung", doing=child.doing())

    def _kill(self, child: Child, event: str, **facts: str) -> None:
        child.hung = True
        log.error(event, role=child.role.name, pid=child.pid, **facts)
        send(child.pid, signal.SIGKILL)

    def _drain(self, wake: socket.socket) -> None:
        """Those that serve first, so that the others see their last words."""
        self.stopping = True
        guarded(self.around.leave)
        for serves in (True, False):
            group = [c for c in self.children.values() if c.role.serves is serves]
            for child in group:
                child.tell_to_leave()
            self._wait_gone({child.pid for child in group}, wake)
            if serves:
                guarded(self.around.left)

    def _wait_gone(self, pids: set[int], wake: socket.socket) -> None:
        deadline = time.monotonic() + self.drain_seconds
        while left := pids & self.children.keys():
            if time.monotonic() > deadline:
                for child in [self.children[pid] for pid in left if not self.children[pid].hung]:
                    self._kill(child, "process_killed")
            self._wait(wake, 0.1)
            self._reap()


def empty(end: socket.socket) -> None:
    try:
        while end.recv(4096):
            pass
    except BlockingIOError:
        pass

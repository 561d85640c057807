"""The parent of a node's processes: starts them, replaces those that die, drains on SIGTERM.

A plain loop without threads or event loop, so that forking is safe. All workers inherit one
listening socket: while one is replaced, connections wait in the kernel for the others.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

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
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Role:
    """A process to run. `run` is called in the child, told how to say that it is ready.

    serves: drained before the others on the way down, and replaced on SIGHUP.
    once: not started again when it ends.
    """

    name: str
    run: Callable[[Callable[[], None]], None]
    serves: bool = False
    once: bool = False


@dataclass(slots=True)
class Child:
    role: Role
    pid: int
    ready: int  # a pipe's end that becomes readable when the child is ready
    started: float
    leaving: bool = False
    was_ready: bool = False

    def said_ready(self) -> bool:
        """Whether it has ever been ready; asked when it has ended, so reading does not wait."""
        return self.was_ready or os.read(self.ready, 1) != b""


@dataclass(slots=True)
class Restart:
    role: Role
    at: float
    delay: float


@dataclass(slots=True)
class Supervisor:
    """tick: called about once a second in the parent, for what it has to look after."""

    roles: list[Role]
    tick: Callable[[], None] = lambda: None
    drain_seconds: float = DRAIN_SECONDS
    ready_timeout_seconds: float = READY_TIMEOUT_SECONDS
    children: dict[int, Child] = field(default_factory=dict)
    restarts: list[Restart] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    received: list[int] = field(default_factory=list)
    stopping: bool = False

    def run(self, on_ready: Callable[[], None]) -> int:
        """Until SIGTERM or SIGINT; 0, or 1 where the processes never became ready."""
        wake_read, wake_write = socket.socketpair()
        for end in (wake_read, wake_write):
            end.setblocking(False)
        before = {number: signal.signal(number, self._note) for number in SIGNALS}
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        try:
            for role in self.roles:
                self._start(role)
            if not self._wait_ready(list(self.children.values()), wake_read):
                return 0 if self.stopping else 1
            on_ready()
            while not self.stopping:
                self._sleep(wake_read, TICK_SECONDS)
                self._look_after(wake_read)
            return 0
        finally:
            self._drain(wake_read)
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            wake_read.close()
            wake_write.close()

    def _note(self, number: int, _frame: object) -> None:
        self.received.append(number)
        if number in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True

    def _start(self, role: Role) -> Child:
        ready_read, ready_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready_read)
            run_child(role, ready_write)
        os.close(ready_write)
        child = Child(role, pid, ready_read, time.monotonic())
        self.children[pid] = child
        return child

    def _look_after(self, wake: socket.socket) -> None:
        self._reap()
        now = time.monotonic()
        for restart in [r for r in self.restarts if r.at <= now]:
            self.restarts.remove(restart)
            self._start(restart.role)
        if signal.SIGHUP in self.received:
            self.received.clear()
            self._replace(wake)
        self.tick()

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is None:
                continue
            if not (child.leaving or self.stopping or child.role.once):
                self._plan_restart(child, status)
            os.close(child.ready)

    def _plan_restart(self, child: Child, status: int) -> None:
        lived = time.monotonic() - child.started
        settled = child.said_ready() and lived > SETTLED_SECONDS
        last = 0.0 if settled else self.delays.get(child.role.name, 0.0)
        delay = min(max(last * 2, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
        self.delays[child.role.name] = delay
        code = os.waitstatus_to_exitcode(status)
        log.error("process_died", role=child.role.name, pid=child.pid, exit=code, again_in=delay)
        self.restarts.append(Restart(child.role, time.monotonic() + delay, delay))

    def _replace(self, wake: socket.socket) -> None:
        """One by one: a new process serves before the old one is asked to leave."""
        for old in [c for c in self.children.values() if c.role.serves and not c.leaving]:
            if self.stopping or not self._wait_ready([self._start(old.role)], wake):
                return
            old.leaving = True
            kill(old.pid, signal.SIGTERM)
            log.info("worker_replaced", role=old.role.name, pid=old.pid)

    def _wait_ready(self, children: list[Child], wake: socket.socket) -> bool:
        waiting = {child.ready: child for child in children if not child.role.once}
        deadline = time.monotonic() + self.ready_timeout_seconds
        while waiting:
            left = deadline - time.monotonic()
            if self.stopping or left <= 0:
                return False
            readable, _, _ = select.select([*waiting, wake.fileno()], [], [], left)
            drain_socket(wake)
            for end in set(readable) & waiting.keys():
                child = waiting.pop(end)
                child.was_ready = os.read(end, 1) != b""
                if not child.was_ready:
                    log.error("process_failed_to_start", role=child.role.name)
                    return False
        return True

    def _sleep(self, wake: socket.socket, seconds: float) -> None:
        if self.restarts:
            next_start = min(restart.at for restart in self.restarts)
            seconds = min(seconds, max(0.0, next_start - time.monotonic()))
        select.select([wake], [], [], seconds)
        drain_socket(wake)

    def _drain(self, wake: socket.socket) -> None:
        """Those that serve first, so that the others see their last words."""
        self.stopping = True
        for serves in (True, False):
            group = [c for c in self.children.values() if c.role.serves is serves]
            for child in group:
                kill(child.pid, signal.SIGTERM)
            self._wait_gone({child.pid for child in group}, wake)

    def _wait_gone(self, pids: set[int], wake: socket.socket) -> None:
        deadline = time.monotonic() + self.drain_seconds
        while pids & self.children.keys():
            if time.monotonic() > deadline:
                for pid in pids & self.children.keys():
                    log.error("process_killed", pid=pid, after_seconds=self.drain_seconds)
                    kill(pid, signal.SIGKILL)
            self._sleep(wake, 0.1)
            self._reap()


def run_child(role: Role, ready_write: int) -> None:
    """In the child: run the role, and leave without touching what belongs to the parent."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
        role.run(lambda: say_ready(ready_write))
        code = 0
    except BaseException:
        log.exception("process_failed", role=role.name)
    finally:
        os._exit(code)


def say_ready(ready_write: int) -> None:
    os.write(ready_write, b"1")


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def drain_socket(end: socket.socket) -> None:
    try:
        while end.recv(4096):
            pass
    except BlockingIOError:
        pass

"""A node's processes, as their parent sees them: what they run, and whether they live.

Each is forked with a lifeline of its own: a pipe, on which it says that it is ready and, when it
is asked, what it is doing; and a page of shared memory, in which it counts its heartbeats.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import PAGESIZE, mmap
from struct import Struct

import structlog

log = structlog.get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Asks a process what it is doing: answered by C code, so that a hung interpreter answers too.
ASK_SIGNAL = signal.SIGUSR2
ASK_SECONDS = 0.2
# The innermost calls, which say where it hangs. A pipe holds 64 KiB; what is more is dropped.
MOST_DOING_CHARACTERS = 1_500
BEATS = Struct("Q")
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Lifeline:
    """The child's end."""

    pipe: int
    page: mmap
    parent: int

    def ready(self) -> None:
        os.write(self.pipe, b"1")

    def beat(self) -> None:
        """About once a second, from what must not hang: its event loop."""
        BEATS.pack_into(self.page, 0, BEATS.unpack_from(self.page)[0] + 1)


@dataclass(frozen=True, slots=True)
class Role:
    """A process to run. `run` is called in the child.

    serves: drained before the others on the way down, and replaced on SIGHUP.
    rereads: is sent SIGHUP itself when its parent has had one; the others ignore it.
    beats: is taken for hung when its heart stands still.
    once: not started again when it ends.
    """

    name: str
    run: Callable[[Lifeline], None]
    serves: bool = False
    rereads: bool = False
    beats: bool = False
    once: bool = False


@dataclass(slots=True, eq=False)
class Child:
    """looks: of its parent, since it was started or, where it leaves, was told to.
    silent: looks in a row at which its heart had not beaten since the look before.
    """

    role: Role
    pid: int
    pipe: int
    page: mmap
    started: float = field(default_factory=time.monotonic)
    ready: bool = False
    mute: bool = False  # its end of the pipe is closed: it has ended, or is about to
    leaving: bool = False
    hung: bool = False
    looks: int = 0
    silent: int = 0
    beats: int = 0

    def hear(self) -> None:
        """Read what is in the pipe, which must be readable; whether it is ready is known then."""
        self.mute = os.read(self.pipe, 1) == b""
        self.ready = self.ready or not self.mute

    def hear_last_words(self) -> None:
        """It has ended: whether it has ever been ready, though nobody had listened yet."""
        if not (self.ready or self.mute):
            self.hear()

    def look(self) -> None:
        self.looks += 1
        beats = BEATS.unpack_from(self.page)[0]
        self.silent = 0 if beats != self.beats else self.silent + 1
        self.beats = beats

    def tell_to_leave(self) -> None:
        self.leaving, self.looks = True, 0
        send(self.pid, signal.SIGTERM)

    def doing(self) -> str:
        """Which calls it is in, innermost first; nothing where it does not answer (stopped)."""
        send(self.pid, ASK_SIGNAL)
        said = b""
        end = time.monotonic() + ASK_SECONDS
        while (left := end - time.monotonic()) > 0 and len(said) < MOST_DOING_CHARACTERS:
            if select.select([self.pipe], [], [], left)[0]:
                heard = os.read(self.pipe, MOST_DOING_CHARACTERS)
                if not heard:
                    break
                said += heard
        return said[:MOST_DOING_CHARACTERS].decode("ascii", "replace").strip()

    def close(self) -> None:
        os.close(self.pipe)
        self.page.close()


def start(role: Role) -> Child:
    """Fork it. OSError where the machine has no room for another process."""
    page = mmap(-1, PAGESIZE)
    told, tell = os.pipe()
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os.close(told)
        os.close(tell)
        page.close()
        raise
    if pid == 0:
        os.close(told)
        run_child(role, Lifeline(tell, page, parent))
    os.close(tell)
    return Child(role, pid, told, page)


def run_child(role: Role, lifeline: Lifeline) -> None:
    """In the child: run the role, and leave without touching what belongs to the parent."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # Ctrl-C, and a SIGHUP for everybody of that name, reach all; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.set_blocking(lifeline.pipe, False)
        faulthandler.register(ASK_SIGNAL, file=lifeline.pipe, all_threads=True)
        leave_with(lifeline.parent)
        role.run(lifeline)
        code = 0
    except BaseException:
        log.exception("process_failed", role=role.name)
    finally:
        os._exit(code)


def leave_with(parent: int) -> None:
    """Whoever is killed as a parent leaves nobody behind, also those that have not begun yet."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed before we asked
        os._exit(1)


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

"""A parent with real children, for the tests of the supervisor: `python -m … SCENARIO DIARY`.

Every process writes what happens to it in the diary, one line each: role, word, process id.
A file `broken` or `mute` beside it changes what processes do that start from then on, `full` and
`odd` what befalls their parent. Its clock runs ten times as fast as a node's: it looks every tenth
of a second.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from adserver.serving.around import Around
from adserver.serving.children import Lifeline, Role
from adserver.serving.parent_counts import SERIES
from adserver.serving.supervisor import Supervisor

TICK_SECONDS = 0.1
# What a worker that drains still does: long enough for others to be out of order meanwhile.
LAST_WORK_SECONDS = 0.1


def note(role: str, word: str) -> None:
    line = f"{role} {word} {os.getpid()}\n"
    handle = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
    os.write(handle, line.encode())
    os.close(handle)


def flagged(name: str) -> bool:
    return Path(sys.argv[2]).with_name(name).exists()


def obedient(name: str) -> Callable[[Lifeline], None]:
    def run(lifeline: Lifeline) -> None:
        def leave(*_: object) -> None:
            note(name, "told")
            time.sleep(LAST_WORK_SECONDS)
            note(name, "left")
            os._exit(0)

        if flagged("broken"):
            raise RuntimeError("it cannot start")
        signal.signal(signal.SIGTERM, leave)
        note(name, "up")
        if not flagged("mute"):
            lifeline.ready()
        while True:
            signal.pause()

    return run


def beating(name: str) -> Callable[[Lifeline], None]:
    """Until it is sent SIGUSR1."""

    def run(lifeline: Lifeline) -> None:
        healthy = True

        def hang(*_: object) -> None:
            nonlocal healthy
            healthy = False

        signal.signal(signal.SIGUSR1, hang)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        note(name, "up")
        lifeline.ready()
        while healthy:
            lifeline.beat()
            time.sleep(TICK_SECONDS / 2)
        hang_here()

    return run


def hang_here() -> None:
    while True:
        time.sleep(TICK_SECONDS)


def rereading(lifeline: Lifeline) -> None:
    signal.signal(signal.SIGHUP, lambda *_: note("admin", "rereads"))
    obedient("admin")(lifeline)


def stubborn(lifeline: Lifeline) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("stubborn", "up")
    lifeline.ready()
    while True:
        signal.pause()


def failing(_: Lifeline) -> None:
    raise RuntimeError("it cannot start")


def short_lived(lifeline: Lifeline) -> None:
    lifeline.ready()
    note("short", "ran")


def silent(_: Lifeline) -> None:
    note("silent", "up")
    while True:
        signal.pause()


ADMIN = Role("admin", obedient("admin"))
REREADING = Role("admin", rereading, rereads=True)
WORKERS = [Role(name, obedient(name), serves=True) for name in ("worker-0", "worker-1")]
SCENARIOS: dict[str, list[Role]] = {
    "node": [ADMIN, *WORKERS],
    "rereading": [REREADING, *WORKERS],
    "beating": [ADMIN, Role("heart", beating("heart"), serves=True, beats=True)],
    "not-listened": [ADMIN, Role("heart", beating("heart"), serves=True)],
    "stubborn": [ADMIN, Role("stubborn", stubborn, serves=True)],
    "failing": [ADMIN, Role("failing", failing)],
    "once": [ADMIN, Role("short", short_lived, once=True)],
    "short-lived": [ADMIN, Role("short", short_lived)],
    "silent": [ADMIN, Role("silent", silent)],
}


def fork() -> int:
    """As the system's; `full`: there is no room for another process."""
    if flagged("full"):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return system_fork()


system_fork, os.fork = os.fork, fork


def tick() -> None:
    note("parent", "ticked")
    if flagged("odd"):
        raise RuntimeError("nobody had thought of this")


def rounds(twice: bool) -> bool:
    """Another round, the first time."""
    note("parent", "reloads")
    Path(sys.argv[2]).with_name("twice").unlink(missing_ok=True)
    return twice


if __name__ == "__main__":
    supervisor = Supervisor(
        SCENARIOS[sys.argv[1]],
        Around(
            tick=tick,
            reload=lambda: rounds(flagged("twice")),
            reloaded=lambda done: note("parent", "replaced" if done else "kept"),
            leave=lambda: note("parent", "leaves"),
            left=lambda: note("parent", "alone"),
        ),
        drain_seconds=2.0,
        ready_timeout_seconds=float(sys.argv[3]) if len(sys.argv) > 3 else 30.0,
        hung_seconds=2.0,
        tick_seconds=TICK_SECONDS,
    )
    code = supervisor.run(lambda: note("parent", "ready"))
    for one in SERIES:
        if count := supervisor.counts.count(one):
            note("parent", f"{one}={count}")
    note("parent", "ends")
    sys.exit(code)

"""A parent with real children, for the tests of the supervisor: `python -m … SCENARIO DIARY`.

Every process writes what happens to it in the diary, one line each: role, word, process id.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from adserver.serving.supervisor import Role, Supervisor

Ready = Callable[[], None]
# What a worker that drains still does: long enough for others to be out of order meanwhile.
LAST_WORK_SECONDS = 0.1


def note(role: str, word: str) -> None:
    line = f"{role} {word} {os.getpid()}\n"
    handle = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
    os.write(handle, line.encode())
    os.close(handle)


def obedient(name: str) -> Callable[[Ready], None]:
    def run(ready: Ready) -> None:
        def leave(*_: object) -> None:
            note(name, "told")
            time.sleep(LAST_WORK_SECONDS)
            note(name, "left")
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
        note(name, "up")
        ready()
        while True:
            signal.pause()

    return run


def stubborn(ready: Ready) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("stubborn", "up")
    ready()
    while True:
        signal.pause()


def failing(ready: Ready) -> None:
    raise RuntimeError("it cannot start")


def short_lived(ready: Ready) -> None:
    ready()
    note("short", "ran")


def silent(ready: Ready) -> None:
    note("silent", "up")
    while True:
        signal.pause()


ADMIN = Role("admin", obedient("admin"))
WORKERS = [Role(name, obedient(name), serves=True) for name in ("worker-0", "worker-1")]
SCENARIOS: dict[str, list[Role]] = {
    "node": [ADMIN, *WORKERS],
    "stubborn": [ADMIN, Role("stubborn", stubborn, serves=True)],
    "failing": [ADMIN, Role("failing", failing)],
    "once": [ADMIN, Role("short", short_lived, once=True)],
    "short-lived": [ADMIN, Role("short", short_lived)],
    "silent": [ADMIN, Role("silent", silent)],
}

if __name__ == "__main__":
    supervisor = Supervisor(
        SCENARIOS[sys.argv[1]],
        tick=lambda: note("parent", "ticked"),
        drain_seconds=0.5,
        ready_timeout_seconds=float(sys.argv[3]) if len(sys.argv) > 3 else 30.0,
    )
    code = supervisor.run(lambda: note("parent", "ready"))
    note("parent", "ends")
    sys.exit(code)

"""The `adserver` command without the half second in which a process imports it.

    with warm_command(folder) as program:
        subprocess.run([program, "plan"], cwd=folder, env=env)

One process has imported everything, and is forked for each command. A command has the working
directory, environment, standard streams and exit code of whoever runs the program, as if it had
been started there, and nothing that another command left in memory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from tests.servers import until

# What runs in the place of `python -m adserver`: no imports but these, and no site-packages.
PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(line, [len(said).to_bytes(4, "big")], [0, 1, 2])
    line.sendall(said)
    code = line.recv(1)
sys.exit(code[0] if code else "the command ended without an exit code")
"""


@contextmanager
def warm_command(folder: Path) -> Iterator[Path]:
    """The path of the program, `adserver` in this folder. Its importing goes on meanwhile."""
    program, address = folder / "adserver", folder / "warm.socket"
    program.write_text(PROGRAM.format(python=sys.executable, address=str(address)), "utf-8")
    program.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.warm", str(address)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,  # it ends when this does, however we end
        start_new_session=True,
    ) as process:
        until(lambda: address.exists() or process.poll() is not None)
        yield program


def serve(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        import_everything()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        while door in select.select([door, sys.stdin], [], [])[0]:
            line, _ = door.accept()
            with line:
                if os.fork() == 0:
                    door.close()
                    answer(line)


def import_everything() -> None:
    """What commands import when they need it, too."""
    import adserver.wiring.control  # noqa: F401
    from adserver.cli import HOMES

    for home in HOMES.values():
        import_module(home.partition(":")[0])


def answer(line: socket.socket) -> None:
    """Be the command, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, streams, _, _ = socket.recv_fds(line, 4, 3)
    with line.makefile("rb") as said:
        arguments, folder, environment = json.loads(said.read(int.from_bytes(length, "big")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["adserver", *arguments]
    code = ended()
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(bytes([code]))
    os._exit(code)


def ended() -> int:
    from adserver.cli import main

    try:
        main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])

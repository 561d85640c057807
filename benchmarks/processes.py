"""Processes under measure: starting them, waiting until they answer, and what they cost."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
START_TIMEOUT_SECONDS = 30.0


class Cores(NamedTuple):
    """Which cores the servers have, and which wrk; empty is all of them."""

    servers: Sequence[int] = ()
    wrk: Sequence[int] = ()


def shared_out(workers: int, cores: Sequence[int]) -> Cores:
    """A core of its own for wrk, and the others for the servers, where they have one a worker.

    Left alone, the kernel puts wrk and a worker that wake each other on one core for seconds, with
    the next one idle: such a run has half of the requests.
    """
    if workers >= len(cores):
        return Cores()
    return Cores(cores[:-1], cores[-1:])


def on(cores: Sequence[int], command: list[str]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else command


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, extra: Mapping[str, str], log: Path) -> Iterator[int]:
    """A server that listens on `port`; its process id."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **extra}, stdout=output, stderr=output
        )
    try:
        wait_listening(port, process, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def wait_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the server did not start: {log.read_text()}")
        time.sleep(0.05)


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            found.extend(map(int, children))
    return found


def cpu_seconds(pids: list[int]) -> float:
    return sum(map(cpu_of, pids))


def cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds() -> float:
    """CPU time that all processes of the machine had, and that its host gave to others instead."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, soft, stolen = map(int, fields)
    return (user + nice + system + irq + soft + stolen) / TICKS


def memory_mib(pids: list[int]) -> float:
    """Proportional set size: shared pages are divided among those who share them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024

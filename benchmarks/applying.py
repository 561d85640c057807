"""`python -m benchmarks.applying`: thousands of campaigns applied while readers keep asking.

A node of four workers serves one catalog; another with every price changed is applied, some
times in turn. Readers come at a constant rate, whether or not the last one was answered: what
each waits is counted from when it should have been asked. The rounds without an apply, between
those with one, are the reference.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median, quantiles

from benchmarks.marketers_folder import write_folder
from benchmarks.processes import free_port, running

SLOT = b"/slots/post-top?section=tech&tags=caf%C3%A9&country=FR"
REQUEST = b"GET " + SLOT + b" HTTP/1.1\r\nHost: ads\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
CONNECTIONS = 32
# Behind the apply, so that workers which begin late are seen.
AFTERWARDS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds."""

    p50: float
    p99: float
    longest: float


def summary(waits: Sequence[float]) -> Waited:
    """waits: seconds."""
    cuts = quantiles(waits, n=100)
    return Waited(cuts[49] * 1e3, cuts[98] * 1e3, max(waits) * 1e3)


async def ask(
    queue: asyncio.Queue[float], port: int, waits: list[float], ready: asyncio.Event
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ready.wait()
    try:
        while True:
            due = await queue.get()
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            found = LENGTH.search(head)
            await reader.readexactly(int(found[1]) if found else 0)
            waits.append(time.monotonic() - due)
    finally:
        writer.close()


async def come(queue: asyncio.Queue[float], per_second: float, until: asyncio.Event) -> None:
    due = time.monotonic()
    while not until.is_set():
        queue.put_nowait(due)
        due += 1 / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def while_readers_come(
    port: int, per_second: float, command: list[str], env: dict[str, str], seconds: float
) -> tuple[list[float], bytes]:
    """What readers waited, and what the command said; without one, for so many seconds."""
    queue: asyncio.Queue[float] = asyncio.Queue(maxsize=1_000_000)
    waits: list[float] = []
    ready, over = asyncio.Event(), asyncio.Event()
    readers = [asyncio.create_task(ask(queue, port, waits, ready)) for _ in range(CONNECTIONS)]
    coming = asyncio.create_task(come(queue, per_second, over))
    ready.set()
    said = b""
    if command:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        await asyncio.sleep(AFTERWARDS_SECONDS)
    else:
        await asyncio.sleep(seconds)
    over.set()
    await coming
    for reader in readers:
        reader.cancel()
    for ended in await asyncio.gather(*readers, return_exceptions=True):
        if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
            raise ended
    return waits, said


def change_prices(folder: Path, round_number: int) -> None:
    for path in (folder / "campaigns").iterdir():
        text = path.read_text("utf-8")
        path.write_text(re.sub(r"cpm: (\d+)\.\d+", rf"cpm: \1.{round_number:02}", text), "utf-8")


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds, and MiB of its largest process."""
    begun = time.monotonic()
    subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)
    took = time.monotonic() - begun
    return took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def run(campaigns: int, workers: int, per_second: float, rounds: int, tmp: Path) -> None:
    folder = tmp / "config"
    write_folder(folder, campaigns)
    adserver = [sys.executable, "-m", "adserver"]
    port, admin = free_port(), free_port()
    env = {
        "ADSERVER_CONFIG": str(folder),
        "ADSERVER_REDIS": f"embedded:{tmp / 'var'}",
        "ADSERVER_SECRET_KEY": "a key that benchmarks sign their tickets with",
    }
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {date.today()}, "  # noqa: DTZ011
        f"{os.cpu_count()} cores; {campaigns:,} campaign files, {workers} workers, "
        f"{per_second:g} requests/s"
    )
    seconds, mib = timed([*adserver, "validate"], env)
    print(f"validate           {seconds:.2f} s, {mib:.0f} MiB")
    apply = [*adserver, "apply", "--yes", "--wait", "--format", "json"]
    serve = [*adserver, "serve", "--port", str(port), "--admin-port", str(admin)]
    with running([*serve, "--workers", str(workers)], port, env, tmp / "log"):
        print(f"first apply        {timed(apply, env)[0]:.2f} s")
        plan, _ = timed([*adserver, "plan"], env)
        print(f"plan, nothing new  {plan:.2f} s, {plan - seconds:.2f} s more than validate")
        rolled: list[float] = []
        quiet, busy = [], []
        for number in range(rounds):
            asked = while_readers_come(port, per_second, [], env, 8.0)
            quiet.append(summary(asyncio.run(asked)[0]))
            change_prices(folder, number)
            if number == 0:
                plan, _ = timed([*adserver, "plan"], env)
                print(f"plan, all changed  {plan:.2f} s, {plan - seconds:.2f} s more than validate")
            waits, said = asyncio.run(while_readers_come(port, per_second, apply, env, 0))
            busy.append(summary(waits))
            nodes = json.loads(said)["nodes"]
            if len(nodes) != workers:
                sys.exit(f"{len(nodes)} of {workers} workers served it: {said.decode()}")
            rolled.append(max(node["seconds"] for node in nodes))
        print(
            f"served by all workers after {median(rolled):.2f} s "
            f"({min(rolled):.2f}-{max(rolled):.2f})"
        )
        for name, found in (("quiet", quiet), ("apply", busy)):
            print(
                f"{name}: p50 {median(w.p50 for w in found):.2f} ms, "
                f"p99 {median(w.p99 for w in found):.1f} "
                f"({min(w.p99 for w in found):.1f}-{max(w.p99 for w in found):.1f}), "
                f"longest {max(w.longest for w in found):.0f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--campaigns", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--per-second", type=float, default=300.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        run(given.campaigns, given.workers, given.per_second, given.rounds, Path(tmp))


if __name__ == "__main__":
    main()

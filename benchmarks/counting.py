"""`make bench-counting`: what it costs that a beacon is counted, and is on disk when answered.

Three servers, one worker each, asked in turn for the same beacons (POST, each ticket once): one
that answers 204 and counts nothing, one with `journal_sync: always` (the default), and one with
`interval`. After each run, the store must hold exactly what was answered; and what it takes a
million tickets of which 70 % come back is read from the store.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import redis

from adserver.core.ticket import Sealer, Ticket
from adserver.store.embedded import Embedded
from benchmarks import campaigns
from benchmarks.load import Load, drive
from benchmarks.processes import cpu_seconds, free_port, running, tree

TICKETS_PER_SECOND = 60_000  # more than one worker answers
SETTLE_SECONDS = 60.0
ARRIVAL = 0.7
MEMORY_TICKETS = 1_000_000


@dataclass(frozen=True, slots=True)
class Counter:
    """name: as in the table. counts: whether it does."""

    name: str
    port: int
    pids: list[int]
    env: dict[str, str]
    counts: bool

    def counted(self) -> int:
        done = subprocess.run(
            [sys.executable, "-m", "adserver", "report", "--format", "json"],
            env={**os.environ, **self.env},
            check=True,
            capture_output=True,
        )
        impressions: int = json.loads(done.stdout)["total"]["impressions"]
        return impressions


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--no-memory", action="store_true", help="leave the store's memory out")
    options = parser.parse_args()
    key = secrets.token_urlsafe(48)
    sealer = Sealer([key.encode()])
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name, contextlib.ExitStack() as s:
        folder = Path(name)
        counters = [
            start(s, folder / "not", key, "always", counts=False),
            start(s, folder / "always", key, "always"),
            start(s, folder / "interval", key, "interval"),
        ]
        print("| | conn. | requests/s | ratio | CPU µs/request | ratio | p50 ms | p99 ms |")
        print("|---|---|---|---|---|---|---|---|")
        for connections in options.connections:
            measure_rounds(counters, sealer, connections, options, folder)
        if not options.no_memory:
            memory(counters[1], sealer, folder)


def start(  # noqa: PLR0913 - what the servers differ in
    stack: contextlib.ExitStack,
    folder: Path,
    key: str,
    sync: str,
    *,
    counts: bool = True,
    workers: int = 1,
) -> Counter:
    port = free_port()
    env = {
        "ADSERVER_REDIS": f"embedded:{folder}/var",
        "ADSERVER_STATE": f"{folder}/var",
        "ADSERVER_CONFIG": str(campaigns.write(folder / "config")),
        "ADSERVER_SECRET_KEY": key,
        "ADSERVER_JOURNAL_SYNC": sync,
        "ADSERVER_WORKERS": str(workers),
        "ADSERVER_ADMIN_PORT": "0",
        "ADSERVER_PORT": str(port),
    }
    applied = [sys.executable, "-m", "adserver", "apply", "--yes"]
    subprocess.run(applied, env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)
    module = "adserver" if counts else "benchmarks.uncounted"
    command = [sys.executable, "-m", module, "serve"]
    pid = stack.enter_context(running(command, port, env, folder / "serve.log"))
    time.sleep(1)  # what runs beside requests has run once
    name = sync if counts else "not counted"
    return Counter(name, port, tree(pid), env, counts)


def write_paths(sealer: Sealer, path: Path, many: int, every: float = 1.0) -> Path:
    """Tickets as the server would issue them, or the share of them that comes back."""
    writer, now = secrets.randbits(32), int(time.time())
    with path.open("w") as file:
        for serial in range(many):
            if serial % 10 < every * 10:
                ticket = Ticket(writer, serial, 1 + serial % 40, 1, 1, now, 0, 2, 1, 0)
                file.write(f"/i/{sealer.seal(ticket).decode()}\n")
    return path


def ask(counter: Counter, connections: int, seconds: float, paths: Path) -> tuple[Load, float]:
    """What was answered, and the microseconds of CPU that one answer took."""
    counted = counter.counted() if counter.counts else 0
    before = cpu_seconds(counter.pids)
    load = drive(counter.port, "/", connections, seconds, paths, "POST")
    cpu = (cpu_seconds(counter.pids) - before) / load.requests * 1e6
    if load.failed:
        sys.exit(f"{counter.name}: {load.failed} requests failed; the numbers mean nothing")
    if counter.counts:
        settle(counter, counted, load, connections)
    return load, cpu


def settle(counter: Counter, before: int, load: Load, connections: int) -> None:
    """The oracle: what was answered is counted, and what was counted had been asked."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (counted := counter.counted() - before) < load.requests:
        if time.monotonic() > deadline:
            sys.exit(f"{counter.name}: {load.requests} answered, {counted} counted")
    if counted > load.requests + connections:
        sys.exit(f"{counter.name}: {load.requests} answered, {counted} counted")


def measure_rounds(
    counters: list[Counter],
    sealer: Sealer,
    connections: int,
    options: argparse.Namespace,
    folder: Path,
) -> None:
    rows: dict[str, list[tuple[Load, float]]] = {counter.name: [] for counter in counters}
    for _, counter in itertools.product(range(options.rounds), counters):
        many = int(TICKETS_PER_SECOND * options.seconds)
        paths = write_paths(sealer, folder / "paths.txt", many)
        rows[counter.name].append(ask(counter, connections, options.seconds, paths))
    base_rate, base_cpu = medians(rows[counters[0].name])
    for name, measured in rows.items():
        rate, cpu = medians(measured)
        p50, p99 = (median(getattr(load, p) for load, _ in measured) / 1e3 for p in ("p50", "p99"))
        print(
            f"| {name} | {connections} | {rate:,.0f} | {rate / base_rate:.2f} | {cpu:.1f} "
            f"| {base_cpu / cpu:.2f} | {p50:.2f} | {p99:.2f} |"
        )


def medians(measured: list[tuple[Load, float]]) -> tuple[float, float]:
    return median(load.per_second for load, _ in measured), median(cpu for _, cpu in measured)


def memory(counter: Counter, sealer: Sealer, folder: Path) -> None:
    """What the store's memory grows by for a million tickets of which 70 % come back."""
    embedded = Embedded.of(counter.env["ADSERVER_REDIS"])
    if embedded is None:
        raise TypeError("the benchmark has an embedded store")
    with redis.Redis.from_url(embedded.url) as store:
        before = int(store.info("memory")["used_memory"])  # type: ignore[index]
        paths = write_paths(sealer, folder / "paths.txt", MEMORY_TICKETS, ARRIVAL)
        counted = counter.counted()
        many = int(MEMORY_TICKETS * ARRIVAL)
        while counter.counted() - counted < many:
            # In order, until all have come: what comes again is a duplicate.
            drive(counter.port, "/", 64, 30, paths, "POST")
        grown = int(store.info("memory")["used_memory"]) - before  # type: ignore[index]
    print(f"\n{grown / 1024 / 1024:.2f} MiB for a million tickets, {many:,} of which came back")


if __name__ == "__main__":
    main()

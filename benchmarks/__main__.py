"""`make bench`: a slot, a beacon and a click beside a bare server, interleaved, medians.

Runs `adserver serve` as an operator starts it, with its default settings and the embedded
store, and stock uvicorn with a bare callable that answers the same bytes. Each round measures
all of them in turn, so that whatever else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import os
import platform
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from adserver.core.ticket import Sealer, Ticket
from benchmarks import campaigns
from benchmarks.load import Load, drive
from benchmarks.processes import cpu_seconds, free_port, memory_mib, running, tree

RESULTS = Path(__file__).parent / "results"
SETTLE_SECONDS = 30.0  # from the journal to the store
TICKETS_PER_SECOND = 60_000  # more than one worker answers


@dataclass(frozen=True, slots=True)
class Target:
    """name: as in the table; against: whose numbers it is divided by.

    event: the endpoint that is asked with distinct tickets, so that the one who asks has the same
    work with the reference; counted: the metric that must then have grown by as many.
    """

    name: str
    what: str
    port: int
    pids: list[int]
    path: str
    against: str
    event: str = ""
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    load: Load
    cpu_microseconds: float
    memory: float


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
        folder = Path(name)
        with contextlib.ExitStack() as stack:
            bench = start(folder, options.workers, stack)
            rows = {
                connections: measure_rounds(bench, connections, options)
                for connections in options.connections
            }
    report(rows, bench, options)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="keep the numbers in results/")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Bench:
    targets: list[Target]
    folder: Path
    sealer: Sealer
    admin: str


def start(folder: Path, workers: int, stack: contextlib.ExitStack) -> Bench:
    key = secrets.token_urlsafe(48)
    config = campaigns.write(folder / "config")
    port, admin = free_port(), free_port()
    settings = {
        "ADSERVER_REDIS": f"embedded:{folder}/var",
        "ADSERVER_STATE": f"{folder}/var",
        "ADSERVER_CONFIG": str(config),
        "ADSERVER_SECRET_KEY": key,
    }
    command = [sys.executable, "-m", "adserver"]
    subprocess.run(
        [*command, "apply", "--yes"],
        env={**os.environ, **settings},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    serve = [*command, "serve", "--port", str(port), "--admin-port", str(admin)]
    ours = stack.enter_context(
        running([*serve, "--workers", str(workers)], port, settings, folder / "serve.log")
    )
    time.sleep(1)  # what runs beside requests has run once
    sealer = Sealer([key.encode()])
    pids = tree(ours)
    targets = []
    for name, what, event, counted in (
        ("S", "slot, 20 campaigns", "", ""),
        ("I", "impression counted", "i", "impressions"),
        ("C", "click counted, redirected", "c", "clicks"),
    ):
        path = f"/{event}/{sealed(sealer, 1, 1)}" if event else "/slots/post-top"
        bare = stack.enter_context(reference(folder / f"{name}.json", port, path))
        against = f"R-{name}"
        targets += [
            Target(against, "bare callable, the same bytes", *bare, path, against, event),
            Target(name, what, port, pids, path, against, event, counted),
        ]
    return Bench(targets, folder, sealer, f"http://127.0.0.1:{admin}")


@contextlib.contextmanager
def reference(answer: Path, port: int, path: str) -> Iterator[tuple[int, list[int]]]:
    """Stock uvicorn with the answer that the server at `port` gives for `path`."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    got = connection.getresponse()
    own = [(n.lower(), v) for n, v in got.getheaders() if n.lower() != "date"]
    said = {"status": got.status, "headers": own, "body": got.read().decode("latin-1")}
    answer.write_bytes(orjson.dumps(said))
    bare = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "benchmarks.reference:app", "--port", str(bare)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
        "--no-server-header",
    ]
    extra = {"ADSERVER_BENCH_ANSWER": str(answer)}
    with running(command, bare, extra, answer.with_suffix(".log")) as pid:
        yield bare, tree(pid)


def sealed(sealer: Sealer, writer: int, serial: int) -> str:
    """A ticket as the server would issue it."""
    ticket = Ticket(writer, serial, 1 + serial % 40, 1, 1, int(time.time()), 0, 2, 1, 0)
    return sealer.seal(ticket).decode()


def write_paths(bench: Bench, event: str, seconds: float) -> Path:
    """Tickets as the server would issue them, each for one event."""
    path = bench.folder / "paths.txt"
    writer = secrets.randbits(32)
    with path.open("w") as file:
        for serial in range(int(TICKETS_PER_SECOND * seconds)):
            file.write(f"/{event}/{sealed(bench.sealer, writer, serial)}\n")
    return path


def measure_rounds(
    bench: Bench, connections: int, options: argparse.Namespace
) -> dict[str, list[Measured]]:
    rows: dict[str, list[Measured]] = {target.name: [] for target in bench.targets}
    for number, target in itertools.product(range(options.rounds), bench.targets):
        print(f"  round {number + 1}, {connections} connections: {target.what} …", file=sys.stderr)
        rows[target.name].append(measure(bench, target, connections, options.seconds))
    return rows


def measure(bench: Bench, target: Target, connections: int, seconds: float) -> Measured:
    paths = write_paths(bench, target.event, seconds) if target.event else None
    counted = count_of(bench, target) if target.counted else 0
    before = cpu_seconds(target.pids)
    load = drive(target.port, target.path, connections, seconds, paths)
    cpu = cpu_seconds(target.pids) - before
    if target.counted:
        check(bench, target, load, counted, connections)
    if load.failed:
        sys.exit(f"{target.name}: {load.failed} requests failed; the numbers mean nothing")
    return Measured(load, cpu / load.requests * 1e6, memory_mib(target.pids))


def count_of(bench: Bench, target: Target) -> int:
    name = f"adserver_{target.counted}_total"
    text = urllib.request.urlopen(f"{bench.admin}/metrics").read().decode()
    return int(sum(float(v) for v in re.findall(rf"^{name}{{.*}} (\S+)$", text, re.MULTILINE)))


def check(bench: Bench, target: Target, load: Load, before: int, connections: int) -> None:
    """The oracle: what was answered is counted, and what was counted had been asked."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (counted := count_of(bench, target) - before) < load.requests:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if not load.requests <= counted <= load.requests + connections:
        sys.exit(f"{target.name}: {load.requests} answered, {counted} counted")


def report(
    rows: dict[int, dict[str, list[Measured]]], bench: Bench, options: argparse.Namespace
) -> None:
    table = [
        line(target, connections, measured)
        for connections, measured in rows.items()
        for target in bench.targets
    ]
    print(f"\n{machine()}, {options.rounds} rounds of {options.seconds:g} s, medians (min–max)\n")
    headings = "| | | conn. | requests/s | ratio | CPU µs/request | ratio | p50 ms | p99 ms | MiB |"
    print(headings + "\n|---|---|---|---|---|---|---|---|---|---|")
    for row in table:
        print(row["text"])
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        name = RESULTS / f"{time.strftime('%Y-%m-%d')}.json"
        kept = [{k: v for k, v in row.items() if k != "text"} for row in table]
        name.write_bytes(
            orjson.dumps({"machine": machine(), "rows": kept}, option=orjson.OPT_INDENT_2)
        )


def line(
    target: Target, connections: int, measured: dict[str, list[Measured]]
) -> dict[str, object]:
    own, base = measured[target.name], measured[target.against]
    rates = [m.load.per_second for m in own]
    rate, cpu = median(rates), median(m.cpu_microseconds for m in own)
    rate_ratio = rate / median(m.load.per_second for m in base)
    cpu_ratio = median(m.cpu_microseconds for m in base) / cpu
    p50, p99 = median(m.load.p50 for m in own) / 1e3, median(m.load.p99 for m in own) / 1e3
    memory = median(m.memory for m in own)
    return {
        "name": target.name,
        "connections": connections,
        "per_second": round(rate),
        "rate_ratio": round(rate_ratio, 3),
        "cpu_microseconds": round(cpu, 1),
        "cpu_ratio": round(cpu_ratio, 3),
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "text": f"| {target.name} | {target.what} | {connections} | {rate:,.0f} "
        f"({min(rates):,.0f}–{max(rates):,.0f}) | {rate_ratio:.2f} | {cpu:.1f} | {cpu_ratio:.2f} "
        f"| {p50:.2f} | {p99:.2f} | {memory:.0f} |",
    }


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    cpu = names[0] if names else platform.machine()
    return f"{time.strftime('%Y-%m-%d')}, {cpu}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()

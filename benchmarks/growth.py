"""`make bench-growth`: what grows with campaigns, slots and workers, and how much.

Each size is a publisher of its own (`benchmarks.grown`), whose files are applied by `adserver
apply` and served by `adserver serve`, as an operator starts it, with its default settings. It is
started several times, from nothing to `/readyz`; then a slot is asked for with pages that come
back (S), and distinct impressions are sent (I), each time right behind the same of twenty
campaigns in three slots, by which the rates are divided. Memory is a worker's, after that.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from adserver.core.ticket import Sealer
from adserver.settings import Settings
from benchmarks import grown, known_traffic, tickets
from benchmarks.curve import draw
from benchmarks.load import BROWSER, Ask, Load, drive
from benchmarks.machine import machine
from benchmarks.needs import needs
from benchmarks.processes import Cores, free_port, memory_mib, on, shared_out, tree

RESULTS = Path(__file__).parent / "results" / "growth.json"
CONNECTIONS = 32
READY_SECONDS = 120.0
SETTLE_SECONDS = 6.0  # rates are reckoned every five seconds
TICKETS_PER_SECOND = 40_000
# Requests a second of each slot, as the store has learnt them.
PER_SECOND = 2_000.0


@dataclass(frozen=True, slots=True)
class Size:
    """alike: all of them want whole sections (`grown.write`)."""

    campaigns: int = 20
    slots: int = 3
    workers: int = 1
    alike: bool = False


@dataclass(slots=True)
class Measured:
    """apply, ready: seconds. memory: MiB of the largest worker. S, I: beside twenty campaigns."""

    size: Size
    apply: float
    ready: list[float] = field(default_factory=list)
    memory: float = 0.0
    slots_per_second: list[float] = field(default_factory=list)
    slots_ratio: list[float] = field(default_factory=list)
    slots_p99_ms: list[float] = field(default_factory=list)
    events_per_second: list[float] = field(default_factory=list)
    events_ratio: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Publisher:
    """One size, applied to a store of its own."""

    size: Size
    folder: Path
    key: str
    apply_seconds: float

    @property
    def settings(self) -> Mapping[str, str]:
        var = self.folder / "var"
        return {
            "ADSERVER_REDIS": f"embedded:{var}",
            "ADSERVER_STATE": str(var),
            "ADSERVER_CONFIG": str(self.folder / "config"),
            "ADSERVER_SECRET_KEY": self.key,
        }


@dataclass(frozen=True, slots=True)
class Running:
    """One that serves. ready: seconds from its start until it said so."""

    publisher: Publisher
    port: int
    pid: int
    ready: float


def main() -> None:
    options = read_options()
    needs("wrk")
    sizes = list(dict.fromkeys(wanted(options)))
    with tempfile.TemporaryDirectory(prefix="adserver-growth-") as name:
        found = list(measured(Path(name), sizes, options))
    kept = {"machine": machine(), "rows": [asdict(one) for one in found]}
    print(f"\n{machine()}\n")
    print("\n".join(table(found)))
    if options.save:
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        draw()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--campaigns", type=int, nargs="*", default=[20, 1_000, 10_000, 100_000])
    parser.add_argument("--slots", type=int, nargs="*", default=[3, 30, 300, 1_000])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 3, 4])
    parser.add_argument("--among", type=int, default=1_000, help="campaigns of the last two")
    parser.add_argument("--alike", type=int, nargs="*", default=[10_000], help="campaigns")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--save", action="store_true", help="keep the numbers and the chart")
    return parser.parse_args()


def wanted(options: argparse.Namespace) -> Iterator[Size]:
    yield from (Size(campaigns=many) for many in options.campaigns)
    yield from (Size(options.among, slots=many) for many in options.slots)
    yield from (Size(options.among, workers=many) for many in options.workers)
    yield from (Size(many, alike=True) for many in options.alike)


def measured(
    folder: Path, sizes: Sequence[Size], options: argparse.Namespace
) -> Iterator[Measured]:
    small = applied(folder / "small", Size())
    for number, size in enumerate(sizes):
        told(f"{size.campaigns:,} campaigns, {size.slots:,} slots, {size.workers} worker(s)")
        yield one_size(applied(folder / str(number), size), small, options)


def one_size(large: Publisher, small: Publisher, options: argparse.Namespace) -> Measured:
    found = Measured(large.size, large.apply_seconds)
    for _ in range(options.rounds - 1):
        with serving(large) as server:
            found.ready.append(server.ready)
    cores = shared_out(large.size.workers, sorted(os.sched_getaffinity(0)))
    with serving(small, cores) as reference, serving(large, cores) as server:
        found.ready.append(server.ready)
        time.sleep(SETTLE_SECONDS)
        for _ in range(options.rounds):
            compare(found, reference, server, cores, options.seconds)
        found.memory = max(memory_mib([pid]) for pid in workers_of(server.pid))
    return found


def compare(
    found: Measured, reference: Running, server: Running, cores: Cores, seconds: int
) -> None:
    base, own = (ask_slots(one, cores, seconds) for one in (reference, server))
    found.slots_per_second.append(own.per_second)
    found.slots_ratio.append(own.per_second / base.per_second)
    found.slots_p99_ms.append(own.p99 / 1e3)
    base, own = (send_events(one, cores, seconds) for one in (reference, server))
    found.events_per_second.append(own.per_second)
    found.events_ratio.append(own.per_second / base.per_second)


def applied(folder: Path, size: Size) -> Publisher:
    grown.write(folder / "config", size.campaigns, size.slots, alike=size.alike)
    made = Publisher(size, folder, secrets.token_urlsafe(48), 0.0)
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "adserver", "apply", "--yes"],
        env={**os.environ, **made.settings},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    taken = time.monotonic() - begun
    known_traffic.learnt(Settings(redis=made.settings["ADSERVER_REDIS"]), size.slots, PER_SECOND)
    return Publisher(size, folder, made.key, taken)


@contextlib.contextmanager
def serving(publisher: Publisher, cores: Cores | None = None) -> Iterator[Running]:
    """Its store begins and ends with it, as does all that its operator waits for."""
    port, admin = free_port(), free_port()
    command = [sys.executable, "-m", "adserver", "serve", "--workers", str(publisher.size.workers)]
    command += ["--port", str(port), "--admin-port", str(admin)]
    command = on(cores.servers, command) if cores else command
    environment = {**os.environ, **publisher.settings}
    with (publisher.folder / "serve.log").open("ab") as log:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_ready(admin, process)
        yield Running(publisher, port, process.pid, time.monotonic() - begun)
    finally:
        process.terminate()
        process.wait(60)


def wait_ready(admin: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_SECONDS
    while not is_ready(admin):
        if process.poll() is not None or time.monotonic() > end:
            sys.exit("the server did not become ready")
        time.sleep(0.002)


def is_ready(admin: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", admin, timeout=5)) as door:
        try:
            door.request("GET", "/readyz")
            return door.getresponse().status == 200
        except OSError:
            return False


def workers_of(pid: int) -> list[int]:
    """Of its children, without the store; the smallest is the admin process."""
    calls = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in tree(pid)[1:]}
    own = [one for one, call in calls.items() if b"-m\0adserver\0" in call]
    return sorted(own, key=lambda one: memory_mib([one]))[1:]


def ask_slots(server: Running, cores: Cores, seconds: int) -> Load:
    lines = server.publisher.folder / "pages.txt"
    lines.write_text("".join(f"{page}\n" for page in grown.pages()), "utf-8")
    return driven(server, Ask("GET", "/slots/place-0?", lines), cores, seconds)


def send_events(server: Running, cores: Cores, seconds: int) -> Load:
    publisher = server.publisher
    sealer = Sealer([publisher.key.encode()])
    alike = [sealer.unseal(ticket) for ticket in given(server)]
    many = TICKETS_PER_SECOND * publisher.size.workers * seconds
    lines = tickets.write(publisher.folder / "tickets.txt", sealer, alike, many)
    return driven(server, Ask("POST", "/i/", lines), cores, seconds)


def given(server: Running) -> list[str]:
    """The tickets of ads that it shows now."""
    found = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        for page in grown.pages():
            connection.request("GET", f"/decisions?slots=place-0,place-1&{page}", headers=BROWSER)
            made = json.loads(connection.getresponse().read())["decisions"]
            found += [one["impression_url"].rpartition("/")[2] for one in made if one["filled"]]
    return found


def driven(server: Running, ask: Ask, cores: Cores, seconds: int) -> Load:
    load = drive(server.port, ask, CONNECTIONS, seconds, cores.wrk)
    if load.failed:
        sys.exit(f"{load.failed} requests failed; the numbers mean nothing")
    return load


def told(text: str) -> None:
    print(f"  {text} …", file=sys.stderr)


def table(rows: Sequence[Measured]) -> Iterator[str]:
    headings = "campaigns", "slots", "workers", "S /s", "to 20", "p99 ms", "I /s", "to 20"
    yield f"| {' | '.join(headings)} | ready s | MiB | apply s |"
    yield "|---" * 11 + "|"
    for row in rows:
        size = row.size
        yield (
            f"| {size.campaigns:,}{', alike' * size.alike} | {size.slots:,} | {size.workers} "
            f"| {median(row.slots_per_second):,.0f} | {spread(row.slots_ratio)} "
            f"| {median(row.slots_p99_ms):.2f} | {median(row.events_per_second):,.0f} "
            f"| {spread(row.events_ratio)} | {spread(row.ready)} | {row.memory:.0f} "
            f"| {row.apply:.1f} |"
        )


def spread(numbers: Sequence[float]) -> str:
    return f"{median(numbers):.2f} ({min(numbers):.2f}–{max(numbers):.2f})"


if __name__ == "__main__":
    main()

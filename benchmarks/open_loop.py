"""`make bench-overload`: what readers wait for at 0.7, 2 and 5 times what a worker can do.

For each kind of request: what one worker can do, measured in a closed loop of few connections; then
arrivals at multiples of that, whatever the server does (`benchmarks.arrivals`). The control is the
same server with shedding off. It takes a processor for the server and one for its readers.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import campaigns
from benchmarks.arrivals import Came, come
from benchmarks.machine import machine
from benchmarks.processes import cpu_seconds, free_port, running, tree

# Few enough that nobody waits for long, enough that the worker always has something to do.
CLOSED_CONNECTIONS = 8
PAGES = 200
SLOTS = "home-top,post-top,post-bottom"
SETTLE_SECONDS = 1.0
# Readers who are this late are the bottleneck themselves: the row says nothing of the server.
MOST_BEHIND_SECONDS = 0.020


def calls(slots: str) -> list[str]:
    page = "https://bench.example/articles"
    return [f"/decisions?slots={slots}&url={page}/{n}&lang=fr" for n in range(PAGES)]


KINDS: dict[str, Sequence[str]] = {
    "a slot": ["/slots/post-top"],
    "3 slots in a call": calls(SLOTS),
    # Most of them without a house ad, so that it is not the network that is measured.
    "30 slots in a call": calls(",".join(["home-top", "post-top", *["post-bottom"] * 28])),
}


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    admin: str
    pids: list[int]


def main() -> None:
    options = read_options()
    headings = (
        "| | times | requests/s | p50 ms | p99 | longest | shed | 5xx | unanswered | behind ms |"
    )
    print(f"{machine()}\n\n{headings}\n|---|---|---|---|---|---|---|---|---|---|")
    for kind in options.kinds:
        paths = KINDS[kind]
        for shedding, times in (("on", options.times), ("off", options.control)):
            with serving(shedding) as server:
                measure(kind, paths, server, times, options, shedding)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--times", type=float, nargs="+", default=[0.7, 2, 5])
    parser.add_argument("--control", type=float, nargs="*", default=[2])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--connections", type=int, default=2_000)
    return parser.parse_args()


@contextlib.contextmanager
def serving(shedding: str) -> Iterator[Server]:
    """One worker, as an operator starts it."""
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
        folder, port, admin = Path(name), free_port(), free_port()
        settings = {
            "ADSERVER_REDIS": f"embedded:{folder}/var",
            "ADSERVER_STATE": f"{folder}/var",
            "ADSERVER_CONFIG": str(campaigns.write(folder / "config")),
            "ADSERVER_SECRET_KEY": secrets.token_urlsafe(48),
            "ADSERVER_SHEDDING": shedding,
        }
        command = [sys.executable, "-m", "adserver"]
        everything = {**os.environ, **settings}
        subprocess.run(
            [*command, "apply", "--yes"], env=everything, check=True, capture_output=True
        )
        serve = [*command, "serve", "--port", str(port), "--admin-port", str(admin)]
        with running(serve, port, settings, folder / "serve.log") as pid:
            time.sleep(SETTLE_SECONDS)
            yield Server(port, f"http://127.0.0.1:{admin}", tree(pid))


def measure(  # noqa: PLR0913 - what a table's rows are made of
    kind: str,
    paths: Sequence[str],
    server: Server,
    times: Sequence[float],
    options: argparse.Namespace,
    shedding: str,
) -> None:
    closed = come(server.port, paths, 0, options.seconds / 2, CLOSED_CONNECTIONS)
    if shedding == "on":
        print(row(kind, "closed loop", closed))
    for many in times:
        rate = closed.per_second * many
        before, cpu = shed_of(server), cpu_seconds(server.pids)
        came = come(server.port, paths, rate, options.seconds, options.connections)
        cpu = (cpu_seconds(server.pids) - cpu) / max(1, came.asked - came.unanswered) * 1e6
        name = f"{many:g}" + ("" if shedding == "on" else ", shedding off")
        print(row(kind, name, came))
        print(
            f"    server {cpu:.0f} µs a request, shed {shed_of(server) - before}", file=sys.stderr
        )
        time.sleep(SETTLE_SECONDS)


def shed_of(server: Server) -> int:
    text = urllib.request.urlopen(f"{server.admin}/metrics").read().decode()
    return int(sum(map(float, re.findall(r"^adserver_shed_total{.*} (\S+)$", text, re.MULTILINE))))


def row(kind: str, times: str, came: Came) -> str:
    answered = max(1, came.asked - came.unanswered)
    failed = sum(count for status, count in came.statuses.items() if status.startswith("5"))
    late = " (readers too late)" if came.behind_p99 > MOST_BEHIND_SECONDS else ""
    cells = (
        kind,
        times,
        f"{came.per_second:,.0f}",
        f"{came.p50 * 1e3:.1f}",
        f"{came.p99 * 1e3:.1f}",
        f"{came.longest * 1e3:.0f}",
        f"{came.shed / answered:.0%}",
        f"{failed}",
        f"{came.unanswered}",
        f"{came.behind_p99 * 1e3:.1f}{late}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

"""`make soak`, its long part: ten million impressions end exact, to the last one.

A million at a time, each ticket once, against two workers; after each million the report must
hold as many impressions as there were tickets, and the store's own check must find its totals
right.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adserver.core.ticket import Sealer
from benchmarks import contexts, publisher, servers, tickets
from benchmarks.load import BROWSER
from benchmarks.oracle import reported
from benchmarks.servers import Server

MILLION = 1_000_000
ONCE = Path(__file__).with_name("once.lua")
CONNECTIONS = 64
LONGEST_SECONDS = 600
SETTLE_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_run", description=__doc__)
    parser.add_argument("--millions", type=int, default=10)
    options = parser.parse_args()
    key = secrets.token_urlsafe(48)
    sealer = Sealer([key.encode()])
    with tempfile.TemporaryDirectory(prefix="adserver-run-") as name, contextlib.ExitStack() as s:
        folder = Path(name)
        config = publisher.write(folder / "config")
        server = s.enter_context(servers.adserver(folder / "run", config, key, 2))
        for number in range(1, options.millions + 1):
            began = time.monotonic()
            alike = tickets.given(server, sealer, contexts.queries())
            send(server, tickets.write(folder / "tickets.txt", sealer, alike, MILLION))
            check(server, number * MILLION)
            print(f"{number * MILLION:,} impressions, exact; {time.monotonic() - began:.0f} s")


def send(server: Server, lines: Path) -> None:
    """The beacon of each ticket, once."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LONGEST_SECONDS}s", "-s", str(ONCE)]
    for name, value in BROWSER.items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{server.port}/", "--", str(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout.count("requests in"):
        sys.exit(f"not all were answered:\n{done.stdout}{done.stderr}")


def check(server: Server, expected: int) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (counted := reported(server).impressions) < expected and time.monotonic() < deadline:
        time.sleep(0.2)
    if counted != expected:
        sys.exit(f"{expected:,} impressions were answered, {counted:,} are counted")


if __name__ == "__main__":
    main()

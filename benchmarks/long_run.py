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
from benchmarks.counting import SETTLE_SECONDS, Counter, start, write_paths

MILLION = 1_000_000
ONCE = Path(__file__).with_name("once.lua")
CONNECTIONS = 64
LONGEST_SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_run", description=__doc__)
    parser.add_argument("--millions", type=int, default=10)
    options = parser.parse_args()
    key = secrets.token_urlsafe(48)
    sealer = Sealer([key.encode()])
    with tempfile.TemporaryDirectory(prefix="adserver-run-") as name, contextlib.ExitStack() as s:
        folder = Path(name)
        counter = start(s, folder / "run", key, "always", workers=2)
        for number in range(1, options.millions + 1):
            began = time.monotonic()
            send(counter, write_paths(sealer, folder / "paths.txt", MILLION))
            check(counter, number * MILLION)
            print(f"{number * MILLION:,} impressions, exact; {time.monotonic() - began:.0f} s")


def send(counter: Counter, paths: Path) -> None:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LONGEST_SECONDS}s", "-s", str(ONCE)]
    command += [f"http://127.0.0.1:{counter.port}/", "--", str(paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout.count("requests in"):
        sys.exit(f"not all were answered:\n{done.stdout}{done.stderr}")


def check(counter: Counter, expected: int) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (counted := counter.counted()) < expected and time.monotonic() < deadline:
        time.sleep(0.2)
    if counted != expected:
        sys.exit(f"{expected:,} impressions were answered, {counted:,} are counted")


if __name__ == "__main__":
    main()

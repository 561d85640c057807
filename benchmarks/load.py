"""wrk, and what it says."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("paths.lua")
MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclass(frozen=True, slots=True)
class Load:
    """requests: answered in all. The latencies are microseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    failed: int


def drive(  # noqa: PLR0913 - what wrk wants to know
    port: int,
    path: str,
    connections: int,
    seconds: float,
    paths: Path | None,
    method: str = "GET",
) -> Load:
    """paths: a file of one path a line, each asked for once; without it `path`, again and again."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "5s"]
    if paths is not None:
        command += ["-s", str(SCRIPT)]
    command.append(f"http://127.0.0.1:{port}{path}")
    if paths is not None:
        command += ["--", str(paths), method]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return read(done.stdout)


def read(said: str) -> Load:
    total, took = re.search(r"(\d+) requests in ([\d.]+)(?:s|m)", said).groups()  # type: ignore[union-attr]
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said)))
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said
    )
    failed += sum(map(int, errors.groups())) if errors else 0
    return Load(
        requests=int(total),
        per_second=int(total) / float(took),
        p50=percentile(said, "50%"),
        p99=percentile(said, "99%"),
        failed=failed,
    )


def percentile(said: str, name: str) -> float:
    value, unit = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    return float(value) * MICROSECONDS[unit]

"""wrk: what it is told to ask for, and what it says."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.processes import on

SCRIPT = Path(__file__).with_name("asks.lua")
# As long as anybody waits for an answer; it is an error then.
TIMEOUT_SECONDS = 5
# What Chrome 131 on Windows sends with a `fetch` of a page's script, as is: an ad server that is
# asked without them has less to read than in life, and knows some for robots.
BROWSER = {
    "Connection": "keep-alive",
    "sec-ch-ua-platform": '"Windows"',
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "sec-ch-ua": '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "Accept": "*/*",
    "Origin": "https://bench.example",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Referer": "https://bench.example/",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests of one kind: `prefix` and each line of `lines` are the paths.

    follow: the answers are decisions, and the beacons and clicks that they lead to are asked for
    as well. unlike: what each request has of its own in its head, `address` (of another reader,
    whom a proxy names) or `cookie`.
    """

    method: str
    prefix: str
    lines: Path
    follow: bool = False
    unlike: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """requests: answered in all. The latencies are microseconds.

    asked: of the lines, some of which may not have been answered; lines_there: how many are in the
    file. busy: the share of a core that wrk took itself; near 1 it is wrk that was measured.
    decisions, filled, beacons, clicks: answered, where what they lead to is followed.
    failed: answered with an error, or not at all.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    p999: float
    longest: float
    failed: int
    asked: int
    lines_there: int
    busy: float = 0.0
    decisions: int = 0
    filled: int = 0
    beacons: int = 0
    clicks: int = 0

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class NotMeasured(Exception):
    """wrk did not do what it was told to: its words."""


def drive(port: int, ask: Ask, connections: int, seconds: int, cores: Sequence[int] = ()) -> Load:
    """One thread of wrk, each connection asking again as soon as it has been answered.

    cores: those that it may have; empty is all.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(SCRIPT)]
    for name, value in BROWSER.items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{port}/", "--", ask.method, ask.prefix, str(ask.lines)]
    command += ["follow"] if ask.follow else [ask.unlike] if ask.unlike else []
    before = cpu_of_children()
    done = subprocess.run(on(cores, command), capture_output=True, text=True, check=False)
    load = read(done.stdout, done.stderr)
    return replace(load, busy=(cpu_of_children() - before) / load.seconds)


def cpu_of_children() -> float:
    """Seconds of all that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(said: str, complaint: str = "") -> Load:
    """What the script's last line says; NotMeasured where there is none."""
    line = said.strip().rpartition("\n")[2]
    if not line.startswith("{") or complaint:
        raise NotMeasured(f"wrk has measured nothing: {complaint or said}")
    found = json.loads(line)
    failed = int(found.pop("refused")) + int(found.pop("broken"))
    counts = {name: int(found[name]) for name in COUNTS}
    times = {name: float(found[name]) for name in ("seconds", "p50", "p99", "p999", "longest")}
    return Load(failed=failed, **counts, **times)  # type: ignore[arg-type]


COUNTS = ("requests", "asked", "lines_there", "decisions", "filled", "beacons", "clicks")

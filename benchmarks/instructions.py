"""`make bench-instructions`: what one request costs, counted and not timed.

Instructions under valgrind, system calls under strace, tasks and garbage, for each row and for a
bare callable on stock uvicorn (R), so that the machine
and how busy it is make no difference. What readers take, who are in the same process, is not in
it; what runs beside requests (shipping, leasing, metrics) is not, either.

`--profile ROW` shows where a row's instructions and its time go. Needs valgrind and strace (apt).
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import pstats
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adserver.publishing.read import read_folder
from benchmarks import publisher
from benchmarks.needs import needs
from tests.factories import generation

REQUESTS = 256
# By the names of `make bench`: what is asked, and whose instructions it is divided by.
ROWS = {
    "R": ("bare callable, the bytes of S", "R"),
    "R-D": ("bare callable, the bytes of D", "R-D"),
    "R204": ("bare callable, 204", "R204"),
    "S": ("a slot", "R"),
    "D": ("three slots, as JSON", "R-D"),
    "I": ("impression, `always`", "R204"),
    "I-int": ("impression, `interval`", "R204"),
    "C": ("click, `always`", "R204"),
    "C-int": ("click, `interval`", "R204"),
}
# Of the readers.
CLIENT = "client"
# Not `sendto`, which is the readers' in this process.
WRITES = ("write", "writev", "sendmsg")
SYNCS = ("fsync", "fdatasync", "msync")
MARK = "getppid"
LINES = 40
# That of `fixed_clock`, which is not for this process.
NOW = 1_793_610_000.0
# It takes half a minute where nothing else runs.
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request. ratio: its instructions to those of the bare callable.

    tasks: made. garbage: objects left in cycles, for the collector to find. writes, syncs: calls of
    the system. Others, as those of the event loop, differ from kernel to kernel.
    """

    instructions: float
    ratio: float
    writes: float
    syncs: float
    tasks: float
    garbage: float


def bare(row: str) -> str:
    """Which of the bare callables a row is compared with. `S + task` is S, see `planted`."""
    return ROWS[row.partition(" + ")[0]][1]


def environment(**more: str) -> dict[str, str]:
    """Without what makes Python count its own lines."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "PYTHONHASHSEED": "0", **more}


def write_generation(folder: Path) -> Path:
    reading = read_folder(publisher.write(folder / "config", NOW))
    if reading.catalog is None:
        sys.exit(f"the benchmark's own campaigns have problems: {reading.problems}")
    stored = folder / "generation.pickle"
    stored.write_bytes(pickle.dumps(generation(reading.catalog)))
    return stored


@dataclass(frozen=True, slots=True)
class Harness:
    """Runs the requests of rows, many of each, under whatever counts them. python: the program."""

    folder: Path
    stored: Path
    many: int = REQUESTS
    python: str = sys.executable

    def run(self, rows: Sequence[str], *before: str, **more: str) -> Any:
        command = [*before, self.python, "-m", "benchmarks.one_process"]
        done = subprocess.run(
            [*command, str(self.stored), str(self.many), *rows],
            env=environment(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        if done.returncode:
            sys.exit(f"{' '.join(before[:1]) or 'python'} failed:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def dumps(self, rows: Sequence[str]) -> list[Path]:
        """Of valgrind, one a row: what ran between its marks."""
        out = self.folder / "callgrind"
        # Whoever starts while valgrind counts takes twenty seconds for it, and two otherwise.
        options = (f"--callgrind-out-file={out}", f"--dump-before={MARK}", "--instr-atstart=no")
        self.run(
            rows, "valgrind", "--tool=callgrind", *options, "--quiet", ADSERVER_BENCH_COUNT="1"
        )
        return [out.with_name(f"callgrind.{2 * number}") for number in range(1, len(rows) + 1)]

    def traces(self, rows: Sequence[str]) -> list[Counter[str]]:
        """System calls between the marks, one counter a row."""
        out = self.folder / "strace"
        self.run(rows, "strace", "-f", "-o", str(out))
        parts = [Counter[str]()]
        for name in re.findall(r"^\d+\s+(\w+)\(", out.read_text("utf-8", "replace"), re.MULTILINE):
            if name == MARK:
                parts.append(Counter())
            else:
                parts[-1][name] += 1
        return parts[1::2]


def total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)", dump.read_text("utf-8", "replace"), re.MULTILINE)
    if found is None:
        sys.exit(f"{dump} has no total; is this valgrind too new?")
    return int(found[1])


def cost_of(rows: Sequence[str], harness: Harness) -> dict[str, Cost]:
    asked = list(dict.fromkeys([CLIENT, *(bare(row) for row in rows), *rows]))
    many = harness.many
    totals = dict(zip(asked, map(total, harness.dumps(asked)), strict=True))
    calls = dict(zip(asked, harness.traces(asked), strict=True))
    others = harness.run(asked, ADSERVER_BENCH_TASKS="1")
    readers = totals[CLIENT] / 2
    each = {row: (totals[row] - readers) / many for row in asked}
    return {
        row: Cost(
            instructions=each[row],
            ratio=each[row] / each[bare(row)],
            writes=sum(calls[row][name] for name in WRITES) / many,
            syncs=sum(calls[row][name] for name in SYNCS) / many,
            tasks=others[row]["tasks"],
            garbage=others[row]["garbage"],
        )
        for row in asked[1:]
    }


def own(dump: Path) -> Iterator[tuple[str, int]]:
    """(function, own instructions), as often as it stands in the file. See "Callgrind Format
    Specification", valgrind's manual."""
    names: dict[str, str] = {}
    function, inside_call = "", False
    with dump.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("fn="):
                number, _, name = line[3:].strip().partition(" ")
                if name:
                    names[number] = name
                function = names[number]
            elif line.startswith("cfn="):
                number, _, name = line[4:].strip().partition(" ")
                if name:
                    names[number] = name
            elif line.startswith("calls="):
                inside_call = True
            elif line[0] in "0123456789+-*":
                if not inside_call:
                    yield function.partition("'")[0], int(line.split()[1])
                inside_call = False


def print_profile(row: str, harness: Harness) -> None:
    (dump,) = harness.dumps([row])
    functions: Counter[str] = Counter()
    for name, instructions in own(dump):
        functions[name] += instructions
    print(f"\n{row}: C functions by their own instructions a request\n")
    for name, instructions in functions.most_common(LINES):
        print(f"{instructions / harness.many:9.0f}  {name}")
    stats = harness.folder / "profile"
    harness.run([row], ADSERVER_BENCH_PROFILE=str(stats))
    print(f"\n{row}: Python functions by µs a request, all that they call included (cProfile,")
    print("which makes calls dearer than they are), own µs, calls a request\n")
    found: Any = pstats.Stats(str(stats))
    lines = sorted(found.stats.items(), key=lambda one: -one[1][3])
    for (file, line, name), (_, calls, mine, inclusive, _) in lines[:LINES]:
        place = f"{'/'.join(Path(file).parts[-2:])}:{line} " if line else ""
        each = harness.many / 1e6
        print(
            f"{inclusive / each:8.1f} {mine / each:8.2f} {calls / harness.many:7.2f}  {place}{name}"
        )


def print_table(costs: Mapping[str, Cost]) -> None:
    print("| | | instructions | ratio | writes | syncs | tasks | garbage |")
    print("|---|---|---|---|---|---|---|---|")
    for row, cost in costs.items():
        what = ROWS[row.partition(" + ")[0]][0]
        print(
            f"| {row} | {what} | {cost.instructions:,.0f} | {cost.ratio:.3f} | {cost.writes:.2f} "
            f"| {cost.syncs:.2f} | {cost.tasks:.2f} | {cost.garbage:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), metavar="ROW")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each row")
    parser.add_argument("--python", default=sys.executable, help="another one, with the packages")
    parser.add_argument("--profile", choices=ROWS, metavar="ROW")
    options = parser.parse_args()
    needs("valgrind", "strace")
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name:
        folder = Path(name)
        harness = Harness(folder, write_generation(folder), options.requests, options.python)
        if options.profile:
            print_profile(options.profile, harness)
        else:
            print_table(cost_of(options.rows, harness))


if __name__ == "__main__":
    main()

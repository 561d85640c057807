"""`python -m benchmarks.campaign_files`: what `adserver validate` takes for thousands of files.

The folder is that of `benchmarks.marketers_folder`: each campaign with two pictures of its own. The
command runs as a marketer runs it, in a process of its own that begins with nothing; each round's
seconds, its CPU, and the most memory that it had. The first round finds the files in no cache but
the disk's.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.marketers_folder import write_folder


class Run(NamedTuple):
    """Seconds of the clock, seconds of CPU of all its processes, and MiB of the larger one."""

    seconds: float
    cpu: float
    mib: float


def validate(folder: Path) -> Run:
    """One run; it must find nothing wrong."""
    command = [sys.executable, "-m", "adserver", "validate", "--config", str(folder)]
    silent = os.open(os.devnull, os.O_WRONLY)
    begun = time.monotonic()
    process = os.posix_spawn(
        sys.executable, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1)]
    )
    _, status, used = os.wait4(process, 0)
    os.close(silent)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    took = time.monotonic() - begun
    return Run(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--campaigns", type=int, default=2_000)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        write_folder(config, options.campaigns)
        runs = [validate(config) for _ in range(options.rounds)]
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {date.today()}, "  # noqa: DTZ011
        f"{os.cpu_count()} cores; {options.campaigns:,} campaign files, {options.rounds} rounds"
    )
    for name, values, unit in (
        ("clock", [run.seconds for run in runs], "s"),
        ("CPU", [run.cpu for run in runs], "s"),
        ("memory", [run.mib for run in runs], "MiB"),
    ):
        print(f"{name:<7} {median(values):7.2f} {unit} ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()

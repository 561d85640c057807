"""200 seeds of the counting protocol under every fault; `make soak` runs 10,000.

What fails names its seed and the command that replays it, exactly.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.controls import CONTROLS
from tests.simulation.runs import Run

SEEDS = 200
SEEDS_PER_TEST = 10


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_what_was_acknowledged_is_counted_once_whatever_happens(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        passes(Run(seed))


@pytest.mark.timeout(300)  # both ways, up to a hundred seeds: machines that run tests are busy
@pytest.mark.parametrize("name", CONTROLS)
def test_without_one_protection_the_same_seeds_find_what_it_prevents(name: str) -> None:
    control = CONTROLS[name]
    for seed in range(control.first, control.first + control.seeds):
        passes(Run(seed, weather=name))
        if Run(seed, without=name).failure():
            return
    pytest.fail(f"nothing is missed without {name}")


def passes(run: Run) -> None:
    if problem := run.failure():
        pytest.fail(run.report(problem), pytrace=False)


@pytest.mark.parametrize("seed", [3, 12])
def test_a_seed_is_the_same_run_every_time_in_every_process(seed: int) -> None:
    assert told_aloud(seed, "1") == told_aloud(seed, "2")


def told_aloud(seed: int, hash_seed: str) -> list[str]:
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--talk"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *lines, _ = done.stdout.splitlines()  # the last one says how long it took
    assert len(lines) > 20
    return lines


def test_a_failure_says_its_seed_its_commit_and_how_to_see_it_again() -> None:
    run = Run(0, without="adoption")
    report = run.report(run.failure())
    assert report.startswith("seed 0 at commit ")
    assert report.endswith("python -m tests.simulation --seed 0 --without adoption --talk")
    assert "not shipped" in report

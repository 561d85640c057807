"""Who has which cores while it is measured."""

from __future__ import annotations

import pytest

from benchmarks.processes import Cores, machine_seconds, on, shared_out


@pytest.mark.parametrize(
    ("workers", "cores", "shared"),
    [
        (1, [0, 1], Cores([0], [1])),
        (2, [0, 1], Cores()),
        (2, [4, 5, 6, 7], Cores([4, 5, 6], [7])),
        (1, [0], Cores()),
    ],
)
def test_wrk_has_a_core_of_its_own_where_workers_have_enough(
    workers: int, cores: list[int], shared: Cores
) -> None:
    assert shared_out(workers, cores) == shared


def test_what_is_on_no_core_is_on_all() -> None:
    assert on((), ["wrk"]) == ["wrk"]
    assert on((0, 2), ["wrk"]) == ["taskset", "-c", "0,2", "wrk"]


def test_the_machines_time_goes_on() -> None:
    before = machine_seconds()
    while machine_seconds() == before:
        sum(range(100_000))

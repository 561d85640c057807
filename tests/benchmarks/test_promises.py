"""What falls short of its promise is said to."""

from __future__ import annotations

from benchmarks.promises import at_least, at_most, kept
from benchmarks.rows import ROWS
from benchmarks.table import lines
from tests.benchmarks.measured import measured

BY_NAME = {row.name: row for row in ROWS}


def said(requests: int, cpu: float, workers: int = 1, shed: float = 0.0) -> str:
    base, own = [measured(1_000, cpu=20)], [measured(requests, cpu=cpu, shed=shed)]
    return kept(list(lines({BY_NAME["R"]: base, BY_NAME["S"]: own}, workers, 32)))


def test_a_number_beyond_its_promise_stands_alone_and_another_beside_it() -> None:
    assert (at_least(1.2, 1.15), at_least(1.1, 1.15)) == ("1.20", "1.10 **of 1.15**")
    assert (at_most(1.2, 1.15), at_most(1.1, 1.15)) == ("1.20 **of 1.15**", "1.10")


def test_a_row_has_its_ratios() -> None:
    assert "| S | 32 | 1.20 | 1.25 | 1.00 |" in said(1_200, 16)


def test_a_row_that_shed_is_not_taken_for_one_that_has_reached_it() -> None:
    assert "not the same work" in said(1_200, 16, shed=0.02)


def test_two_workers_are_compared_to_one() -> None:
    runs = {BY_NAME["R"]: [measured()], BY_NAME["S"]: [measured(cpu=20)]}
    more = {BY_NAME["R"]: [measured()], BY_NAME["S"]: [measured(cpu=22)]}
    found = [*lines(runs, 1, 32), *lines(more, 2, 32)]
    assert "| S, CPU of two workers to one | 32 | | 1.10 **of 1.05** | |" in kept(found)

"""Medians, ratios, and what stands beside a row that has not done the same work."""

from __future__ import annotations

from benchmarks.rows import NAMES, ROWS, Row, chosen
from benchmarks.session import Measured
from benchmarks.table import Line, Spread, lines, table
from tests.benchmarks.measured import measured

BY_NAME = {row.name: row for row in ROWS}


def line(own: list[Measured], base: list[Measured], name: str = "S") -> Line:
    row = BY_NAME[name]
    runs: dict[Row, list[Measured]] = {BY_NAME[row.against]: base, row: own}
    return next(line for line in lines(runs, 1, 32) if line.row is row)


def test_a_spread_is_the_median_between_the_smallest_and_the_largest() -> None:
    assert Spread.of([30.0, 10.0, 11.0]) == Spread(11.0, 10.0, 30.0)


def test_a_ratio_is_of_medians_and_above_one_is_better() -> None:
    own = [measured(1_200, cpu=20), measured(1_100, cpu=16), measured(9_000, cpu=90)]
    found = line(own, [measured(1_000, cpu=25)] * 3)
    assert (found.rate_ratio, found.cpu_ratio) == (1.2, 1.25)


def test_the_longest_hundredth_is_compared_as_times_as_long() -> None:
    assert line([measured(p99=3_000)], [measured(p99=2_000)]).p99_ratio == 1.5


def test_a_row_that_shed_more_than_a_hundredth_says_so() -> None:
    base = [measured()]
    assert "same work" in table([line([measured(shed=0.02)], base)])
    assert "same work" not in table([line([measured(shed=0.01)], base)])


def test_each_line_of_the_table_has_as_many_cells_as_its_heading() -> None:
    found = table([line([measured()], [measured()], name) for name in NAMES])
    assert len({text.count("|") for text in found.splitlines()}) == 1


def test_chosen_rows_bring_what_they_are_compared_to() -> None:
    assert [row.name for row in chosen(["I", "C"], nginx=True)] == ["R204", "I", "R204-C", "C"]


def test_all_are_chosen_but_those_that_are_to_be_asked_for_and_what_is_not_installed() -> None:
    names = [row.name for row in chosen(None, nginx=False)]
    assert names == [name for name in NAMES if name not in {"N", "U"}]

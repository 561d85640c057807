"""The line of a problem, and a caret that stands under the place whatever stands before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from adserver.cli.excerpt import GUTTER, KEPT_BEFORE, MAX_CHARACTERS, MAX_SHOWN, excerpt, rows_of


def shown(source: str, line: int = 1, column: int = 1) -> list[str]:
    return [row.removeprefix(GUTTER) for row in excerpt(rows_of(source), line, column)]


def test_the_caret_stands_under_the_column_whatever_tabs_come_before() -> None:
    assert shown("x: 1\n\t\ty: 2\n", 2, 3) == ["\t\ty: 2", "\t\t^"]


def test_a_problem_just_past_the_end_of_its_line_still_has_a_caret() -> None:
    assert shown("ab", 1, 3) == ["ab", "  ^"]
    assert shown("ab", 1, 99) == ["ab", "  ^"]


def test_windows_line_ends_are_not_shown() -> None:
    assert shown("a\r\nb\r\n", 2, 1) == ["b", "^"]


def test_a_line_that_is_not_there_is_not_shown() -> None:
    assert shown("", 1, 1) == shown("a", 2, 1) == shown("a", 0, 0) == []


@pytest.mark.parametrize(
    ("before", "cells"),
    [("名前: ", 6), ("👍 ", 3), ("e\u0301te\u0301: ", 5), ("ｗｉｄｅ", 8), ("한글", 4)],
    ids=["chinese", "emoji", "combining accents", "full width", "korean"],
)
def test_wide_characters_take_two_cells_and_accents_none(before: str, cells: int) -> None:
    assert shown(f"{before}wrong", 1, len(before) + 1) == [f"{before}wrong", " " * cells + "^"]


def test_a_long_line_is_cut_on_both_sides_of_the_caret() -> None:
    row, caret = shown("a" * 500 + "B" + "c" * 500, 1, 501)
    assert row[caret.index("^")] == "B"
    assert row == "…" + "a" * KEPT_BEFORE + "B" + "c" * (MAX_SHOWN - KEPT_BEFORE - 1) + "…"


def test_the_beginning_of_a_long_line_is_not_cut() -> None:
    assert shown("a" * 500, 1, 2) == ["a" * MAX_SHOWN + "…", " ^"]


def test_the_end_of_a_long_line_is_not_cut() -> None:
    row, caret = shown("a" * 500, 1, 501)
    assert (row, caret) == ("…" + "a" * KEPT_BEFORE, " " * (KEPT_BEFORE + 1) + "^")


def test_a_line_of_nothing_but_accents_is_cut_as_well() -> None:
    (row, _) = shown("a" + "\u0301" * 1_000_000, 1, 900_000)
    assert len(row) <= MAX_CHARACTERS + 2


def test_what_a_terminal_would_obey_is_not_sent_to_it() -> None:
    assert shown("a\x1b[2Jb\u202ec", 1, 7) == ["a\ufffd[2Jb\ufffdc", "      ^"]


@given(
    row=st.text(st.sampled_from("a é名👍\t\u0301"), max_size=400),
    column=st.integers(min_value=1, max_value=402),
)
def test_no_line_is_longer_than_a_terminal_and_the_caret_stands_within(
    row: str, column: int
) -> None:
    lines = shown(row, 1, column)
    if row:
        assert cell_len(lines[0]) <= MAX_SHOWN + 2
        assert cell_len(lines[1]) <= cell_len(lines[0]) + 1
        assert lines[1].strip(" \t") == "^"

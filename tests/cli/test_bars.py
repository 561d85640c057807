"""Bars: as long as what they stand for, never longer than there is room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.cli.bars import BLOCKS, CELLS, LETTERS, bar, signs_of


@pytest.mark.parametrize(
    ("share", "due", "drawn"),
    [
        (0.0, None, ".........."),
        (0.5, None, "#####....."),
        (0.999, None, "#########."),
        (1.0, None, "##########"),
        (7.5, None, "##########"),
        (0.5, 0.7, "#####..|.."),
        (0.5, 0.2, "##|##....."),
        (0.0, 0.0, "|........."),
        (1.0, 1.5, "#########|"),
    ],
)
def test_a_bar_is_as_long_as_its_share(share: float, due: float | None, drawn: str) -> None:
    assert bar(share, due, LETTERS) == drawn


@given(st.floats(0, 100), st.one_of(st.none(), st.floats(-1, 100)))
def test_a_bar_has_its_cells_and_is_full_only_when_all_is_done(
    share: float, due: float | None
) -> None:
    drawn = bar(share, due, BLOCKS)
    assert len(drawn) == CELLS
    assert (BLOCKS.left not in bar(share, None)) is (share >= 1)
    assert (BLOCKS.due in drawn) is (due is not None)


@pytest.mark.parametrize(
    ("encoding", "signs"),
    [
        ("utf-8", BLOCKS),
        ("cp437", BLOCKS),
        ("ascii", LETTERS),
        ("latin-1", LETTERS),
        ("no-such", LETTERS),
        (None, LETTERS),
    ],
)
def test_a_terminal_that_has_no_blocks_has_letters(encoding: str | None, signs: object) -> None:
    assert signs_of(encoding) == signs

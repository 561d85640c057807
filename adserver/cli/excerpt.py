"""A line of a file as a message shows it, with a caret under the place that is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, takewhile

from rich.cells import cell_len

# Cells of a terminal. What is longer is cut on both sides of the caret.
MAX_SHOWN = 100
# Cells kept before the caret where a line is cut.
KEPT_BEFORE = 60
# Characters that may take no cell at all: a line of nothing else is cut as well.
MAX_CHARACTERS = 400
CUT = "…"
# Before the line, so that none begins with what it was written to begin with: GitHub's runner obeys
# `::error::` of any program, also behind spaces.
GUTTER = "  | "
# Stands for what a terminal would obey instead of showing it.
UNSHOWABLE = "\ufffd"


def rows_of(source: str) -> Sequence[str]:
    """What editors count as lines; str.splitlines would count more."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n") if source else ()


def excerpt(rows: Sequence[str], line: int, column: int) -> Iterator[str]:
    """The line and its caret; nothing where there is no such line.

    line, column: from 1, in characters. Wide characters take two cells of a terminal, and those
    that join the one before take none; tabs are kept, so that the caret moves as they do.
    """
    if not 1 <= line <= len(rows):
        return
    row, position = cut(rows[line - 1], min(max(column - 1, 0), len(rows[line - 1])))
    row = "".join(sign if sign == "\t" or sign.isprintable() else UNSHOWABLE for sign in row)
    yield f"{GUTTER}{row}"
    yield f"{GUTTER}{blank(row[:position])}^"


def cut(row: str, position: int) -> tuple[str, int]:
    """The part of a long row around a position, and the position in it."""
    if len(row) <= MAX_CHARACTERS and cell_len(row) <= MAX_SHOWN:
        return row, position
    nearest = row[max(position - MAX_CHARACTERS // 2, 0) : position]
    begin = position - fitting(reversed(nearest), KEPT_BEFORE)
    left = MAX_SHOWN - cell_len(row[begin:position])
    end = position + fitting(row[position : begin + MAX_CHARACTERS], left)
    before, after = CUT if begin else "", CUT if end < len(row) else ""
    return before + row[begin:end] + after, position - begin + len(before)


def fitting(signs: Iterable[str], cells: int) -> int:
    """How many of the first characters fit so many cells."""
    widths = accumulate(cell_len(sign) for sign in signs)
    return sum(1 for _ in takewhile(lambda width: width <= cells, widths))


def blank(text: str) -> str:
    """White space as wide as a text, with its tabs."""
    return "\t".join(" " * cell_len(piece) for piece in text.split("\t"))

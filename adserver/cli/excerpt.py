"""A line of a file as a message shows it, with a caret under the place that is meant."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

# Cells of a terminal. What is longer is cut on both sides of the caret.
MAX_SHOWN = 100
# Cells kept before the caret where a line is cut.
KEPT_BEFORE = 60
# Characters that may take no cell at all: a line of nothing else is cut as well.
MAX_CHARACTERS = 400
CUT = "…"
# Stands for what a terminal would obey instead of showing it.
UNSHOWABLE = "\ufffd"


def excerpt(source: str, line: int, column: int) -> Iterator[str]:
    """The line and its caret; nothing where the source has no such line.

    line, column: from 1, in characters. Wide characters take two cells of a terminal, and those
    that join the one before take none; tabs are kept, so that the caret moves as they do.
    """
    # What editors count as lines; str.splitlines would count more.
    rows = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not source or not 1 <= line <= len(rows):
        return
    row, position = cut(rows[line - 1], min(max(column - 1, 0), len(rows[line - 1])))
    row = "".join(sign if sign == "\t" or sign.isprintable() else UNSHOWABLE for sign in row)
    yield f"    {row}"
    yield f"    {blank(row[:position])}^"


def cut(row: str, position: int) -> tuple[str, int]:
    """The part of a long row around a position, and the position in it."""
    if len(row) <= MAX_CHARACTERS and cell_len(row) <= MAX_SHOWN:
        return row, position
    begin = max(position - MAX_CHARACTERS // 2, 0)
    while cell_len(row[begin:position]) > KEPT_BEFORE:
        begin += 1
    end = min(begin + MAX_CHARACTERS, len(row))
    while cell_len(row[begin:end]) > MAX_SHOWN:
        end -= 1
    before, after = CUT if begin else "", CUT if end < len(row) else ""
    return before + row[begin:end] + after, position - begin + len(before)


def blank(text: str) -> str:
    """White space as wide as a text, with its tabs."""
    return "\t".join(" " * cell_len(piece) for piece in text.split("\t"))

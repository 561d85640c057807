"""A number as a bar of characters: how far something is, and how far it should be."""

from __future__ import annotations

from typing import NamedTuple


class Signs(NamedTuple):
    done: str
    left: str
    due: str


BLOCKS = Signs("█", "░", "│")
# Where the terminal's encoding has no blocks.
LETTERS = Signs("#", ".", "|")
CELLS = 10


def bar(share: float, due: float | None, signs: Signs = BLOCKS, cells: int = CELLS) -> str:
    """share, due: of the whole, 0 to 1; beyond, the bar is full. due: None where nothing is.

    What is done is never shown as all before it is, nor what is begun as nothing.
    """
    done = min(cells, int(share * cells)) if share < 1 else cells
    filled = signs.done * done + signs.left * (cells - done)
    if due is None:
        return filled
    mark = min(cells - 1, max(0, int(due * cells)))
    return filled[:mark] + signs.due + filled[mark + 1 :]


def signs_of(encoding: str | None) -> Signs:
    try:
        "".join(BLOCKS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return LETTERS
    return BLOCKS

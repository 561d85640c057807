"""The nearest right word, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# More words than this are not read by anybody who looks for a typing mistake.
MAX_LISTED = 20


def nearest(word: str, words: Iterable[str]) -> str | None:
    by_folded = {one.casefold(): one for one in words}
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def did_you_mean(word: str, words: Iterable[str], mark: str = "") -> str:
    """A hint naming the nearest of `words`, "" if none is near. mark: stands around words."""
    near = nearest(word, words)
    return f"did you mean `{mark}{near}{mark}`?" if near else ""


def nearest_or_all(word: str, words: Iterable[str], introduction: str) -> str:
    """The nearest word, or all of them where none is near: "known keys are `a`, `b`"."""
    known = list(words)
    return did_you_mean(word, known) or (f"{introduction} {listed(known)}" if known else "")


def listed(words: Iterable[str]) -> str:
    known = list(words)
    shown = ", ".join(f"`{word}`" for word in known[:MAX_LISTED])
    return f"{shown}, …" if len(known) > MAX_LISTED else shown

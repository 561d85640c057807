"""The nearest right word, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from adserver.publishing.alphabets import foreign_letter, skeleton

# More words than this are not read by anybody who looks for a typing mistake.
MAX_LISTED = 20
# Words that are near to a wrong one: a French day is no hour.
SAID_OTHERWISE = {"jour": "day", "heure": "hour", "semaine": "week", "tag": "day"}


def nearest(word: str, words: Iterable[str]) -> str | None:
    by_folded = {one.casefold(): one for one in words}
    same = SAID_OTHERWISE.get(word.casefold())
    if same in by_folded:
        return by_folded[same]
    alike = {skeleton(one): one for one in by_folded.values()} if not word.isascii() else {}
    if skeleton(word) in alike:
        return alike[skeleton(word)]
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def did_you_mean(word: str, words: Iterable[str], mark: str = "") -> str:
    """A hint naming the nearest of `words`, "" if none is near. mark: stands around words."""
    near = nearest(word, words)
    if not near:
        return ""
    foreign = foreign_letter(word)
    return f"did you mean `{mark}{near}{mark}`?" + (f" {foreign}" if foreign else "")


def nearest_or_all(word: str, words: Iterable[str], introduction: str) -> str:
    """The nearest word, or all of them where none is near: "known keys are `a`, `b`"."""
    known = list(words)
    return did_you_mean(word, known) or (f"{introduction} {listed(known)}" if known else "")


def listed(words: Iterable[str]) -> str:
    known = list(words)
    shown = ", ".join(f"`{word}`" for word in known[:MAX_LISTED])
    return f"{shown}, …" if len(known) > MAX_LISTED else shown

"""A name that nothing has, and the nearest one that exists."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from adserver.core.errors import NoSuchName


def nearest(word: str, words: Iterable[str]) -> str | None:
    by_folded = {one.casefold(): one for one in words}
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def no_such(kind: str, name: str, known: Iterable[str]) -> NoSuchName:
    return NoSuchName(kind, name, nearest(name, known))

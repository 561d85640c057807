"""A name that nothing has, and the nearest one that exists."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from adserver.core.errors import NoSuchName
from adserver.publishing.suggest import nearest


def no_such(kind: str, name: str, known: Iterable[str]) -> NoSuchName:
    """Near is what is spelt alike, or the only one that begins so."""
    names = sorted(set(known))
    begun = [one for one in names if plain(one).startswith(plain(name))]
    return NoSuchName(kind, name, nearest(name, names) or (begun[0] if len(begun) == 1 else None))


def plain(name: str) -> str:
    """As it is typed in a hurry: without accents and capitals."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))

"""A name that nothing has, and the nearest one that exists."""

from __future__ import annotations

from collections.abc import Iterable

from adserver.core.errors import NoSuchName
from adserver.publishing.suggest import nearest


def no_such(kind: str, name: str, known: Iterable[str]) -> NoSuchName:
    return NoSuchName(kind, name, nearest(name, known))

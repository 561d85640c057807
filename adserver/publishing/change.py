"""One change of the campaign files, in the words in which they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# More values than this are counted instead of listed.
MAX_VALUES_SHOWN = 12
# Of a text; what is longer is cut, as a plan is to be read at a glance.
MAX_TEXT_SHOWN = 60
NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """key: as the files have it, such as `price` or `targeting.section`. Of a value: `before` and
    `after`, between what is the same of both, `what` and `unit`. Of a list: what was `added` and
    `removed`. note: of what is neither.
    """

    key: str
    before: str = ""
    after: str = ""
    what: str = ""
    unit: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    note: str = ""

    @property
    def text(self) -> str:
        """`price: cpm 8.50 → 9.00`, `slots: + side, - home-top`."""
        return f"{self.key}: {' '.join(part for part in self._parts() if part)}"

    def _parts(self) -> Iterator[str]:
        yield self.what
        if self.note:
            yield self.note
        elif self.added or self.removed:
            yield ", ".join((*marked("+", self.added), *marked("-", self.removed)))
        else:
            yield f"{self.before} → {self.after}"
            yield self.unit


def marked(sign: str, values: tuple[str, ...]) -> Iterator[str]:
    for value in values[:MAX_VALUES_SHOWN]:
        yield f"{sign} {value}"
    if len(values) > MAX_VALUES_SHOWN:
        yield f"{sign} {len(values) - MAX_VALUES_SHOWN:,} more"


@dataclass(frozen=True, slots=True)
class Wording:
    """A value in words: `what` stands before it and `unit` behind it, as in "cpm 8.50" and
    "120,000 impressions"."""

    value: str
    what: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.value, self.unit) if part)


def of_value(key: str, before: Wording | str, after: Wording | str) -> Iterator[Change]:
    """Nothing where both are the same in words."""
    was = before if isinstance(before, Wording) else Wording(before)
    now = after if isinstance(after, Wording) else Wording(after)
    if was == now:
        return
    if (was.what, was.unit) == (now.what, now.unit):
        yield Change(key, was.value, now.value, now.what, now.unit)
    else:
        yield Change(key, str(was), str(now))


def of_list(
    key: str, before: Iterable[str], after: Iterable[str], what: str = ""
) -> Iterator[Change]:
    """Nothing where both have the same values, in whatever order."""
    was, now = tuple(before), tuple(after)
    added = tuple(value for value in now if value not in set(was))
    removed = tuple(value for value in was if value not in set(now))
    if added or removed:
        yield Change(key, what=what, added=added, removed=removed)


def of_text(key: str, before: str, after: str) -> Iterator[Change]:
    """Of words for people, which are quoted, and cut where they are long."""
    if before != after and quoted(before) == quoted(after):
        yield Change(key, note=f"{quoted(after)} reads otherwise further on")
    else:
        yield from of_value(key, quoted(before), quoted(after))


def quoted(text: str) -> str:
    shown = " ".join(text.split())
    cut = f"{shown[: MAX_TEXT_SHOWN - 1]}…" if len(shown) > MAX_TEXT_SHOWN else shown
    return f"“{cut}”" if cut else NONE

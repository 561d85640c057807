"""Which workers are still to be replaced, and by whom the one that is being replaced is.

A round takes those that were there when it began, one after the other. Asked for during a round,
another follows: who was replaced early in the first may have been started from what was there
before. More than one asked for meanwhile are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from adserver.serving.children import Child


@dataclass(slots=True)
class Replacing:
    """asked: for a round that has not begun. again: this one has to be followed by another.
    old: the one that `coming` is to replace."""

    asked: bool = False
    again: bool = False
    waiting: list[Child] = field(default_factory=list)
    old: Child | None = None
    coming: Child | None = None

    @property
    def due(self) -> bool:
        return (self.asked or self.again) and not self.under_way

    @property
    def under_way(self) -> bool:
        return bool(self.waiting) or self.old is not None

    def ask(self) -> None:
        self.asked = True

    def begin(self, workers: Iterable[Child], *, again: bool) -> None:
        self.asked, self.again = False, again
        self.waiting = [child for child in workers if not child.leaving]

    def turn(self) -> Child:
        """Whose turn it is."""
        if self.old is None:
            self.old = self.waiting.pop(0)
        return self.old

    def drop(self, child: Child) -> None:
        """It has died: whoever is started in its place is new already."""
        if child in self.waiting:
            self.waiting.remove(child)

    def done(self) -> Child:
        """The new one serves; who may leave now."""
        old = self.turn()
        self.old = self.coming = None
        return old

    def give_up(self) -> Child:
        """The new one does not come up, and those behind it would not either; who was to leave."""
        old = self.turn()
        self.old = self.coming = None
        self.waiting.clear()
        self.again = False
        return old

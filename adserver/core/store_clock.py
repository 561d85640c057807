"""The store's clock, as a worker knows it."""

from __future__ import annotations


class StoreClock:
    """The store's clock, never behind it and never going backwards. Told the monotonic clock.

    offset: a guess of store minus monotonic clock, until the store has said it (`told`).
    """

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self._last = 0.0
        self.told = False

    def heard(self, asked: float, said: float) -> None:
        """The store said its time, in answer to what was asked at `asked`: it was later than that,
        so this is ahead of the store by at most the time that the call took. The first word
        takes the place of a guess that was ahead, too: nothing has been leased by it."""
        if not self.told:
            self.told, self._last = True, 0.0
        self._offset = said - asked

    def at(self, monotonic: float) -> float:
        """The store's UTC seconds, or a little more."""
        now = monotonic + self._offset
        if now < self._last:
            return self._last
        self._last = now
        return now

    def known(self, monotonic: float) -> float:
        """`at`; 0 where it would be a guess, which nothing may be promised by."""
        return self.at(monotonic) if self.told else 0.0

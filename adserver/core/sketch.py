"""How many events each of any number of addresses has sent in this minute and in this hour, in a
fixed piece of memory: a count-min sketch (Cormode and Muthukrishnan, 2005) with conservative
update (Estan and Varghese, 2002).

An event's key names one cell in each of two rows. Only what is below the new estimate is raised,
and the estimate is the lower of the two cells: never less than was counted, and more only where
both cells are shared with others. With `n` keys in the hour that are as busy as a limit allows, a
quiet one is taken for one of them with a probability of at most (n / 131,072)².

Minutes and hours are those of the clock, of one UTC day. A cell remembers its minute, so nothing
has to be swept: what is of an earlier one counts as nothing.

    cell = minute of the day 11 bits · events in the hour 24 · events in the minute 24
"""

from __future__ import annotations

PLACE_BITS = 17
PLACES = (1 << PLACE_BITS) - 1
ROW = 1 << PLACE_BITS
MEMORY_BYTES = 2 * ROW * 8
# Of a hash, what one key takes: a place in each row.
KEY_BITS = 2 * PLACE_BITS
COUNT_BITS = 24
MOST = (1 << COUNT_BITS) - 1  # counting ends there
HOUR = MOST << COUNT_BITS
ONE_MORE = 1 << COUNT_BITS | 1
STAMP_SHIFT = 2 * COUNT_BITS
HOUR_MINUTES = 60


# Events of one key so far in the minute and in the hour, this one included.
Rate = tuple[int, int]


class Sketch:
    """memory: of MEMORY_BYTES, zeros at first, and again when a day begins.

    Several processes may add at once, without a lock: an event is lost where two of them write
    the same cell between each other's reading and writing.
    """

    def __init__(self, memory: memoryview) -> None:
        self._words = memory.cast("Q")

    def add(self, key: int, minute: int) -> Rate:
        """key: KEY_BITS of a hash, or more. minute: of the UTC day."""
        words = self._words
        first, second = key & PLACES, ROW + (key >> PLACE_BITS & PLACES)
        one = words[first]
        if one == words[second] and one >> STAMP_SHIFT == minute and one & HOUR != HOUR:
            # Shared with nobody, or with who came as often: the usual case, and the quick one.
            one += ONE_MORE
            words[first] = words[second] = one
            return one & MOST, (one & HOUR) >> COUNT_BITS
        return self._add(first, second, minute)

    def _add(self, first: int, second: int, minute: int) -> Rate:
        words = self._words
        cells = words[first], words[second]
        minute = latest(minute, cells)
        one, other = (at(cell, minute) for cell in cells)
        here = min(min(one & MOST, other & MOST) + 1, MOST)
        hourly = min((min(one & HOUR, other & HOUR) >> COUNT_BITS) + 1, MOST)
        words[first], words[second] = raised(one, here, hourly), raised(other, here, hourly)
        return here, hourly


def raised(cell: int, here: int, hourly: int) -> int:
    """The cell with neither count below these."""
    return (
        cell >> STAMP_SHIFT << STAMP_SHIFT
        | max(cell & HOUR, hourly << COUNT_BITS)
        | max(cell & MOST, here)
    )


def latest(minute: int, cells: tuple[int, int]) -> int:
    """The minute to count in: that of a process that has read the clock an instant later."""
    return minute + 1 if any(cell >> STAMP_SHIFT == minute + 1 for cell in cells) else minute


def at(cell: int, minute: int) -> int:
    """The cell as it is in this minute."""
    stamp = cell >> STAMP_SHIFT
    if stamp == minute:
        return cell
    if stamp // HOUR_MINUTES != minute // HOUR_MINUTES:
        return minute << STAMP_SHIFT
    return minute << STAMP_SHIFT | (cell & HOUR)

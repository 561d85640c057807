"""The traffic of all slots: which hours are to be learnt, what they teach, and what is told of it.

An hour is learnt once, when it is over and its counts have arrived. An hour without requests is
a 0 where ads were served in it, and unknown where they were not: a quiet night says something of
the next one, a night of maintenance does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import log
from typing import NamedTuple

from adserver.core.catalog import Generation
from adserver.core.forecast import (
    DAY_SECONDS,
    HALF_LIFE_WEEKS,
    HOUR_SECONDS,
    HOURS_A_DAY,
    WEEK_SECONDS,
    History,
    halved,
    learn,
    pass_over,
)
from adserver.core.hour import hour_at
from adserver.core.steps import Steps

MINUTE_SECONDS = 60
# Workers write what they have counted every second, and ship it within another.
SETTLED_SECONDS = 120
# Older hours are not caught up on: more than four weeks ago, a week counts for less than 0.4.
MAX_BEHIND_SECONDS = 28 * DAY_SECONDS
# An hour is known if ads were served in this share of its minutes.
SERVED_SHARE = 0.9
# In hours of which nobody has noted whether ads were served: a silence that is longer than a small
# site's night is no night.
NIGHT_HOURS = 10
# How far back requests are told that are not learnt yet.
UNLEARNT_HOURS = 3
# What is left of an hour's weight after more than a year; beyond, years cannot be told apart.
LEAST_FADED = 1e-6


class Scope(NamedTuple):
    """Whose requests are asked for: numbers of slots and sites, and the site's zone."""

    slots: tuple[int, ...]
    sites: tuple[int, ...]
    timezone: str

    @classmethod
    def of(cls, generation: Generation) -> Scope:
        catalog, numbers = generation.catalog, generation.numbers
        return cls(
            tuple(numbers[f"slot/{slot.name}"] for slot in catalog.slots),
            tuple(numbers[f"site/{name}"] for name in catalog.site.sites),
            catalog.site.timezone,
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is known of each slot, by its number.

    through: UTC seconds up to which hours have been learnt, 0 before the first. since: requests
    counted from `counted_from` on (UTC seconds), which is `through` unless learning is behind.
    """

    through: float = 0.0
    histories: Mapping[int, History] = field(default_factory=dict)
    counted_from: float = 0.0
    since: Mapping[int, int] = field(default_factory=dict)

    def history(self, slot: int) -> History:
        """Of a slot that nobody has asked for yet: one that knows nothing."""
        return self.histories.get(slot) or History(through=self.through)

    def as_usual(self, at: float) -> Traffic:
        """For another time (UTC seconds): what the last hours were like says nothing of that."""
        histories = {
            slot: replace(history, recent=0.0, promised=0.0)
            for slot, history in self.histories.items()
        }
        return Traffic(self.through, histories, counted_from=at)


class CountedHour(NamedTuple):
    """begin: UTC seconds. requests: by slot, 0 where it has none. known: whether it says anything,
    as ads were served in it."""

    begin: float
    requests: Mapping[int, int]
    known: bool = True


def ripe(through: float, now: float, timezone: str) -> list[int]:
    """When the hours begin that can be learnt now, oldest first (UTC seconds).

    through: up to where that was done, 0 before the first time.
    """
    hour = hour_at(max(through, now - MAX_BEHIND_SECONDS), timezone)
    found = []
    while hour.end + SETTLED_SECONDS <= now:
        if hour.begin >= through:
            found.append(hour.begin)
        hour = hour_at(hour.end, timezone)
    return found


def unlearnt_from(through: float, now: float, timezone: str) -> float:
    """Where requests begin that are told beside the histories (UTC seconds)."""
    return max(through, hour_at(now - (UNLEARNT_HOURS - 1) * HOUR_SECONDS, timezone).begin)


def hours_served(
    counted: Sequence[tuple[int, Mapping[int, int]]], minutes: Iterable[int]
) -> list[CountedHour]:
    """counted: beginnings of hours, and requests by slot. minutes: since 1970, in which ads were
    served."""
    served = set(minutes)

    def known(begin: int) -> bool:
        first = begin // MINUTE_SECONDS
        return sum(first + n in served for n in range(60)) >= 60 * SERVED_SHARE

    return [CountedHour(begin, requests, known(begin)) for begin, requests in counted]


def hours_found(counted: Sequence[tuple[int, Mapping[int, int]]]) -> list[CountedHour]:
    """The same where nobody has noted the minutes, as before the first hour was learnt."""
    found: list[CountedHour] = []
    for silent, hours in groupby(counted, key=lambda hour: not any(hour[1].values())):
        some = list(hours)
        known = not silent or len(some) <= NIGHT_HOURS
        found += [CountedHour(begin, requests, known) for begin, requests in some]
    return found


def learning(
    histories: Mapping[int, History], hours: Sequence[CountedHour], scope: Scope
) -> Steps[dict[int, History]]:
    """The histories of the slots that were ever asked for, with these hours, oldest first.

    A step is a slot; some 50 µs an hour.
    """
    learnt: dict[int, History] = {}
    for slot in scope.slots:
        history = with_hours(histories.get(slot), slot, hours, scope.timezone)
        if history is not None:
            learnt[slot] = history
        yield
    return learnt


def with_hours(
    history: History | None, slot: int, hours: Iterable[CountedHour], timezone: str
) -> History | None:
    for hour in hours:
        requests, end = hour.requests.get(slot, 0), hour.begin + HOUR_SECONDS
        if history is None:
            # The hour in which it was asked for first has only begun to be an hour of it.
            history = History(through=end) if requests else None
        elif hour.known:
            history = learn(history, hour.begin, requests, timezone)
        else:
            history = pass_over(history, end)
    return history


def days_counted(history: History) -> float:
    """How many days' hours it has learnt, those that have faded included; 0 to some 400.

    Of N hours in a row, the youngest counts 1 and each one before it less by the same factor, so
    they come to (1 - factor^N) / (1 - factor).
    """
    factor = halved(HOUR_SECONDS, HALF_LIFE_WEEKS * WEEK_SECONDS)
    faded = max(LEAST_FADED, 1.0 - sum(history.weeks) * (1.0 - factor))
    return log(faded) / log(factor) / HOURS_A_DAY


def minutes_of(day: int, bits: bytes) -> Iterator[int]:
    """The minutes since 1970 whose bits are set in a day's bitmap, highest bit of a byte first."""
    for at, byte in enumerate(bits):
        for bit in range(8):
            if byte & (0x80 >> bit):
                yield day * 1440 + at * 8 + bit

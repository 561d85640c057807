"""What traffic a slot will have: its hour-of-week curve, learnt from what was counted.

`History` is what is kept of a slot: how many requests each of the week's 168 hours had, older
weeks counting less, and how the last hours compare with what was expected of them. `Forecast`
is made of it for asking, once an hour: how many requests between two instants. Hours of the week
are those of the site's wall clock (0 is Monday 00:00), so that a day that changes the clock has
23 or 25 of them, each with its own traffic.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate

from adserver.core.catalog import Hours
from adserver.core.flights import MINUTES_A_DAY, zone

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
WEEK_SECONDS = 604_800
HOURS_A_DAY = 24
DAYS_A_WEEK = 7
HOURS_A_WEEK = 168
# 1 January 1970 was a Thursday: wall-clock seconds of the first Monday.
FIRST_MONDAY = 4 * DAY_SECONDS

# A week counts half after three: an average over some four weeks, which halves the noise of single
# days and still follows a season. One week would follow every odd Monday, two months would still
# promise in September what August had.
HALF_LIFE_WEEKS = 3.0
# An hour of the week counts as if it had been seen this often with what its day and its hour of the
# day promise: the first weeks of a small site are noise, hour by hour.
PRIOR_WEEKS = 1.0
# What a slot is taken for of which nothing is known, until its first hour is over.
UNKNOWN_REQUESTS_PER_HOUR = 60.0
# How much that guess weighs, in weeks: next to nothing once something was counted.
UNKNOWN_WEEKS = 0.001

# The recent level follows a spike within hours, and is believed for as long as one lasts. Beyond
# that, a busy evening says nothing of next week.
LEVEL_HALF_LIFE_HOURS = 3.0
LEVEL_SECONDS = 6 * HOUR_SECONDS
# Requests as expected that the level begins with: four visitors instead of two are no spike.
LEVEL_PRIOR_REQUESTS = 30.0
MIN_LEVEL, MAX_LEVEL = 0.2, 5.0

NOTHING = (0.0,) * HOURS_A_WEEK


@dataclass(frozen=True, slots=True)
class History:
    """What was counted of one slot, as far as it is remembered; every field decays.

    requests: in each hour of the week; weeks: how many weeks' worth of counting that is.
    recent, promised: the requests of the last hours, and what was expected of them.
    through: UTC seconds up to which hours have been learnt.
    """

    requests: tuple[float, ...] = NOTHING
    weeks: tuple[float, ...] = NOTHING
    recent: float = 0.0
    promised: float = 0.0
    through: float = 0.0

    def numbers(self) -> list[float]:
        """Plain numbers for a store: 168 requests, 168 weeks, recent, promised, through."""
        return [*self.requests, *self.weeks, self.recent, self.promised, self.through]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> History:
        """Raises ValueError if these are not the numbers of a history."""
        expected = 2 * HOURS_A_WEEK + 3
        if len(numbers) != expected:
            raise ValueError(f"a history has {expected} numbers, not {len(numbers)}")
        hours, weeks = numbers[:HOURS_A_WEEK], numbers[HOURS_A_WEEK : 2 * HOURS_A_WEEK]
        return cls(tuple(hours), tuple(weeks), *numbers[2 * HOURS_A_WEEK :])


def learn(history: History, begin: float, requests: float, timezone: str) -> History:
    """The history with one more hour; an hour that it has learnt already changes nothing.

    begin: UTC seconds at which the hour begins, by the wall clock of `timezone` (see core/hour.py);
    an hour of which nothing is known is left out, one without requests is a 0. Cost: one pass over
    168 numbers, once per slot and hour.
    """
    if begin < history.through:
        return history
    hour = hour_of_week(begin, timezone)
    promised = curve(history)[hour]
    passed = begin + HOUR_SECONDS - history.through if history.through else 0.0
    fading = halved(passed, HALF_LIFE_WEEKS * WEEK_SECONDS)
    counts = [count * fading for count in history.requests]
    weeks = [week * fading for week in history.weeks]
    counts[hour] += requests
    weeks[hour] += 1.0
    known = any(history.weeks)
    fading = halved(passed, LEVEL_HALF_LIFE_HOURS * HOUR_SECONDS)
    return History(
        requests=tuple(counts),
        weeks=tuple(weeks),
        recent=history.recent * fading + (requests if known else 0.0),
        promised=history.promised * fading + (promised if known else 0.0),
        through=begin + HOUR_SECONDS,
    )


def pass_over(history: History, until: float) -> History:
    """The history at `until` (UTC seconds), where nothing is known of the time up to then."""
    if until <= history.through:
        return history
    passed = until - history.through if history.through else 0.0
    fading = halved(passed, HALF_LIFE_WEEKS * WEEK_SECONDS)
    recent = halved(passed, LEVEL_HALF_LIFE_HOURS * HOUR_SECONDS)
    return History(
        requests=tuple(count * fading for count in history.requests),
        weeks=tuple(week * fading for week in history.weeks),
        recent=history.recent * recent,
        promised=history.promised * recent,
        through=until,
    )


def halved(seconds: float, half_life: float) -> float:
    return float(0.5 ** (seconds / half_life))


def hour_of_week(now: float, timezone: str) -> int:
    local = datetime.fromtimestamp(now, zone(timezone))
    return local.weekday() * HOURS_A_DAY + local.hour


def curve(history: History) -> tuple[float, ...]:
    """Requests expected in each of the 168 hours; flat where nothing is known.

    Each hour is its own average, drawn towards what its weekday and its hour of the day have in
    common with others (their product over the mean), so that two days of counting already know
    day from night.
    """
    requests, weeks = history.requests, history.weeks
    guess = UNKNOWN_WEEKS * UNKNOWN_REQUESTS_PER_HOUR
    mean = (sum(requests) + guess) / (sum(weeks) + UNKNOWN_WEEKS)
    of_day = [ratio(requests[d::HOURS_A_DAY], weeks[d::HOURS_A_DAY], mean) for d in range(24)]
    weekdays = [slice(d * HOURS_A_DAY, (d + 1) * HOURS_A_DAY) for d in range(DAYS_A_WEEK)]
    # A weekday is judged by the hours that were seen of it: three of a night are not a quiet day.
    of_week = [
        ratio(requests[day], [w * of_day[h] for h, w in enumerate(weeks[day])], mean)
        for day in weekdays
    ]
    return tuple(
        (requests[h] + PRIOR_WEEKS * mean * of_day[h % HOURS_A_DAY] * of_week[h // HOURS_A_DAY])
        / (weeks[h] + PRIOR_WEEKS)
        for h in range(HOURS_A_WEEK)
    )


def ratio(requests: Iterable[float], weeks: Iterable[float], mean: float) -> float:
    """How busy these hours are beside the mean one; 1 where none was counted."""
    return (sum(requests) + PRIOR_WEEKS * mean) / ((sum(weeks) + PRIOR_WEEKS) * mean)


@dataclass(frozen=True, slots=True)
class Clock:
    """A zone's offsets: from `begins[i]` (UTC seconds) on, wall clock is UTC + `offsets[i]`."""

    begins: tuple[float, ...]
    offsets: tuple[float, ...]


@lru_cache(maxsize=256)
def clock(timezone: str, since: float, until: float) -> Clock:
    """The offsets of a zone between two instants (UTC seconds); before and after, its outer ones.

    One pass a day, 0.5 ms a year; kept, so ask for all slots with the same two midnights.
    """
    begins, offsets = [since], [offset_at(since, timezone)]
    day = since
    while day < until:
        following = min(day + DAY_SECONDS, until)
        if offset_at(following, timezone) != offsets[-1]:
            begins.append(change_between(day, following, timezone))
            offsets.append(offset_at(following, timezone))
        day = following
    return Clock(tuple(begins), tuple(offsets))


def offset_at(now: float, timezone: str) -> float:
    offset = datetime.fromtimestamp(now, zone(timezone)).utcoffset()
    return (offset or timedelta()).total_seconds()


def change_between(early: float, late: float, timezone: str) -> float:
    """The second at which the offset becomes that of `late`."""
    after = offset_at(late, timezone)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (early, middle) if offset_at(middle, timezone) == after else (middle, late)
    return late


class Forecast:
    """A slot's curve, asked for stretches of time; immutable, a microsecond a question.

    hours: requests expected in each of the 168 hours of the week; level: see `level_of`.
    """

    __slots__ = ("_before", "_clock", "_cumulated", "_week", "hours", "level")

    def __init__(self, hours: Sequence[float], clock: Clock, level: float = 1.0) -> None:
        if len(hours) != HOURS_A_WEEK:
            raise ValueError(f"a week has {HOURS_A_WEEK} hours, not {len(hours)}")
        self.hours = tuple(hours)
        self.level = level
        self._clock = clock
        self._cumulated = tuple(accumulate(self.hours, initial=0.0))
        self._week = self._cumulated[-1]
        # Where the running sum of each stretch between two changes of the clock begins.
        before = [0.0]
        for i in range(1, len(clock.begins)):
            change, past, next_ = clock.begins[i], clock.offsets[i - 1], clock.offsets[i]
            before.append(before[-1] + self._wall(change + past) - self._wall(change + next_))
        self._before = tuple(before)

    def at_level(self, level: float) -> Forecast:
        """The same curve with another level."""
        other = copy(self)
        other.level = level
        return other

    def during(self, parts: Iterable[Hours]) -> Forecast:
        """What of it comes during some dayparts, read on the clock that the curve is of.

        An hour that is open in part has that part of its requests.
        """
        minutes = {
            day * MINUTES_A_DAY + minute
            for part in parts
            for day in part.days
            for minute in range(part.start_minute, part.end_minute)
        }
        open_ = Counter(minute // 60 for minute in minutes)
        hours = [requests * open_[h] / 60 for h, requests in enumerate(self.hours)]
        return Forecast(hours, self._clock, self.level)

    def running(self, now: float) -> float:
        """The running sum of the curve at `now` (UTC seconds): only differences mean something."""
        i = max(0, bisect_right(self._clock.begins, now) - 1)
        return self._before[i] + self._wall(now + self._clock.offsets[i])

    def _wall(self, seconds: float) -> float:
        weeks, rest = divmod(seconds - FIRST_MONDAY, WEEK_SECONDS)
        hour = int(rest // HOUR_SECONDS)
        into = rest / HOUR_SECONDS - hour
        return weeks * self._week + self._cumulated[hour] + self.hours[hour] * into

    def usual(self, since: float, until: float) -> float:
        """Requests between two instants (UTC seconds) by the curve alone; 0 if there are none."""
        return max(0.0, self.running(until) - self.running(since))

    def supply(self, now: float, until: float) -> float:
        """Requests from now on: by the curve, scaled by the recent level for as long as that holds.

        The level is believed for LEVEL_SECONDS, and not at all beyond.
        """
        return self.usual(now, until) + self.surplus(now, min(until, now + LEVEL_SECONDS))

    def surplus(self, since: float, until: float) -> float:
        """Requests more than usual, or fewer (negative), if the recent level goes on."""
        return (self.level - 1.0) * self.usual(since, until)


def level_of(history: History, since_then: float = 0.0, promised: float = 0.0) -> float:
    """How the last hours compare with what was expected of them: 1 is as usual, 2 is a spike.

    since_then, promised: requests counted since `history.through`, and what the curve says of that
    time, so that a spike is seen within its first minutes.
    """
    seen = history.recent + since_then + LEVEL_PRIOR_REQUESTS
    expected = history.promised + promised + LEVEL_PRIOR_REQUESTS
    return min(MAX_LEVEL, max(MIN_LEVEL, seen / expected))

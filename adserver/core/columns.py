"""Plans of very many campaigns as numbers, and the rates that follow from them.

An object for each would be five times as much memory, all of which Python walks when it looks for
garbage, and finds none. What is equal in many plans is kept once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from adserver.core.catalog import Pace
from adserver.core.forecast import LEVEL_SECONDS
from adserver.core.goals import Unit
from adserver.core.pacing import Booking, Course, Present, Progress, drawn, pressed, rate
from adserver.core.steps import Steps, made_of

# Half a microsecond to one each.
RATED_A_STEP = 500


class Standing(NamedTuple):
    """How far a campaign is, in its goal's unit, all nodes together.

    reserved: served and not confirmed yet; today: delivered or reserved since its midnight; shown:
    impressions, whatever the unit is.
    """

    delivered: int = 0
    reserved: int = 0
    today: int = 0
    shown: int = 0


NOT_BEGUN = Standing()


class Plan(NamedTuple):
    """before: what had been delivered when the course of an open flight began."""

    booking: Booking
    course: Course
    before: int
    day: Course | None
    unit: Unit
    # Whether there is a first instant, from which on one can be behind.
    begins: bool


Reach = tuple[tuple[str, float], ...]
Kind = tuple[Pace, Unit, bool]


class Columns:
    """Plans, in the order in which they were added."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._goals, self._befores = array("q"), array("q")
        self._since, self._until = array("d"), array("d")
        self._passed, self._totals = array("d"), array("d")
        self._kinds: list[Kind] = []
        self._known_kinds: dict[Kind, Kind] = {}
        # Which of the different reaches.
        self._which = array("L")
        self._reaches: list[Reach] = []
        self._known_reaches: dict[Reach, int] = {}
        # Of those with a daily limit.
        self._days: dict[int, tuple[int, Course]] = {}
        # Whether a rate is nothing but the urgency of the whole flight.
        self._plain = bytearray()

    def __len__(self) -> int:
        return len(self.names)

    def add(self, plan: Plan) -> None:
        booking, course = plan.booking, plan.course
        if plan.day is not None:
            self._days[len(self.names)] = booking.max_per_day, plan.day
        self._plain.append(plan.day is None and booking.pace is Pace.EVEN)
        self.names.append(booking.name)
        self._goals.append(booking.goal)
        self._befores.append(plan.before)
        self._since.append(booking.since)
        self._until.append(booking.until)
        self._passed.append(course.before)
        self._totals.append(course.total)
        kind = booking.pace, plan.unit, plan.begins
        self._kinds.append(self._known_kinds.setdefault(kind, kind))
        which = self._known_reaches.setdefault(booking.reach, len(self._reaches))
        if which == len(self._reaches):
            self._reaches.append(booking.reach)
        self._which.append(which)

    def plan(self, number: int) -> Plan:
        """As it was added; numbers count from 0."""
        goal, since, until = self._goals[number], self._since[number], self._until[number]
        reach = self._reaches[self._which[number]]
        pace, unit, begins = self._kinds[number]
        most, day = self._days.get(number, (0, None))
        booking = Booking(self.names[number], goal, since, until, reach, pace, most)
        course = Course(goal, since, until, reach, self._passed[number], self._totals[number])
        return Plan(booking, course, self._befores[number], day, unit, begins)

    def scarcity(self, number: int) -> tuple[float, str]:
        """As `core.pacing` has it."""
        return self._totals[number], self.names[number]

    def rates(
        self, standings: Mapping[str, Standing], at: Mapping[str, Present], now: float
    ) -> Steps[dict[str, float]]:
        """By name. at: the forecasts at `now` (UTC seconds)."""
        past_and_near = yield from made_of(self._reaches, partial(drawn, at=at))
        found: dict[str, float] = {}
        for first in range(0, len(self), RATED_A_STEP):
            found.update(self._some(first, standings, past_and_near, at, now))
            yield
        return found

    def _some(
        self,
        first: int,
        standings: Mapping[str, Standing],
        past_and_near: Sequence[tuple[float, float]],
        at: Mapping[str, Present],
        now: float,
    ) -> Iterator[tuple[str, float]]:
        """What `rate_of` says of each, found out without its plan where that is plain."""
        some = slice(first, first + RATED_A_STEP)
        columns = (
            *(self.names, self._plain, self._goals, self._befores, self._since, self._until),
            *(self._passed, self._totals, self._which),
        )
        numbered = enumerate(zip(*(column[some] for column in columns), strict=True), first)
        for number, row in numbered:
            name, plain, goal, before, since, until, passed, total, which = row
            standing = standings.get(name, NOT_BEGUN)
            if not plain or not since <= now <= until - LEVEL_SECONDS:
                yield name, rate_of(self.plan(number), standing, at, now)
                continue
            delivered, reserved, _, _ = standing
            taken = max(0, delivered - before) + reserved
            if taken >= goal:
                yield name, 0.0
            else:
                drawn_until, near = past_and_near[which]
                past = min(total, max(0.0, drawn_until - passed))
                yield name, pressed(goal, total, taken, past, near)


def rate_of(plan: Plan, standing: Standing, at: Mapping[str, Present], now: float) -> float:
    delivered = max(0, standing.delivered - plan.before)
    progress = Progress(delivered, standing.reserved, standing.today)
    return rate(plan.booking, plan.course, progress, at, now, plan.day)

"""How far a slot's traffic strays from its curve, and so how wide a forecast of it is.

Traffic differs from its curve in two ways: whole weeks are busier or quieter (a season, a growing
site), and days differ within their week (news, weather). The two are told apart as in a one-way
analysis of variance with random effects: weeks are the groups, days within them the replicates
(Searle, Casella and McCulloch, "Variance Components", 1992, chapter 3). Weeks that lie further
ahead are known less well, by the rule for simple exponential smoothing (Hyndman and Athanasopoulos,
"Forecasting: Principles and Practice", 3rd edition, section 8.7): the variance grows by
1 + alpha^2 (h - 1), h weeks ahead, where alpha is the weight of the latest week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from adserver.core.forecast import DAYS_A_WEEK, HALF_LIFE_WEEKS

# What a week is taken to differ by before a second one was counted; it weighs as one week.
WEEKLY_UNKNOWN = 0.15
# The weight of the latest week in a curve that forgets half of it in HALF_LIFE_WEEKS.
ALPHA = 1.0 - 0.5 ** (1.0 / HALF_LIFE_WEEKS)
# Of eight forecasts in ten, the truth lies this many standard deviations around them at most.
DEVIATIONS = 1.2816


@dataclass(frozen=True, slots=True)
class Deviation:
    """Relative standard deviations: of weeks from the curve, and of days from their week."""

    weekly: float = WEEKLY_UNKNOWN
    daily: float = 0.0

    def error(self, days: float, weeks_ahead: float) -> float:
        """Of the requests of so many days, whose middle lies so many weeks ahead."""
        further = 1.0 + ALPHA**2 * (max(1.0, weeks_ahead) - 1.0)
        return sqrt(self.weekly**2 * further + self.daily**2 / max(days, 1.0))


def deviation_of(days: Sequence[tuple[float, float]]) -> Deviation:
    """days: of whole days in their order, requests counted and expected by the curve.

    Days beyond whole weeks are left out, the oldest first.
    """
    weeks = [
        days[at : at + DAYS_A_WEEK] for at in range(len(days) % DAYS_A_WEEK, len(days), DAYS_A_WEEK)
    ]
    levels = [ratio(week) for week in weeks]
    mean = sum(levels) / len(levels) if levels else 0.0
    if mean <= 0.0:
        return Deviation()
    between = sum((level / mean - 1.0) ** 2 for level in levels)
    within = sum(
        ((ratio([day]) - level) / mean) ** 2
        for week, level in zip(weeks, levels, strict=True)
        for day in week
    )
    return Deviation(
        weekly=sqrt((WEEKLY_UNKNOWN**2 + between) / len(weeks)),
        daily=sqrt(within / (len(weeks) * (DAYS_A_WEEK - 1))),
    )


def ratio(days: Iterable[tuple[float, float]]) -> float:
    some = list(days)
    expected = sum(one for _, one in some)
    return sum(one for one, _ in some) / expected if expected > 0.0 else 1.0


def share_error(share: float, samples: float) -> float:
    """The standard deviation of a share that was seen in so many samples.

    Half the width of Wilson's interval (1927) by its number of deviations: a share of which no
    sample was seen is not known to be 0.
    """
    if samples <= 0.0:
        return 0.5
    z = DEVIATIONS
    inner = share * (1.0 - share) / samples + z**2 / (4.0 * samples**2)
    return sqrt(inner) / (1.0 + z**2 / samples)

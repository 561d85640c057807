"""What a campaign has bought, as a number: its goal, the buffer beyond it, and the unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adserver.core.catalog import Campaign, Goal
from adserver.core.events import Metric

UNITS = {Metric.IMPRESSION: "impressions", Metric.CLICK: "clicks"}


class Bought(NamedTuple):
    """metric: what is counted; goal: how many were bought; most: with the buffer."""

    metric: Metric
    goal: int
    most: int

    @property
    def unit(self) -> str:
        return UNITS[self.metric]


class Sold(NamedTuple):
    """metric: what is counted; goal: how many were bought, and are billed."""

    metric: Metric
    goal: int

    @property
    def unit(self) -> str:
        return UNITS[self.metric]


def sold(goal: Goal | None) -> Sold | None:
    """None where no number was bought."""
    if goal is None:
        return None
    if goal.impressions is not None:
        return Sold(Metric.IMPRESSION, goal.impressions)
    return None if goal.clicks is None else Sold(Metric.CLICK, goal.clicks)


def bought(campaign: Campaign) -> Bought | None:
    """None where no number was bought."""
    order = sold(campaign.goal)
    return None if order is None else Bought(*order, buffered(order.goal, campaign))


def buffered(goal: int, campaign: Campaign) -> int:
    """Whole events: what the buffer leaves of one is not delivered."""
    return goal + int(goal * campaign.buffer)


ByUnit = Mapping[str, Mapping[str, int]]
"""How often, by unit and campaign."""


def delivered_by_unit(
    numbers: Mapping[str, int], delivered: Mapping[tuple[Metric, int], int]
) -> ByUnit:
    """How often, ever, those of creatives that the campaign has no more included.

    numbers: every name's; delivered: by metric and creative's number.
    """
    found: dict[str, dict[str, int]] = {unit: {} for unit in UNITS.values()}
    for name, number in numbers.items():
        if name.startswith("creative/"):
            campaign = name.split("/")[1]
            for metric, unit in UNITS.items():
                counted = found[unit].get(campaign, 0) + delivered.get((metric, number), 0)
                found[unit][campaign] = counted
    return found

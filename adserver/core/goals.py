"""What a campaign may deliver at most, and in which unit: goals and limits are never exceeded."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from adserver.core.bought import bought
from adserver.core.catalog import Campaign
from adserver.core.events import Kind, Metric


class Unit(StrEnum):
    """What a goal, `max_per_day` and `max_total` count."""

    IMPRESSIONS = "impressions"
    CLICKS = "clicks"

    @property
    def kind(self) -> Kind:
        """The event of which one is one."""
        return Kind.CLICK if self is Unit.CLICKS else Kind.IMPRESSION


class Limits(NamedTuple):
    """ever: the goal with its buffer, or `max_total`; a_day: `max_per_day`. 0 is without one."""

    unit: Unit
    ever: int = 0
    a_day: int = 0


def limits_of(campaign: Campaign) -> Limits | None:
    """None for a campaign that may deliver without limit."""
    order = bought(campaign)
    ever = order.most if order else campaign.max_total
    if not ever and not campaign.max_per_day:
        return None
    clicks = order is not None and order.metric is Metric.CLICK
    return Limits(Unit.CLICKS if clicks else Unit.IMPRESSIONS, ever, campaign.max_per_day)

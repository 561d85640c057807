"""What a campaign may deliver at most, and in which unit: goals and limits are never exceeded."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from adserver.core.catalog import Campaign
from adserver.core.events import Kind


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


def goal_of(campaign: Campaign) -> int:
    """What was bought, in its unit, without the buffer; 0 where that is no number of events."""
    goal = campaign.goal
    return (goal.impressions or goal.clicks or 0) if goal else 0


def unit_of(campaign: Campaign) -> Unit:
    return Unit.CLICKS if campaign.goal and campaign.goal.clicks else Unit.IMPRESSIONS


def limits_of(campaign: Campaign) -> Limits | None:
    """None for a campaign that may deliver without limit."""
    goal = goal_of(campaign)
    # What the buffer has of a whole one more is not delivered.
    ever = goal + int(goal * campaign.buffer) if goal else campaign.max_total
    if not ever and not campaign.max_per_day:
        return None
    return Limits(unit_of(campaign), ever, campaign.max_per_day)

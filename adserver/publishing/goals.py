"""`goal` of a campaign file: what is bought, in the unit that its tier sells."""

from __future__ import annotations

import re
from decimal import Decimal

from adserver.core.catalog import Goal, Tier
from adserver.publishing.nodes import Scalar
from adserver.publishing.not_honoured import check_whole, refuse
from adserver.publishing.schema import Fields

UNITS = ("impressions", "clicks")
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")
SHARE_EXAMPLE = "{share: 50%}"


def read_goal(campaign: Fields, tier: Tier | None) -> Goal | None:
    """A sponsorship is sold by its share, and nothing else is."""
    if "goal" not in campaign:
        if tier is Tier.SPONSORSHIP:
            campaign.need("goal", hint=f"what a sponsorship buys, such as `goal: {SHARE_EXAMPLE}`")
        return None
    goal = campaign.table("goal", SHARE_EXAMPLE if tier is Tier.SPONSORSHIP else "{share: 50%}")
    if goal is None:
        return None
    goal.only((*UNITS, "share"))
    if len(goal.node.entries) != 1:
        campaign.expected("goal", "one of impressions, clicks or share")
    for unit in UNITS:
        if unit in goal:
            check_whole(goal, unit)
            refuse(goal, unit)
    if "share" not in goal:
        return None
    if tier is not None and tier is not Tier.SPONSORSHIP:
        message = f"`goal.share`: only a sponsorship is sold by share, and this is {tier}"
        campaign.findings.error(goal.at("share"), "share_of_tier", message, "see `tier`")
    return Goal(share=read_share(goal))


def read_share(goal: Fields) -> float:
    node = goal.get("share")
    match = SHARE.fullmatch(node.text) if isinstance(node, Scalar) else None
    percent = Decimal(match[1]) if match else Decimal(0)
    if not 0 < percent <= 100:
        goal.expected("share", "a share such as 50%, above 0% and at most 100%")
    return float(percent / 100)

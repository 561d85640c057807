"""What is bought, and the most of it: `goal`, `buffer`, `max_per_day`, `max_total`, `pacing`.

Each tier sells in its own unit: a sponsorship a share, a standard campaign a number of impressions
or clicks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from adserver.core.catalog import Flight, Goal, Pace, Tier
from adserver.publishing.nodes import Node, Scalar
from adserver.publishing.schema import Fields

UNITS = ("impressions", "clicks")
# More than the page views of a year anywhere; sums of them stay far below what a number holds.
MAX_COUNT = 1_000_000_000_000
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")
PLAIN_SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?", re.ASCII)
SHARE_EXAMPLE = "{share: 50%}"
COUNT_EXAMPLE = "{impressions: 120000}"
# Who delivers half as much again as was bought has mistyped it.
MAX_BUFFER = 50


@dataclass(frozen=True, slots=True)
class Terms:
    """What is bought and what is the most of it, as `core.catalog.Campaign` has it."""

    goal: Goal | None
    buffer: Decimal
    max_per_day: int
    max_total: int
    pacing: Pace


def read_terms(campaign: Fields, tier: Tier | None, flight: Flight | None) -> Terms:
    """flight: None where it could not be read."""
    goal = read_goal(campaign, tier)
    terms = Terms(
        goal=goal,
        buffer=read_buffer(campaign),
        max_per_day=read_limit(campaign, "max_per_day"),
        max_total=read_limit(campaign, "max_total"),
        pacing=campaign.choice("pacing", Pace) or Pace.EVEN,
    )
    counted = counts_of(campaign)
    for key in ("buffer", "pacing"):
        if key in campaign and not counted:
            message = f"`{key}` is about a goal of impressions or clicks, and there is none"
            campaign.findings.error(campaign.at(key), "without_goal", message, "remove it")
    if "max_total" in campaign and counted:
        message = "`max_total` is for campaigns without a goal: a goal is never exceeded anyway"
        campaign.findings.error(campaign.at("max_total"), "limit_beside_goal", message, "remove it")
    if flight is not None and tier is Tier.STANDARD:
        check_end(campaign, terms, flight)
    return terms


def counts_of(campaign: Fields) -> bool:
    """Whether the goal is meant to be a number of events, well written or not."""
    goal = campaign.node.entries.get("goal")
    entries = getattr(goal[1], "entries", {}) if goal else {}
    return any(unit in entries for unit in UNITS)


def read_goal(campaign: Fields, tier: Tier | None) -> Goal | None:
    if "goal" not in campaign:
        miss_goal(campaign, tier)
        return None
    of_shares = tier is Tier.SPONSORSHIP
    goal = campaign.table("goal", SHARE_EXAMPLE if of_shares else COUNT_EXAMPLE)
    if goal is None:
        return None
    goal.only((*UNITS, "share"))
    if len(goal.node.entries) != 1:
        what, hint = "one of impressions, clicks or share", "keep one: it is what is bought"
        campaign.expected("goal", what, hint if len(goal.node.entries) > 1 else "")
    for key in goal.node.entries:
        if tier is not None and key in (*UNITS, "share") and tier is not seller_of(key):
            refuse_unit(goal, key, tier)
    return Goal(
        share=read_share(goal) if "share" in goal else None,
        impressions=goal.whole_between("impressions", 1, MAX_COUNT),
        clicks=goal.whole_between("clicks", 1, MAX_COUNT),
    )


def miss_goal(campaign: Fields, tier: Tier | None) -> None:
    if tier is Tier.SPONSORSHIP:
        campaign.need("goal", hint=f"what a sponsorship buys, such as `goal: {SHARE_EXAMPLE}`")
    elif tier is Tier.STANDARD and "goal" not in campaign.meant:
        # Not refused: there were such campaigns before there were goals.
        message = "a standard campaign without a goal goes on for ever, before all remnant ones"
        hint = f"give it a goal, such as `goal: {COUNT_EXAMPLE}`, or make it `tier: remnant`"
        campaign.findings.warning(campaign.at("tier"), "standard_without_goal", message, hint)


def seller_of(unit: str) -> Tier:
    return Tier.SPONSORSHIP if unit == "share" else Tier.STANDARD


def refuse_unit(goal: Fields, key: str, tier: Tier) -> None:
    if key == "share":
        message = f"`goal.share`: only a sponsorship is sold by share, and this is {tier}"
        code = "share_of_tier"
    else:
        message = f"`goal.{key}`: only a standard campaign is sold by {key}, and this is {tier}"
        code = "goal_of_tier"
    hint = "see `tier`"
    if tier in (Tier.REMNANT, Tier.HOUSE) and key == "impressions":
        hint = "a limit without a promise is `max_total`"
    goal.findings.error(goal.at(key), code, message, hint)


def read_share(goal: Fields) -> float:
    node = goal.get("share")
    match = SHARE.fullmatch(node.text) if isinstance(node, Scalar) else None
    percent = Decimal(match[1]) if match else Decimal(0)
    if not 0 < percent <= 100:
        goal.expected("share", "a share such as 50%, above 0% and at most 100%", share_hint(node))
    return float(percent / 100)


def share_hint(node: Node | None) -> str:
    """Of a share that is written as a number, or with a comma: 0.5, 50, 12,5%."""
    text = node.text.strip().replace(",", ".") if isinstance(node, Scalar) else ""
    number = text.removesuffix("%").rstrip()
    if not PLAIN_SHARE.fullmatch(number):
        return ""
    share = Decimal(number)
    percent = share * 100 if share <= 1 and number == text else share
    return f"write {percent.normalize():f}%" if 0 < percent <= 100 else ""


def read_buffer(campaign: Fields) -> Decimal:
    if "buffer" not in campaign:
        return Decimal(0)
    node = campaign.get("buffer")
    match = SHARE.fullmatch(node.text) if isinstance(node, Scalar) else None
    percent = Decimal(match[1]) if match else Decimal(-1)
    if not 0 <= percent <= MAX_BUFFER:
        campaign.expected("buffer", f"a share of the goal such as 3%, at most {MAX_BUFFER}%")
        return Decimal(0)
    return percent / 100


def read_limit(campaign: Fields, key: str) -> int:
    return campaign.whole_between(key, 1, MAX_COUNT) or 0


def check_end(campaign: Fields, terms: Terms, flight: Flight) -> None:
    """What is spread over its flight needs one that ends."""
    if terms.goal and terms.goal.share is None and terms.pacing is Pace.EVEN and not flight.until:
        message = "a goal is spread over its flight, and this flight has no end"
        hint = "write `last_day` in `flight`, or `pacing: asap`"
        campaign.findings.error(campaign.at("goal"), "goal_without_end", message, hint)

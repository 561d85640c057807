"""The numbers behind a draw: what a candidate had against those of its tier and above it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adserver.core.catalog import Campaign, Tier
from adserver.core.decision import Candidate
from adserver.core.ecpm import NOTHING, ecpm
from adserver.core.goals import Unit
from adserver.core.leases import Room
from adserver.core.plans import Account
from adserver.core.reasons import Reason
from adserver.core.shelf import Shelf
from adserver.publishing.delivery import Delivery

# A share that is less than its rate by more than rounding.
LEAST_CUT = 1e-9


def among_rivals(
    candidate: Candidate, campaign: Campaign, drawn: Sequence[Shelf], delivered: Delivery
) -> str:
    """The numbers behind a draw, or the tier or the price that comes first."""
    if candidate.reason is Reason.OUTRANKED:
        return before(campaign, drawn[-1])
    shelf = next(one for one in drawn if campaign.name in one.by_campaign)
    weights = shelf.by_campaign
    if shelf.paced:
        account = delivered.accounts.get(campaign.name)
        share = f"rate {percent(weights[campaign.name])}"
        return share if account is None else paced(account, weights[campaign.name])
    if shelf.shares:
        sold = sum(weights.values())
        crowded = f", where {percent(sold)} are sold" if sold > 1 else ""
        return f"a share of {percent(weights[campaign.name])}{crowded}"
    left = what_is_left(drawn, shelf)
    price = earning(campaign)
    if len(weights) == 1:
        alone = f"at its eCPM of {spoken(price)}" if price else "in its tier"
        return f"nobody else {alone}{left and ','}{left}"
    priced = f" at an eCPM of {spoken(price)}" if price else ""
    return f"weight {weights[campaign.name]:g} of {sum(weights.values()):g}{priced}{left}"


def what_is_left(drawn: Sequence[Shelf], shelf: Shelf) -> str:
    """Which part of the requests comes to a shelf, and who leaves it."""
    mass, before = 1.0, []
    for one in drawn[: drawn.index(shelf)]:
        mass *= 1.0 - one.cumulated[-1] / one.whole
        before.append("goals" if one.paced else "sponsorships")
    return f" in the {percent(mass)} that {' and '.join(before)} leave" if before else ""


def paced(account: Account, share: float) -> str:
    """A rate, and all that it is reckoned from. share: what it has of a draw; less than its rate
    where those with fewer requests to choose from have the rest."""
    cut = f", {percent(share)} after scarcer ones" if account.rate - share > LEAST_CUT else ""
    due = "" if account.due is None else f", {account.due:,} due by now"
    today = "" if account.a_day is None else f", {account.today:,} of {account.a_day:,} today"
    clicks = " clicks" if account.unit is Unit.CLICKS else ""
    return (
        f"rate {percent(account.rate)}{cut}: "
        f"{account.delivered:,} of {account.goal:,}{clicks} delivered"
        f"{on_their_way(account.reserved)}{today}{due}; "
        f"{account.left:,} left of {account.supply:,} {clicks.strip() or 'requests'} to come"
    )


def used_up(room: Room, reason: Reason) -> str:
    """A limit that is reached, or will be when all that is on its way has arrived."""
    clicks = " clicks" if room.limits.unit is Unit.CLICKS else ""
    if reason is Reason.DAY_FULL:
        return f"{room.today:,} of {room.limits.a_day:,}{clicks} today"
    delivered = f"{room.delivered:,} of {room.limits.ever:,}{clicks} delivered"
    return f"{delivered}{on_their_way(room.reserved)}"


def on_their_way(reserved: int) -> str:
    return f", {reserved:,} on their way" if reserved else ""


def before(campaign: Campaign, served: Shelf) -> str:
    """What comes before a campaign: a tier, or in its own tier a price."""
    if served.paced and campaign.tier is Tier.STANDARD:
        return "goals come before what has none"
    if served.tier is not campaign.tier:
        return f"{served.tier} comes before {campaign.tier}"
    price = earning(campaign)
    own = f"its own of {spoken(price)}" if price else "what earns nothing by the impression"
    return f"an eCPM of {spoken(earning(served.placements[0].campaign))} comes before {own}"


def earning(campaign: Campaign) -> Decimal:
    """The eCPM by which it stands in its tier; nothing in tiers where prices do not matter."""
    return ecpm(campaign.price) if campaign.tier is Tier.REMNANT else NOTHING


def spoken(price: Decimal) -> str:
    """With cents, or as many decimals as it has."""
    return f"{price:.2f}" if price == round(price, 2) else f"{price.normalize():f}"


def percent(share: float) -> str:
    return f"{round(share * 100, 2):g}%"

"""What campaigns do to one another in a slot: shares beyond the whole, weights too small to
matter, and who stands behind a sponsorship of everything."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from math import inf

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign, Clause, Slot, State, Tier
from adserver.core.fit import fitting
from adserver.core.flights import zone
from adserver.publishing.campaign_file import Read
from adserver.publishing.houses import rooms
from adserver.publishing.moments import spoken
from adserver.publishing.suggest import listed
from adserver.publishing.weeks import WEEK_SECONDS, flight_of, running

# One page view in a thousand: below that a campaign is shown by accident.
SMALL_SHARE = 0.001
# Among thousands of equal campaigns each share is small, and no weight is to blame.
BELOW_AVERAGE = 0.1
# Shares are binary fractions of decimal ones.
ROUNDING = 1e-9


def warn_of_crowding(read: Sequence[Read], slots: Sequence[Slot], now: float | None) -> None:
    """now: UTC seconds; None takes every flight as if it were to come."""
    since = -inf if now is None else now
    live = [one for one in read if one.campaign.state is State.READY and to_come(one, since)]
    booked = [(slot, [one for one in live if may_book(one.campaign, slot)]) for slot in slots]
    told: set[str] = set()
    for slot, there in booked:
        warn_of_shares(slot, there, since, told)
        warn_of_weights(slot, there)
    warn_of_shadows(live, slots, since)


def to_come(one: Read, since: float) -> bool:
    begin, end = flight_of(one.campaign, since)
    return begin < end


def warn_of_shares(slot: Slot, there: Sequence[Read], since: float, told: set[str]) -> None:
    """Sponsorships of one slot, for all pages or for the same ones, of more than everything.

    told: the campaigns that have heard of it, each once.
    """
    sponsors = [one for one in there if one.campaign.tier is Tier.SPONSORSHIP]
    for wish in {one.campaign.targeting for one in sponsors}:
        rivals = [one for one in sponsors if one.campaign.targeting in ((), wish)]
        if share_of(rivals) > 1 + ROUNDING and (found := oversold(rivals, since)):
            at, those, share = found
            for one in those:
                if one.campaign.name not in told:
                    told.add(one.campaign.name)
                    tell_of_share(one, those, slot, share, at, since)


def tell_of_share(  # noqa: PLR0913 - all that is told
    one: Read, those: Sequence[Read], slot: Slot, share: float, at: float, since: float
) -> None:
    others = listed(r.campaign.name for r in those if r is not one)
    tz = zone(one.campaign.flight.timezone)
    when = f" from {spoken(at, tz, max(since, 0))} on" if at > max(since, 0) else ""
    message = f"with {others}, {share:.4g}% of slot `{slot.name}` is sold as sponsorships{when}"
    hint = "each gets less in proportion; lower a share, or part their flights or hours"
    one.warn("goal", "oversold", message, hint)


def share_of(those: Iterable[Read]) -> float:
    return sum((one.campaign.goal.share or 0) for one in those if one.campaign.goal)


def oversold(rivals: Sequence[Read], since: float) -> tuple[float, list[Read], float] | None:
    """The first time at which more than everything is sold, to whom, and how many percent."""
    flights = [(flight_of(one.campaign, max(since, 0)), one) for one in rivals]
    for begin in sorted({flight[0] for flight, _ in flights}):
        those = [one for flight, one in flights if flight[0] <= begin < flight[1]]
        if share_of(those) <= 1 + ROUNDING:
            continue
        share, most = fullest(those, begin)
        if share > 1 + ROUNDING:
            return begin, most, float(Decimal(share * 100).quantize(Decimal("0.01")))
    return None


def fullest(those: Sequence[Read], begin: float) -> tuple[float, list[Read]]:
    """The largest sum of shares in a week, and whose it is."""
    spans = [
        (span, one) for one in those for span in running(one.campaign, begin, begin + WEEK_SECONDS)
    ]
    sums = [
        (share_of(there), there)
        for at in sorted({span[0] for span, _ in spans})
        if (there := [one for span, one in spans if span[0] <= at < span[1]])
    ]
    return max(sums, key=lambda pair: pair[0], default=(0.0, []))


def warn_of_weights(slot: Slot, there: Sequence[Read]) -> None:
    """Weights that bring next to no turns among those that they are drawn with."""
    groups: dict[tuple[Tier, object], list[Read]] = defaultdict(list)
    for one in there:
        if drawn_by_weight(one.campaign):
            groups[one.campaign.tier, price_of(one.campaign)].append(one)
    for group in groups.values():
        for one, total, count in beside(group):
            weight = one.campaign.weight
            if weight < SMALL_SHARE * total and weight < BELOW_AVERAGE * total / count:
                message = (
                    f"a weight of {weight:g} among {total:g} in slot `{slot.name}` is "
                    f"{100 * weight / total:.2g}% of the turns"
                )
                hint = "weights compare within a tier, in the remnant tier at one price"
                one.warn("weight", "small_weight", message, hint)


def drawn_by_weight(campaign: Campaign) -> bool:
    return campaign.tier is not Tier.SPONSORSHIP and campaign.goal is None


def price_of(campaign: Campaign) -> object:
    """Of the remnant tier, what makes one come before another."""
    price = campaign.price
    return (price.cpm, price.cpc) if price and campaign.tier is Tier.REMNANT else None


def beside(group: Sequence[Read]) -> Iterator[tuple[Read, float, int]]:
    """Of each campaign, the weights whose flights overlap its own, and how many they are.

    In n log n: what has begun before it ends, less what has ended before it begins.
    """
    flights = [flight_of(one.campaign) for one in group]
    weights = [one.campaign.weight for one in group]
    begun = sorted(zip((f[0] for f in flights), weights, strict=True))
    ended = sorted(zip((f[1] for f in flights), weights, strict=True))
    begins, ends = [at for at, _ in begun], [at for at, _ in ended]
    before = [0.0, *accumulate(weight for _, weight in begun)]
    after = [0.0, *accumulate(weight for _, weight in ended)]
    for one, (begin, end) in zip(group, flights, strict=True):
        started, over = bisect_left(begins, end), bisect_right(ends, begin)
        yield one, before[started] - after[over], started - over


def warn_of_shadows(live: Sequence[Read], slots: Sequence[Slot], since: float) -> None:
    """Campaigns that stand behind a sponsorship of everything wherever and whenever they run."""
    covers = {
        slot.name: [one.campaign for one in live if takes_all(one.campaign, slot, slots)]
        for slot in slots
    }
    for one in live if any(covers.values()) else ():
        campaign = one.campaign
        booked = [slot for slot in slots if may_book(campaign, slot)]
        # House campaigns wait for others as a matter of course.
        if campaign.tier in (Tier.SPONSORSHIP, Tier.HOUSE) or not booked:
            continue
        shadows = [shadow_of(campaign, covers[slot.name], since) for slot in booked]
        if all(shadows):
            names = listed(sorted({shadow.name for shadow in shadows if shadow}))
            message = f"this is never shown: {names} has all of its slots while it runs"
            hint = "book other slots, move its flight, or lower the share"
            one.warn("slots", "never_shown", message, hint)


def shadow_of(campaign: Campaign, sponsors: Sequence[Campaign], since: float) -> Campaign | None:
    begin, end = flight_of(campaign, since)
    for sponsor in sponsors:
        first, last = flight_of(sponsor, since)
        if first <= begin and end <= last:
            return sponsor
    return None


def takes_all(campaign: Campaign, slot: Slot, slots: Sequence[Slot]) -> bool:
    """Whether a campaign has every request of a slot while its flight lasts."""
    return (
        campaign.goal is not None
        and campaign.goal.share == 1
        and may_book(campaign, slot)
        and without_conditions(campaign)
        # No creative stands on a page twice.
        and len(campaign.creatives) >= sum(may_book(campaign, one) for one in slots)
        and all(len(fitting(campaign, slot, d)) == len(campaign.creatives) for d in rooms(slot))
    )


def without_conditions(campaign: Campaign) -> bool:
    wishes: tuple[Clause, ...] = campaign.targeting
    limited = campaign.hours or campaign.frequency or campaign.max_per_day or campaign.max_total
    return not (wishes or limited or campaign.competes_in or campaign.roadblock)

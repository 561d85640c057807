"""Campaigns of every kind with rates and rooms, and the plain loop of how likely each is to win."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby

from hypothesis import strategies as st

from adserver.core.catalog import (
    TIERS,
    Campaign,
    Clause,
    Flight,
    Frequency,
    Goal,
    OnEmpty,
    Period,
    Price,
    State,
    Tier,
)
from adserver.core.context import Context
from adserver.core.decision import hard_reason
from adserver.core.ecpm import ecpm
from adserver.core.goals import limits_of
from adserver.core.leases import Room
from adserver.core.on_page import OnPage
from adserver.core.rates import Rates, is_paced
from adserver.core.shelf import weight_of
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from tests.factories import NOW, ZONE, campaign, catalog, generation, slot, text_creative

TECH = (Clause("section", any=("tech",)),)
PRICES = (None, Price(cpm=Decimal(2)), Price(cpc=Decimal(1)), Price(flat=Decimal(9)))
TRADES = ((), ("coffee",), ("coffee", "tea"), ("tea",))


@st.composite
def sold(draw: st.DrawFn, number: int) -> Campaign:
    tier = draw(st.sampled_from(Tier))
    goals = {
        Tier.SPONSORSHIP: [Goal(share=0.3), Goal(share=0.8)],
        Tier.STANDARD: [None, Goal(impressions=100), Goal(impressions=50), Goal(clicks=5)],
    }
    goal = draw(st.sampled_from(goals.get(tier, [None])))
    limited = goal is None or goal.share is not None
    return campaign(
        f"c{number}",
        advertiser=draw(st.sampled_from(["Port", "Quai"])),
        tier=tier,
        goal=goal,
        state=draw(st.sampled_from([State.READY] * 4 + [State.PAUSED, State.DRAFT])),
        flight=Flight(draw(st.sampled_from([None, NOW - 1, NOW + 1])), None, ZONE),
        weight=draw(st.floats(0.01, 100)),
        creatives=tuple(text_creative(f"t{n}") for n in range(draw(st.integers(1, 3)))),
        frequency=draw(st.sampled_from([None, Frequency(1, Period.HOUR)])),
        competes_in=draw(st.sampled_from(TRADES)),
        targeting=draw(st.sampled_from([(), (), TECH])),
        price=draw(st.sampled_from(PRICES)),
        max_per_day=draw(st.sampled_from([0, 0, 20])),
        max_total=draw(st.sampled_from([0, 40])) if limited else 0,
    )


@st.composite
def rooms_of(draw: st.DrawFn, campaigns: tuple[Campaign, ...]) -> Mapping[str, Room]:
    """What one worker has of each campaign with limits: some, none yet, or none any more."""
    rooms = {}
    for number, one in enumerate(campaigns):
        limits = limits_of(one)
        if limits is not None and draw(st.booleans()):
            free = draw(st.integers(0, 2)) if limits.ever else None
            today = draw(st.integers(0, 2)) if limits.a_day else None
            left = min(n for n in (free, today, draw(st.integers(0, 2))) if n is not None)
            rooms[one.name] = Room(number, limits, left=left, free=free, free_today=today)
    return rooms


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Snapshot, Rates, Mapping[str, Room], Context]:
    """A snapshot that is paced already."""
    campaigns = tuple(draw(sold(n)) for n in range(draw(st.integers(0, 7))))
    names = [one.name for one in campaigns]
    rates = {
        n: draw(st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0])) for n in names if draw(st.booleans())
    }
    order = draw(st.permutations(names))
    known = Rates(rates, {name: rank for rank, name in enumerate(order)})
    house = slot(on_empty=OnEmpty.HOUSE)
    snapshot = compile_snapshot(generation(catalog(slots=(house,), campaigns=campaigns)))
    finish(snapshot.pacing(known))
    some = st.sets(st.sampled_from(["c0", "c1", "c2", "c3"]), max_size=2).map(frozenset)
    context = Context(
        excluded=draw(some),
        capped=draw(some),
        facts=draw(st.sampled_from([(), (("section", ("tech",)),)])),
    )
    return snapshot, known, draw(rooms_of(campaigns)), context


def level(one: Campaign) -> tuple[int, bool, Decimal]:
    """Those of an equal one are drawn for together."""
    price = ecpm(one.price) if one.tier is Tier.REMNANT else Decimal(0)
    return TIERS.index(one.tier), not is_paced(one), -price


def plain_chances(
    snapshot: Snapshot, rates: Rates, rooms: Mapping[str, Room], context: Context
) -> dict[str, float]:
    """How likely each campaign is to win, of those who may: one by one, level by level."""
    places = snapshot.places["post-top"]
    page = OnPage(snapshot.campaigns, context.excluded, rooms)
    may = [c for c in places.candidates if hard_reason(c, places, context, NOW) is None]
    chances: dict[str, float] = {}
    mass = 1.0
    for _, same in groupby(sorted(may, key=level), key=level):
        some = [one for one in same if page.refuses_all_of(one, context) is None]
        if not some:
            continue
        left = weights_of(some, rates)
        shares = some[0].tier is Tier.SPONSORSHIP or is_paced(some[0])
        whole = max(1.0, sum(left.values())) if shares else sum(left.values())
        chances |= {name: mass * weight / whole for name, weight in left.items()}
        mass *= 1.0 - sum(left.values()) / whole
    return chances


def weights_of(some: list[Campaign], rates: Rates) -> dict[str, float]:
    """Rates beyond the whole are cut, the scarcest campaign's last."""
    if not is_paced(some[0]):
        return {one.name: weight_of(one) for one in some}
    left, weights = 1.0, {}
    for one in sorted(some, key=lambda one: (rates.rank(one.name), one.name)):
        weights[one.name] = min(left, rates.rate(one.name))
        left -= weights[one.name]
    return weights

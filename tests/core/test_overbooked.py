"""Goals that cannot all be met, though each of them could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from adserver.core.catalog import Campaign, Catalog, Clause, Flight, Goal, State, Tier
from adserver.core.context import Context
from adserver.core.forecast import Forecast, clock
from adserver.core.market import Market
from adserver.core.overbooked import MAX_ENDS, MAX_SETS, Overbooked, overbooked
from adserver.core.samples import Sample
from tests.factories import NOW, campaign, catalog, site, slot

DAY = 86_400.0
# Ten requests an hour.
A_DAY = 240
SAMPLES = [Sample(Context(facts=(("section", (one,)),)), 1.0) for one in ("tech", "culture")]


def sold(name: str, until: float = 10, since: float | None = None, **changes: object) -> Campaign:
    flight = Flight(None if since is None else NOW + since * DAY, NOW + until * DAY, "UTC")
    return campaign(name, **{"flight": flight, "goal": Goal(impressions=1), **changes})


def found(
    wants: dict[Campaign, float], *others: Campaign, samples: Sequence[Sample] = (), slots: int = 1
) -> list[Overbooked]:
    names = [f"s{n}" for n in range(slots)]
    written: Catalog = catalog(
        *wants, *others, site=site(timezone="UTC"), slots=tuple(map(slot, names))
    )
    changes = clock("UTC", NOW // DAY * DAY - DAY, NOW + 400 * DAY)
    market = Market(
        written,
        {name: Forecast((10.0,) * 168, changes) for name in names},
        dict.fromkeys(names, samples),
        NOW,
    )
    wanted = {one.name: much for one, much in wants.items()}
    return [*overbooked(written, market, wanted, NOW)]


def test_what_ends_by_a_day_cannot_have_more_than_comes_until_then() -> None:
    (one,) = found({sold("a"): 1_500, sold("b"): 1_500})
    assert (one.slots, one.campaigns, one.wanted) == (("s0",), ("a", "b"), 3_000)
    assert one.supply == pytest.approx(10 * A_DAY)
    assert (one.since, one.until) == (NOW, NOW + 10 * DAY)
    assert found({sold("a"): 1_200, sold("b"): 1_200}) == []


def test_who_ends_later_has_time_for_it() -> None:
    assert found({sold("a", until=5): 1_000, sold("b"): 1_000}) == []
    (one,) = found({sold("a", until=5): 1_200, sold("b", until=5): 1_200, sold("c"): 1})
    assert (one.until, one.campaigns) == (NOW + 5 * DAY, ("a", "b"))


def test_those_to_come_have_their_own_time() -> None:
    two = {sold("a", since=8): 400, sold("b", since=8): 400}
    (one,) = found({**two, sold("c", until=2): 1})
    assert (one.since, one.campaigns) == (NOW + 8 * DAY, ("a", "b"))


def test_one_alone_is_not_told_here() -> None:
    assert found({sold("a"): 9_999}) == []


def test_requests_that_nobody_of_them_wants_are_no_supply() -> None:
    tech, culture = ((Clause("section", any=(one,)),) for one in ("tech", "culture"))
    both = {sold("a", targeting=tech): 700, sold("b", targeting=tech): 700}
    (one,) = found(both, samples=SAMPLES)
    assert one.supply == pytest.approx(5 * A_DAY)
    apart = {sold("a", targeting=tech): 1_100, sold("b", targeting=culture): 1_100}
    assert found(apart, samples=SAMPLES) == []


def test_sponsorships_take_theirs() -> None:
    sponsor = campaign("sponsor", tier=Tier.SPONSORSHIP, goal=Goal(share=0.5))
    both = {sold("a"): 700, sold("b"): 700}
    assert found(both) == []
    (one,) = found(both, sponsor)
    assert one.supply == pytest.approx(5 * A_DAY)
    everything = replace(sponsor, goal=Goal(share=1.0))
    assert found(both, everything)[0].load == float("inf")


def test_slots_are_taken_together_by_those_that_are_booked_in_them() -> None:
    wide = {sold("a"): 2_400, sold("b"): 2_300}
    assert found(wide, slots=2) == []
    narrow = sold("c", slots=("s0",))
    (one,) = found({**wide, narrow: 400}, slots=2)
    assert (one.slots, one.campaigns) == (("s0", "s1"), ("a", "b", "c"))


@pytest.mark.parametrize(
    "changes",
    [{"state": State.PAUSED}, {"tier": Tier.REMNANT}, {"flight": Flight(None, None, "UTC")}],
)
def test_who_is_not_shown_or_has_no_end_wants_nothing(changes: dict[str, object]) -> None:
    assert found({sold("a"): 1_500, sold("b", **changes): 1_500}) == []


def test_of_very_many_ends_and_slots_the_last_end_and_the_fullest_slots_are_looked_at() -> None:
    many = {sold(f"c{n}", until=1 + n / 10): 30.0 for n in range(3 * MAX_ENDS)}
    (one,) = found(many)
    assert one.until == NOW + (1 + (3 * MAX_ENDS - 1) / 10) * DAY
    alone = {sold(f"a{n}", slots=(f"s{n}",)): 2_000.0 for n in range(MAX_SETS + 5)}
    twins = {sold(f"b{n}", slots=(f"s{n}",)): 2_000.0 for n in range(MAX_SETS + 5)}
    assert len(found({**alone, **twins}, slots=MAX_SETS + 5)) == MAX_SETS

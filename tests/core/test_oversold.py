"""Sponsorships that promise more of a slot than there is."""

from __future__ import annotations

import pytest

from adserver.core.catalog import Campaign, Clause, Flight, Goal, State, Tier
from adserver.core.hours import parse_hours
from adserver.core.oversold import oversold
from tests.factories import NOW, ZONE, campaign, catalog, slot

DAY = 86_400.0
TECH, CULTURE = (Clause("section", any=(word,)) for word in ("tech", "culture"))


def sponsor(
    name: str, share: float, days: tuple[float, float] | None = None, **changes: object
) -> Campaign:
    since, until = (NOW + day * DAY for day in days) if days else (None, None)
    terms = {"tier": Tier.SPONSORSHIP, "goal": Goal(share=share)}
    return campaign(name, flight=Flight(since, until, ZONE), **{**terms, **changes})


def told(*sponsors: Campaign) -> list[tuple[str, float, tuple[str, ...]]]:
    return [
        (slot, round(share, 6), names) for slot, share, names in oversold(catalog(*sponsors), NOW)
    ]


def test_shares_of_the_same_pages_add_up() -> None:
    assert told(sponsor("a", 0.6), sponsor("b", 0.5)) == [("post-top", 1.1, ("a", "b"))]
    assert told(sponsor("a", 0.6), sponsor("b", 0.4)) == []
    assert told(*(sponsor(name, 1 / 3) for name in "abc")) == []


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [((0, 5), (5, 9), False), ((0, 5), (4, 9), True), ((-9, 0), (-9, 5), False)],
)
def test_only_those_that_run_at_the_same_time_do(first, second, clash) -> None:
    assert bool(told(sponsor("a", 0.6, first), sponsor("b", 0.6, second))) is clash


def test_of_different_targetings_nothing_is_known() -> None:
    tech, culture = ((TECH,), (CULTURE,))
    assert told(sponsor("a", 0.6, targeting=tech), sponsor("b", 0.6, targeting=culture)) == []
    assert told(sponsor("a", 0.6, targeting=tech), sponsor("b", 0.6, targeting=tech)) == [
        ("post-top", 1.2, ("a", "b"))
    ]
    assert told(sponsor("a", 0.6), sponsor("b", 0.6, targeting=culture)) == [
        ("post-top", 1.2, ("a", "b"))
    ]


def test_of_different_hours_nothing_is_known_either() -> None:
    morning, evening = (parse_hours(text) for text in ("08:00-12:00", "18:00-22:00"))
    assert told(sponsor("a", 0.6, hours=morning), sponsor("b", 0.6, hours=evening)) == []
    assert told(sponsor("a", 0.6, hours=morning), sponsor("b", 0.6)) == [
        ("post-top", 1.2, ("a", "b"))
    ]


def test_who_is_not_shown_takes_nothing() -> None:
    assert told(sponsor("a", 0.6), sponsor("b", 0.6, state=State.PAUSED)) == []
    assert told(sponsor("a", 0.6), sponsor("b", 0.6, tier=Tier.STANDARD)) == []
    assert told(sponsor("a", 0.6), sponsor("b", 0.6, goal=None)) == []


def test_each_slot_is_looked_at_by_itself() -> None:
    written = catalog(
        sponsor("a", 0.6, slots=("top",)),
        sponsor("b", 0.6, slots=("side",)),
        sponsor("c", 0.6, slots=("*",)),
        slots=(slot("top"), slot("side")),
    )
    assert [(one.slot, one.campaigns) for one in oversold(written, NOW)] == [
        ("top", ("a", "c")),
        ("side", ("b", "c")),
    ]

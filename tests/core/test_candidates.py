"""Who may be shown in each slot, now and later."""

from __future__ import annotations

from adserver.core.candidates import NOBODY, Candidates, Places, candidates, without_house
from adserver.core.catalog import Device, Flight, OnEmpty, Size, State, Tier
from tests.factories import NOW, ZONE, campaign, catalog, image_creative, slot

HOUSE = slot("home", on_empty=OnEmpty.HOUSE)


def flight(since: float | None, until: float | None) -> Flight:
    return Flight(since, until, ZONE)


def test_those_whose_flight_runs_are_there_now_and_those_to_come_later() -> None:
    found = candidates(
        catalog(
            campaign("always"),
            campaign("running", flight=flight(NOW, NOW + 1)),
            campaign("to-come", flight=flight(NOW + 1, None)),
            campaign("over", flight=flight(None, NOW)),
            campaign("draft", state=State.DRAFT),
            campaign("paused", state=State.PAUSED),
        ),
        NOW,
    )
    assert found == {
        "post-top": Candidates(frozenset({"always", "running"}), frozenset({"to-come"}))
    }
    assert found["post-top"].all == {"always", "running", "to-come"}
    assert NOBODY.all == frozenset()


def test_a_slot_has_those_that_are_booked_and_fit() -> None:
    small = slot("small", sizes={Device.MOBILE: Size(320, 100)})
    written = catalog(
        campaign("named", slots=("post-top",)),
        campaign("fits", creatives=(image_creative(),)),
        slots=(slot(), small),
    )
    found = candidates(written, NOW)
    assert found["post-top"].now == {"named", "fits"}
    assert found["small"].now == frozenset()


def test_house_campaigns_are_where_they_are_shown() -> None:
    written = catalog(campaign("house", tier=Tier.HOUSE), campaign(), slots=(HOUSE, slot()))
    found = candidates(written, NOW)
    assert found["home"].now == {"house", "brulerie"}
    assert found["post-top"].now == {"brulerie"}


def test_places_are_found_once_for_all_who_are_booked_alike() -> None:
    places = Places(catalog(slots=(HOUSE, slot())))
    first = places.of(campaign("a"))
    assert [one.name for one in first] == ["home", "post-top"]
    assert places.of(campaign("b")) is first
    assert [one.name for one in places.of(campaign("c", tier=Tier.HOUSE))] == ["home"]


def test_a_slot_without_a_house_campaign_now_is_told() -> None:
    later = campaign("later", tier=Tier.HOUSE, flight=flight(NOW + 1, None))
    for houses, told in (((later,), {"home"}), ((campaign("h", tier=Tier.HOUSE),), set())):
        written = catalog(campaign(), *houses, slots=(HOUSE, slot()))
        assert without_house(written, candidates(written, NOW)) == told

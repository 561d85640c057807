"""Slots that fall back on house campaigns: every hour of the week has one, or it is said which."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Clause, Device, Flight, OnEmpty, Size, State, Tier
from adserver.core.flights import standing
from adserver.core.hours import parse_hours
from adserver.publishing.findings import Findings, Place
from adserver.publishing.houses import warn_of_empty_houses
from adserver.publishing.weeks import WEEK_SECONDS, gaps, running, said
from tests.factories import ALWAYS, NOW, ZONE, campaign, image, image_creative, slot

PARIS = ZoneInfo(ZONE)
BEGIN = "slot `post-top` has `on_empty: house`, and "


def house(name: str = "house", *hours: str, **changes: object) -> Campaign:
    parts = tuple(part for text in hours for part in parse_hours(text))
    return campaign(name, tier=Tier.HOUSE, hours=parts, **changes)


def at(text: str, zone: str = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def flight(since: str | None = None, until: str | None = None, zone: str = ZONE) -> Flight:
    return Flight(since and at(since, zone), until and at(until, zone), zone)  # type: ignore[arg-type]


def warned(*campaigns: Campaign, now: float | None = NOW, **of_slot: object) -> list[str]:
    findings = Findings("slots.yaml")
    place = slot(**({"on_empty": OnEmpty.HOUSE} | of_slot))
    warn_of_empty_houses([(Place(1, 1), place)], campaigns, ZONE, now, findings)
    return [problem.message.removeprefix(BEGIN) for problem in findings.problems]


def test_one_that_always_runs_is_enough() -> None:
    assert warned(house()) == []
    assert warned(house(), now=None) == []


def test_nobody_at_all() -> None:
    assert warned() == warned(campaign()) == ["no house campaign books it"]


def test_a_slot_that_keeps_its_space_needs_none() -> None:
    assert warned(on_empty=OnEmpty.RESERVE) == []


@pytest.mark.parametrize("now", [NOW, NOW + 100_000, None])
@pytest.mark.parametrize(
    ("hours", "bare"),
    [
        (["mon-fri 00:00-24:00", "sat 00:00-10:00"], "Sat 10:00-Sun 24:00"),
        (["tue-sun 00:00-24:00", "mon 00:00-08:00", "mon 09:30-24:00"], "Mon 08:00-09:30"),
        (["08:00-24:00"], "Mon 00:00-08:00, Tue 00:00-08:00, Wed 00:00-08:00, Thu 00:00-08:00 "
         "and 3 more times"),
        (["mon-sat 00:00-24:00"], "Sun 00:00-24:00"),
        (["mon 12:00-24:00", "tue-sun 00:00-24:00"], "Mon 00:00-12:00"),
        (["mon 12:00-24:00", "tue-sat 00:00-24:00", "sun 00:00-20:00"], "Sun 20:00-Mon 12:00"),
        (["22:00-02:00", "02:00-22:00"], None),
    ],
)  # fmt: skip
def test_hours_without_one_are_said(hours: list[str], bare: str | None, now: float | None) -> None:
    expected = [f"no house campaign runs there: {bare}"] if bare else []
    assert warned(house("house", *hours), now=now) == expected


def test_several_may_share_the_week_in_zones_of_their_own() -> None:
    london = house("a", "07:00-19:00", flight=flight(zone="Europe/London"))
    assert warned(london, house("b", "20:00-08:00")) == []
    assert warned(london, house("b", "20:00-07:00")) == [
        "no house campaign runs there: Mon 07:00-08:00, Tue 07:00-08:00, Wed 07:00-08:00, "
        "Thu 07:00-08:00 and 3 more times"
    ]


def test_the_end_of_the_last_flight_is_said() -> None:
    ends = house(flight=flight(until="2026-12-01"))
    assert warned(ends) == [
        "from Tue 1 Dec 00:00 (Paris) on no house campaign runs there: all week"
    ]
    assert warned(ends, house("next", flight=flight(since="2026-12-01"))) == []
    assert warned(ends, house("late", flight=flight(since="2026-12-03"))) == [
        "from Tue 1 Dec 00:00 (Paris) on no house campaign runs there: Tue 00:00-Wed 24:00"
    ]


def test_what_ends_in_years_is_nobodys_business_yet() -> None:
    assert warned(house(flight=flight(until="2035-12-31"))) == []
    assert warned(house(flight=flight(until="2027-02-10"))) == []
    assert warned(house(flight=flight(until="2027-01-10"))) != []


def test_without_a_date_flights_are_not_asked() -> None:
    assert warned(house(flight=flight(until="2026-01-01")), now=None) == []


def test_who_is_not_ready_does_not_run() -> None:
    idle = [house("a", state=State.DRAFT), house("b", state=State.PAUSED)]
    assert warned(*idle) == ["no house campaign books it"]


def test_targeting_may_leave_somebody_out() -> None:
    picky = house(targeting=(Clause("lang", any=("fr",)),))
    assert warned(picky) == ["no house campaign runs there: all week"]


def test_devices_may_be_shared_out() -> None:
    desktop = house("a", targeting=(Clause("device", any=("Desktop",)),))
    assert warned(desktop) == ["no house campaign runs there on mobile: all week"]
    assert warned(desktop, house("b", targeting=(Clause("device", none=("desktop",)),))) == []


def test_a_picture_has_to_fit_each_screen() -> None:
    banner = house(creatives=(image_creative("a", image(728, 90)),))
    assert warned(banner) == ["no house campaign runs there on mobile: all week"]
    assert warned(banner, sizes={Device.DESKTOP: Size(728, 90)}) == []


def test_the_clocks_of_spring_and_autumn_leave_no_hole() -> None:
    for day in ("2026-10-24", "2027-03-27"):
        assert warned(house("a", "00:00-12:00"), house("b", "12:00-24:00"), now=at(day)) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 24)), min_size=1, max_size=5
    ),
    st.integers(0, 6),
)
def test_gaps_are_exactly_the_hours_in_which_nobody_runs(
    parts: list[tuple[int, int, int]], later: int
) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = [f"{days[day]} {a:02}:00-{b:02}:00" for day, a, b in parts if a < b]
    one = house("a", *hours, flight=ALWAYS)
    if not hours:
        return
    begin = NOW + later * 86_400
    bare = gaps(running(one, begin, begin + WEEK_SECONDS), begin, begin + WEEK_SECONDS)
    for hour in range(7 * 24):
        moment = begin + hour * 3_600 + 60
        inside = any(a <= moment < b for a, b in bare)
        assert inside == (standing(one, moment) is not None)


def test_a_week_is_said_once_where_all_of_it_is_bare() -> None:
    assert said([(NOW, NOW + WEEK_SECONDS)], PARIS) == "all week"

"""Rates: what they must be whatever the numbers, and that campaigns end at their goals by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Pace
from adserver.core.forecast import HOUR_SECONDS, HOURS_A_WEEK, Clock, Forecast, clock
from adserver.core.pacing import (
    AHEAD,
    Booking,
    Outlook,
    Progress,
    Verdict,
    chances,
    choose,
    course,
    day_course,
    expected,
    presents,
    rate,
    scarcity,
)
from benchmarks.pacing_decided import Decided
from benchmarks.pacing_pacers import (
    ByFormula,
    EvenProbability,
    FlatForecast,
    Serving,
    WithoutHistory,
)
from benchmarks.pacing_run import Outcome, Pacer, Run, played, run
from benchmarks.pacing_world import BEGIN, SMALL, World, make_world
from tests.core.flown import utc
from tests.tracing import not_measured

DAY_SECONDS = 86_400
MONDAY = utc("2026-11-02")
NO_CHANGE = Clock((0.0,), (0.0,))
FLAT = Forecast([100.0] * HOURS_A_WEEK, NO_CHANGE)
# Nothing at night, busier by day, half on the weekend.
SHAPED = Forecast(
    [
        (0.0 if hour % 24 < 6 else 10.0 * (hour % 24)) * (0.5 if hour >= 120 else 1.0)
        for hour in range(HOURS_A_WEEK)
    ],
    NO_CHANGE,
)
SLOTS = {"post-top": FLAT, "home-top": SHAPED}


def booking(**changes: object) -> Booking:
    """Ten days of one slot, of which it may have half, 12,000 requests; a third of them bought."""
    plain = Booking("café", 4_000, MONDAY, MONDAY + 10 * DAY_SECONDS, (("post-top", 0.5),))
    return replace(plain, **changes)  # type: ignore[arg-type]


def rate_of(
    one: Booking,
    now: float,
    delivered: int = 0,
    reserved: int = 0,
    today: int = 0,
    slots: dict[str, Forecast] | None = None,
) -> float:
    slots = slots or SLOTS
    day = None
    if one.max_per_day:
        midnight = now - now % DAY_SECONDS
        day = day_course(one, midnight, midnight + DAY_SECONDS, slots)
    progress = Progress(delivered, reserved, today)
    return rate(one, course(one, slots), progress, presents(slots, now), now, day)


def on_course(days: float) -> int:
    """What has been delivered after so many days by whoever runs ahead as planned."""
    return round(min(4_000, 4_000 * AHEAD * days / 10))


LEVELS = st.floats(0.2, 5.0)
CURVES = st.lists(st.floats(0, 1e5), min_size=HOURS_A_WEEK, max_size=HOURS_A_WEEK)
FORECASTS = st.builds(Forecast, CURVES, st.just(NO_CHANGE), LEVELS)
BOOKINGS = st.builds(
    lambda name, goal, since, length, shares, pace, cap: Booking(
        name,
        goal,
        MONDAY + since,
        MONDAY + since + length,
        tuple(zip(("post-top", "home-top"), shares, strict=False)),
        pace,
        cap,
    ),
    name=st.text(max_size=3),
    goal=st.integers(1, 10**7),
    since=st.floats(0, 20 * DAY_SECONDS),
    length=st.floats(1, 60 * DAY_SECONDS),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=2),
    pace=st.sampled_from(Pace),
    cap=st.sampled_from([0, 0, 1, 1_000]),
)
NOWS = st.floats(-DAY_SECONDS, 90 * DAY_SECONDS).map(lambda seconds: MONDAY + seconds)
COUNTS = st.integers(0, 10**7)


@given(BOOKINGS, NOWS, COUNTS, COUNTS, COUNTS, FORECASTS, FORECASTS)
def test_a_rate_is_a_probability(
    one: Booking, now: float, delivered: int, reserved: int, today: int, a: Forecast, b: Forecast
) -> None:
    slots = {"post-top": a, "home-top": b}
    assert 0.0 <= rate_of(one, now, delivered, reserved, today, slots) <= 1.0


@given(BOOKINGS, NOWS, COUNTS, FORECASTS, FORECASTS)
def test_done_is_0_and_so_is_any_time_outside_the_flight(
    one: Booking, now: float, reserved: int, a: Forecast, b: Forecast
) -> None:
    slots = {"post-top": a, "home-top": b}
    # As soon as possible, what is reserved is not done: it may come back.
    reserved = 0 if one.pace is Pace.ASAP else min(reserved, one.goal)
    assert rate_of(one, now, one.goal - reserved, reserved, slots=slots) == 0.0
    if not one.since <= now < one.until:
        assert rate_of(one, now, slots=slots) == 0.0


@given(BOOKINGS, NOWS, COUNTS, COUNTS, st.integers(0, 2_000), FORECASTS, FORECASTS)
def test_more_that_remains_never_lowers_the_rate(
    one: Booking, now: float, some: int, more: int, today: int, a: Forecast, b: Forecast
) -> None:
    slots = {"post-top": a, "home-top": b}
    few, many = sorted((some, more))
    behind = rate_of(one, now, few, today=today, slots=slots)
    assert behind >= rate_of(one, now, many, today=today, slots=slots)
    larger = replace(one, goal=one.goal + more)
    assert rate_of(larger, now, few, slots=slots) >= rate_of(one, now, few, slots=slots)


def test_on_course_it_takes_its_part_of_what_it_may_have() -> None:
    for days in (0.0, 2.5, 7.0):
        steady = rate_of(booking(), MONDAY + days * DAY_SECONDS, on_course(days))
        assert steady == pytest.approx(AHEAD * 4_000 / 12_000, rel=0.01)


def test_behind_it_takes_more_and_ahead_less() -> None:
    now = MONDAY + 5 * DAY_SECONDS
    steady = rate_of(booking(), now, on_course(5))
    assert rate_of(booking(), now, on_course(5) - 200) > 2 * steady
    assert rate_of(booking(), now, on_course(5) + 200) < steady / 2
    assert rate_of(booking(), now, on_course(5) - 200, reserved=200) == steady
    assert rate_of(booking(), now, 3_999) > 0.0


def test_with_minutes_left_it_takes_all_it_may_have() -> None:
    late = booking().until - 300
    assert rate_of(booking(), late, delivered=3_999) == 1.0
    assert rate_of(booking(), late, delivered=1_000) == 1.0


def test_a_short_flight_and_a_campaign_without_traffic_take_what_comes() -> None:
    blitz = booking(goal=40, until=MONDAY + HOUR_SECONDS)
    assert rate_of(blitz, MONDAY) == pytest.approx(0.8 * AHEAD)
    assert rate_of(booking(until=MONDAY + 3_600, goal=900), MONDAY) == 1.0
    nothing = {"post-top": Forecast([0.0] * HOURS_A_WEEK, NO_CHANGE)}
    assert rate_of(booking(), MONDAY, slots=nothing) == 1.0
    assert rate_of(booking(reach=()), MONDAY) == 1.0


def test_a_slump_raises_the_rate_and_a_spike_lowers_it() -> None:
    two_days = booking(until=MONDAY + 2 * DAY_SECONDS, goal=1_000)
    rates = [
        rate_of(two_days, MONDAY, slots={"post-top": FLAT.at_level(level)})
        for level in (0.3, 1.0, 3.0)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[1] > rates[2] > 0
    # Beside the end, only what is left of the flight is scaled.
    end = two_days.until - HOUR_SECONDS * 3
    rates = [
        rate_of(two_days, end, 990, slots={"post-top": FLAT.at_level(level)})
        for level in (0.3, 1.0, 3.0)
    ]
    assert rates == sorted(rates, reverse=True)


def test_asap_takes_all_until_it_is_done() -> None:
    asap = booking(pace=Pace.ASAP)
    assert rate_of(asap, MONDAY, delivered=3_990, reserved=9) == 1.0
    assert rate_of(asap, MONDAY, delivered=3_990, reserved=10) == 1.0, "it may come back"
    assert rate_of(asap, MONDAY, delivered=4_000) == 0.0


def test_a_day_has_the_room_that_its_limit_leaves() -> None:
    noon = MONDAY + DAY_SECONDS / 2
    capped = booking(max_per_day=100)
    assert rate_of(capped, noon, 50, today=100) == 0.0
    assert rate_of(replace(capped, pace=Pace.ASAP), noon, 50, today=100) == 1.0
    assert rate_of(replace(capped, pace=Pace.ASAP), noon, 50, today=99) == 1.0
    # The day's 100 are spread over its 1,200 requests, though the flight is far behind.
    assert rate_of(capped, noon, 50, today=51) < 0.15 < rate_of(booking(), noon, 50)
    assert rate_of(booking(max_per_day=4_000), noon, 200) == rate_of(booking(), noon, 200)


def test_the_first_day_of_a_flight_has_its_limit_from_when_it_begins() -> None:
    late = booking(since=MONDAY + 20 * HOUR_SECONDS, max_per_day=100)
    plan = day_course(late, MONDAY, MONDAY + DAY_SECONDS, SLOTS)
    assert (plan.since, plan.goal, plan.total) == (late.since, 100, pytest.approx(200))


@given(
    st.lists(BOOKINGS, max_size=8, unique_by=lambda one: one.name), st.randoms(), st.floats(0, 1)
)
def test_the_order_of_campaigns_does_not_matter(
    bookings: list[Booking], random: object, draw: float
) -> None:
    now = MONDAY + 10 * DAY_SECONDS
    shuffled = bookings[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert winner(bookings, now, draw) == winner(shuffled, now, draw)


def winner(bookings: Sequence[Booking], now: float, draw: float) -> str | None:
    plans = [course(one, SLOTS) for one in bookings]
    order = sorted(range(len(plans)), key=lambda i: scarcity(plans[i], bookings[i].name))
    chosen = choose(order, [rate_of(one, now) for one in bookings], draw)
    return None if chosen is None else bookings[chosen].name


def test_scarcest_is_who_has_the_fewest_requests_to_choose_from() -> None:
    wide = booking(name="a")
    narrow = booking(name="b", reach=(("post-top", 0.1),))
    again = booking(name="c", reach=(("post-top", 0.1),), goal=1)
    keys = {one.name: scarcity(course(one, SLOTS), one.name) for one in (wide, again, narrow)}
    assert sorted(keys, key=keys.__getitem__) == ["b", "c", "a"]


RATES = st.lists(st.floats(0, 1), max_size=12)


def test_rates_are_added_up_in_order_and_cut_at_1() -> None:
    rates = [0.5, 0.25, 0.75]
    assert choose([2, 0, 1], rates, 0.74) == 2
    assert choose([2, 0, 1], rates, 0.76) == 0
    assert choose([1, 0], rates, 0.76) is None
    assert choose([], rates, 0.0) is None
    assert choose([0], [0.0], 0.0) is None
    assert chances([2, 0, 1], rates) == [0.75, 0.25, 0.0]


@given(RATES, st.floats(0, 1, exclude_max=True))
def test_a_draw_falls_into_the_stretch_of_whom_it_chooses(rates: list[float], draw: float) -> None:
    order = list(range(len(rates)))
    chosen = choose(order, rates, draw)
    ends = [*accumulate(rates)]
    if chosen is None:
        assert not ends or draw >= ends[-1] - 1e-9
    else:
        assert ends[chosen] - rates[chosen] - 1e-9 <= draw <= ends[chosen] + 1e-9
        assert rates[chosen] > 0


@given(RATES)
def test_chances_are_what_many_draws_give(rates: list[float]) -> None:
    order, many = list(range(len(rates))), 2_000
    drawn = [choose(order, rates, (i + 0.5) / many) for i in range(many)]
    for one, chance in zip(order, chances(order, rates), strict=True):
        assert drawn.count(one) / many == pytest.approx(chance, abs=0.0015)


def test_what_is_expected_follows_the_traffic_of_the_slot() -> None:
    by_day = booking(reach=(("home-top", 1.0),), until=MONDAY + 14 * DAY_SECONDS)
    at_six = MONDAY + DAY_SECONDS + 6 * HOUR_SECONDS
    assert outlook(by_day, at_six) == outlook(by_day, MONDAY + DAY_SECONDS)
    assert outlook(by_day, MONDAY + 7 * DAY_SECONDS).expected == 2_000
    assert outlook(by_day, MONDAY + 5 * DAY_SECONDS).expected == pytest.approx(1_667, abs=1)


def test_what_is_expected_is_right_on_days_that_change_the_clock() -> None:
    """Sunday, 25 October 2026 has 25 hours in Paris, and traffic from 02:00 to 03:00 twice."""
    nightly = Forecast(
        [60.0 if hour % 24 == 2 else 0.0 for hour in range(HOURS_A_WEEK)],
        clock("Europe/Paris", utc("2026-10-01"), utc("2026-12-01")),
    )
    three = booking(
        goal=400,
        since=utc("2026-10-23 22:00"),
        until=utc("2026-10-26 23:00"),
        reach=(("post-top", 1.0),),
    )
    wanted = {"2026-10-24 10:00": 100, "2026-10-25 01:00": 200, "2026-10-25 02:00": 300}
    for when, due in wanted.items():
        assert outlook(three, utc(when), slots={"post-top": nightly}).expected == due


def outlook(
    one: Booking,
    now: float,
    delivered: int = 0,
    reserved: int = 0,
    slots: dict[str, Forecast] | None = None,
) -> Outlook:
    slots = slots or SLOTS
    progress = Progress(delivered, reserved)
    return expected(one, course(one, slots), progress, presents(slots, now), now)


@pytest.mark.parametrize(
    ("days", "delivered", "reserved", "due", "verdict"),
    [
        (-1, 0, 0, 0, Verdict.NOT_STARTED),
        (0, 0, 0, 0, Verdict.ON_COURSE),
        (5, 2_000, 0, 2_000, Verdict.ON_COURSE),
        (5, 2_060, 5, 2_000, Verdict.ON_COURSE),
        (5, 1_600, 0, 2_000, Verdict.BEHIND),
        (5, 1_600, 390, 2_000, Verdict.ON_COURSE),
        (5, 2_400, 0, 2_000, Verdict.AHEAD),
        (9, 1_000, 0, 3_600, Verdict.OUT_OF_REACH),
        (9, 4_000, 0, 3_600, Verdict.DELIVERED),
        (11, 3_999, 0, 4_000, Verdict.SHORT),
        (11, 4_000, 0, 4_000, Verdict.DELIVERED),
    ],
)
def test_a_verdict_says_how_it_is_doing(
    days: float, delivered: int, reserved: int, due: int, verdict: Verdict
) -> None:
    now = MONDAY + days * DAY_SECONDS
    assert outlook(booking(), now, delivered, reserved) == (due, verdict)


def test_asap_is_expected_to_have_had_all_there_was() -> None:
    asap = booking(pace=Pace.ASAP)
    assert outlook(asap, MONDAY + DAY_SECONDS, 1_200) == (1_200, Verdict.ON_COURSE)
    assert outlook(asap, MONDAY + 5 * DAY_SECONDS, 3_000).expected == 4_000


def test_without_traffic_nothing_is_expected_before_the_end() -> None:
    quiet = {"post-top": Forecast([0.0] * HOURS_A_WEEK, NO_CHANGE)}
    assert outlook(booking(), MONDAY, slots=quiet) == (0, Verdict.OUT_OF_REACH)


SHORTENED = replace(SMALL, weeks=2, shortest_days=4)


@pytest.fixture(scope="module")
def paced() -> Outcome:
    return weeks_of(Serving)


def weeks_of(pacer: Callable[[World], Pacer]) -> Outcome:
    with not_measured():
        return run(make_world(SHORTENED, 0.7, 1), pacer)


def test_campaigns_of_a_small_publisher_end_at_their_goals(paced: Outcome) -> None:
    assert paced.within(0.02) >= 0.9
    assert paced.undelivered() < 0.01
    assert paced.over() == 0


def test_an_even_probability_does_worse_in_the_same_world(paced: Outcome) -> None:
    control = weeks_of(EvenProbability)
    assert control.within(0.02) < paced.within(0.02) - 0.3
    assert control.undelivered() > paced.undelivered()
    assert control.over() == 0


@pytest.mark.parametrize("knows_less", [FlatForecast, WithoutHistory])
def test_who_knows_less_of_the_traffic_still_gets_there(knows_less: type[ByFormula]) -> None:
    outcome = weeks_of(knows_less)
    assert outcome.within(0.02) >= 0.8
    assert outcome.over() == 0


WEEK = replace(SMALL, weeks=1, shortest_days=2, requests_per_week=20_000)


def test_whole_decisions_choose_what_the_quick_run_chooses() -> None:
    """Through a compiled snapshot, its targeting, its shelves and rooms, to the last impression."""
    world = make_world(WEEK, 0.85, 1)
    with not_measured():
        quick = played(Run(world, Serving(world)))
        whole = played(Decided(world, Serving(world)))
    assert quick.served > 10_000
    assert whole == quick


def test_plans_of_a_catalog_pace_as_the_formulae_of_its_bookings() -> None:
    """What a campaign may have, found out from its targeting and from samples of contexts."""
    with not_measured():
        world = make_world(SMALL, 0.85, 1)
    served, reckoned = Serving(world), ByFormula(world)
    assert served.ranks() == reckoned.ranks()
    for hour in range(0, 7 * 24, 5):
        counts = [booking.goal * hour // 900 for booking in world.bookings]
        nothing = [0] * len(counts)
        now = BEGIN + hour * HOUR_SECONDS + 60
        rates = reckoned.rates(counts, nothing, now)
        assert served.rates(counts, nothing, now) == pytest.approx(rates)

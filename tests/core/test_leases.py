"""What a worker has in hand: never more than it was given, and given back in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.goals import Limits, Unit
from adserver.core.leases import (
    LEASE_SECONDS,
    LEAST_LEASED,
    MOST_LEASED,
    NEAR_PARTS,
    RENEW_SECONDS,
    RETRY_SECONDS,
    Grant,
    Room,
)
from adserver.core.reasons import Reason
from adserver.core.store_clock import StoreClock

NOW = 1_793_610_000.0
GOAL = Limits(Unit.IMPRESSIONS, 1_000_000)
CLICKS = Limits(Unit.CLICKS, 1_000)

# Of each call: how long it is waited for it, its way there, its way back.
CALLS = st.lists(st.tuples(*[st.floats(0, 60)] * 3), max_size=10)


@given(CALLS, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_store_clock_is_never_behind_the_store_and_ahead_by_one_call_at_most(
    calls: list[tuple[float, float, float]], ahead: float, guess: float
) -> None:
    clock, monotonic = StoreClock(guess), 0.0
    for wait, there, back in calls:
        asked = monotonic + wait
        monotonic = asked + there + back
        clock.heard(asked, asked + there + ahead)
        assert clock.at(monotonic) >= monotonic + ahead - 1e-6
    alone = StoreClock(guess)
    for wait, there, _ in calls[:1]:
        alone.heard(wait, wait + there + ahead)
        assert alone.at(max(wait, -ahead)) <= max(wait, -ahead) + ahead + there + 1e-6


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(-1e6, 1e6)), max_size=20))
def test_a_store_clock_does_not_go_back_whatever_the_store_says(
    told: list[tuple[float, float]],
) -> None:
    clock, monotonic, last = StoreClock(NOW), 0.0, 0.0
    assert not clock.told
    for wait, said in told:
        monotonic += wait
        clock.heard(monotonic, NOW + said)
        now = clock.at(monotonic)
        assert now >= last
        assert now >= NOW + said - 1e-6  # of so large a number a float keeps no more
        last = now


@given(CALLS.filter(bool), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 60))
def test_the_stores_first_word_takes_the_place_of_a_guess_that_was_ahead_or_behind(
    calls: list[tuple[float, float, float]], ahead: float, guess: float, before: float
) -> None:
    clock, monotonic, last = StoreClock(NOW + guess), before, 0.0
    clock.at(monotonic)
    assert clock.known(monotonic) == 0
    for wait, there, back in calls:
        asked = monotonic + wait
        monotonic = asked + there + back
        clock.heard(asked, NOW + asked + there + ahead)
        now = clock.at(monotonic)
        assert now == clock.known(monotonic) >= last
        store, longest = NOW + monotonic + ahead, max(there for _, there, _ in calls)
        assert -1e-6 <= now - store <= longest + 1e-6
        last = now


def test_before_the_store_has_spoken_its_clock_is_the_nodes() -> None:
    assert StoreClock(NOW).at(5.0) == NOW + 5.0


def grant(granted: int, until: float = NOW + 600, **changes: object) -> Grant:
    """Of a limit that is far: served for five minutes, confirmed within ten."""
    plain = Grant(granted, int(until), int(until) - 300, 1_000_000, None, 0, 0)
    return plain._replace(**changes)  # type: ignore[arg-type]


def room(granted: int = 0, limits: Limits = GOAL, **changes: object) -> Room:
    """Asked for at NOW, so that nothing else is due."""
    made = Room(7, limits)
    made.ask(NOW)
    made.granted(grant(granted, **changes))
    return made


@dataclass
class Accounts:
    """A room beside which every unit is accounted for."""

    room: Room = field(default_factory=lambda: Room(7, GOAL))
    now: float = NOW
    given: int = 0
    taken: int = 0
    back: int = 0

    @property
    def in_hand(self) -> int:
        return sum(lease.left for lease in self.room.leases)

    def take(self) -> None:
        before, lapsed = self.in_hand, self.lapsed
        until = self.room.take(self.now)
        assert (until > self.now) if until else (self.in_hand == 0)
        self.taken += bool(until)
        self.given -= lapsed
        assert self.in_hand == before - lapsed - bool(until)

    @property
    def lapsed(self) -> int:
        """What stands first and has lapsed: nobody's any more when one is taken."""
        gone = 0
        for lease in self.room.leases:
            if lease.until > self.now:
                break
            gone += lease.left
        return gone

    def ask(self, granted: int, lasts: int, near: int) -> None:
        asked = self.room.ask(self.now)
        assert asked.wanted >= 0
        assert asked.rate >= 0
        assert all(many > 0 for _, many in asked.back)
        assert all(lease.serve_until > self.now for lease in self.room.leases[:1])
        granted = min(granted, asked.wanted)
        self.back += sum(many for _, many in asked.back)
        until = int(self.now) + lasts
        self.room.granted(grant(granted, until, serve_until=until - near))
        self.given += granted

    def leave(self) -> None:
        asked = self.room.leave()
        assert (asked.wanted, self.room.left) == (0, 0)
        self.back += sum(many for _, many in asked.back)

    def balance(self) -> None:
        assert self.room.left == self.in_hand >= 0
        assert self.given == self.taken + self.back + self.in_hand


STEPS = st.one_of(
    st.tuples(st.just("take"), st.integers(1, 12)),
    st.tuples(st.just("ask"), st.integers(0, 20), st.sampled_from([45, 600]), st.integers(0, 40)),
    st.tuples(st.just("wait"), st.floats(0, 700)),
    st.tuples(st.just("leave")),
)


@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_what_is_left_is_what_was_given_less_what_was_taken(steps) -> None:
    accounts = Accounts()
    for what, *told in steps:
        if what == "take":
            for _ in range(told[0]):
                accounts.take()
        elif what == "ask":
            accounts.ask(*told)
        elif what == "wait":
            accounts.now += told[0]
        else:
            accounts.leave()
        accounts.balance()


def test_what_is_leased_first_is_served_first_and_each_says_when_it_lapses() -> None:
    one = room(1, until=NOW + 600)
    one.granted(grant(1, NOW + 605))
    assert [one.take(NOW) for _ in range(3)] == [NOW + 600, NOW + 605, 0]


def test_what_has_lapsed_while_a_worker_stood_still_is_nobodys() -> None:
    one = room(5, until=NOW + 600)
    one.granted(grant(1, NOW + 900))
    assert one.take(NOW + 600) == NOW + 900
    assert one.left == 0


def test_what_is_served_no_more_is_given_back() -> None:
    one = room(LEAST_LEASED, until=NOW + 310)
    one.granted(grant(3, NOW + 315))
    one.take(NOW)
    assert one.due_at == NOW + 10
    assert one.ask(NOW + 10).back == ((int(NOW) + 310, LEAST_LEASED - 1),)
    assert one.left == 3


def test_a_worker_that_leaves_gives_everything_back() -> None:
    one = room(5, until=NOW + 600)
    one.granted(grant(3, NOW + 605))
    assert one.leave().back == ((int(NOW) + 600, 5), (int(NOW) + 605, 3))
    assert one.take(NOW) == 0


def test_little_is_asked_for_at_first_and_then_what_is_served_in_some_seconds() -> None:
    one = room()
    assert one.ask(NOW + 1).wanted == LEAST_LEASED
    now = NOW + 1
    for _ in range(120):
        one.granted(grant(100, now + 600))
        for _ in range(50):
            one.take(now)
        one.leave()
        now += 1
        asked = one.ask(now)
    assert asked.rate == pytest.approx(50, rel=0.01)
    assert asked.wanted == pytest.approx(50 * LEASE_SECONDS, rel=0.02)


def test_what_is_in_hand_is_not_asked_for_again() -> None:
    one = room(5)
    assert one.ask(NOW + 1).wanted == LEAST_LEASED - 5
    one.granted(grant(LEAST_LEASED))
    assert one.ask(NOW + 2).wanted == 0


def test_nobody_leases_without_bounds() -> None:
    one = room(10 * MOST_LEASED)
    for _ in range(10 * MOST_LEASED):
        one.take(NOW)
    assert one.ask(NOW + 1).wanted == MOST_LEASED


@pytest.mark.parametrize(
    ("free", "today", "wanted"),
    [
        (1_000, None, LEAST_LEASED),
        (12, None, 12 // NEAR_PARTS),
        (12, 4, 1),
        (None, 12, 3),
        (1, None, 1),
        (0, None, 1),
    ],
)
def test_near_a_limit_nobody_asks_for_what_others_wait_for(free, today, wanted: int) -> None:
    one = room(free=free, free_today=today)
    assert one.ask(NOW + 1).wanted == wanted


def test_a_campaign_that_was_never_asked_for_is_due() -> None:
    assert Room(7, GOAL).due_at < 0


def test_it_is_asked_again_before_nothing_is_left() -> None:
    one = room(LEAST_LEASED)
    while not one.low:
        assert one.due_at > NOW
        one.take(NOW)
    assert one.left == LEAST_LEASED // 2
    assert one.due_at == NOW


def test_without_need_it_is_asked_now_and_then_how_it_stands() -> None:
    assert room(LEAST_LEASED).due_at == NOW + RENEW_SECONDS
    assert room(1, free=0).due_at == NOW + RENEW_SECONDS, "the last one is in its hand"


def test_where_nothing_is_free_it_is_asked_once_a_second_whether_any_came_back() -> None:
    assert room(free=0, reserved=3).due_at == NOW + RETRY_SECONDS
    assert room(free=0).due_at == NOW + RENEW_SECONDS, "all is counted, and nothing comes back"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"free": 0}, Reason.GOAL_MET),
        ({"free": 0, "free_today": 0}, Reason.GOAL_MET),
        ({"free_today": 0}, Reason.DAY_FULL),
        ({"free": None, "free_today": 0}, Reason.DAY_FULL),
        ({}, Reason.PACED),
    ],
)
def test_where_there_is_no_room_it_says_why(told, reason: Reason) -> None:
    one = room(**told)
    assert one.refuses(0) is reason
    assert one.nothing_free is (reason is not Reason.PACED)


def test_as_many_as_are_left_may_be_served_in_one_call() -> None:
    one = room(2)
    assert [one.refuses(times) for times in range(3)] == [None, None, Reason.PACED]


def test_clicks_are_served_until_the_last_has_its_room() -> None:
    """Serving takes none of it, so a worker without room may well show the ad."""
    one = room(limits=CLICKS)
    assert not one.reserves
    assert one.refuses(3) is None
    one.granted(grant(0, free=0))
    assert one.refuses(0) is Reason.GOAL_MET


def test_a_worker_hears_how_far_all_are() -> None:
    limits = Limits(Unit.IMPRESSIONS, 0, 40)
    one = room(2, limits, free=None, free_today=10, delivered=25, reserved=5, shown=25)
    assert (one.delivered, one.reserved, one.shown, one.today) == (25, 5, 25, 30)
    assert room().today == 0, "nobody counts by the day"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    one = room(1_000)
    for _ in range(100):
        one.take(NOW)
    first = one.ask(NOW + 10).rate
    assert first == pytest.approx(100 / 10 / 2)
    assert one.ask(NOW + 10).rate == first, "no time has passed"
    assert one.ask(NOW + 20).rate == pytest.approx(first / 2)
    assert ceil(first * LEASE_SECONDS) > LEAST_LEASED


CLICKS = Limits(Unit.CLICKS, 10)


def test_the_last_clicks_of_a_goal_are_leased_to_nobody() -> None:
    """Who has some in hand would keep them from whoever is clicked next."""
    room = Room(1, CLICKS)
    assert room.ask(NOW).wanted == 0  # there cannot be more than ten
    room.granted(Grant(0, 0, 0, free=10, free_today=None, delivered=0, reserved=0))
    assert room.ask(NOW + 1).wanted == 0
    assert not room.low
    room.granted(Grant(0, 0, 0, free=10_000, free_today=None, delivered=0, reserved=0))
    assert room.ask(NOW + 2).wanted > 0
    room.granted(Grant(0, 0, 0, free=0, free_today=None, delivered=9, reserved=0))
    assert not room.met
    room.granted(Grant(0, 0, 0, free=0, free_today=None, delivered=10, reserved=0))
    assert room.met


def test_who_waits_for_an_answer_says_that_the_store_is_away_only_if_it_has_asked_again() -> None:
    room = Room(1, Limits(Unit.IMPRESSIONS, 10))
    assert room.refuses(0) is Reason.STORE_UNAVAILABLE
    room.granted(Grant(0, 0, 0, free=5, free_today=None, delivered=5, reserved=0))
    room.ask(NOW)
    assert room.refuses(0) is Reason.PACED
    room.ask(NOW + 1)
    assert room.refuses(0) is Reason.STORE_UNAVAILABLE
    room.granted(Grant(0, 0, 0, free=5, free_today=None, delivered=5, reserved=0))
    assert room.refuses(0) is Reason.PACED

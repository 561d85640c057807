"""When rules by address suspend themselves, and when they come back."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.suspension import LEAST_EVENTS, WINDOW_SECONDS, Sign, Suspension

PROXY, OTHER = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"
FORWARDED = [(PROXY, Sign.FORWARDED)]
DIRECT = [(bytes([198, 51, 100, n]), Sign.NONE) for n in range(100)]


def told(suspension: Suspension, events: list[tuple[bytes, Sign]], now: float = 0.0) -> bool:
    for peer, sign in events:
        suspension.note(peer, sign, now)
    return suspension.suspended


def test_readers_of_their_own_addresses_are_told_apart() -> None:
    assert not told(Suspension(), DIRECT * 10)


def test_a_forgotten_proxy_is_noticed_before_any_limit_by_default() -> None:
    suspension = Suspension()
    assert not told(suspension, FORWARDED * (LEAST_EVENTS - 1))
    assert suspension.note(*FORWARDED[0], 0.0)
    assert (suspension.peer, suspension.sign) == (PROXY, Sign.FORWARDED)


def test_several_forgotten_proxies_are_noticed_as_one_is() -> None:
    suspension = Suspension()
    assert told(suspension, [*FORWARDED, (OTHER, Sign.FORWARDED)] * LEAST_EVENTS)
    assert suspension.peer in (PROXY, OTHER)


def test_the_peer_that_is_named_is_the_one_that_carries_most() -> None:
    suspension = Suspension()
    events = [*FORWARDED * 70, *[(OTHER, Sign.FORWARDED)] * 10, *DIRECT[:20]]
    Random(7).shuffle(events)
    assert told(suspension, events)
    assert suspension.peer == PROXY


def test_a_few_readers_behind_proxies_of_their_own_change_nothing() -> None:
    # Companies' proxies say for whom they forward, too.
    events = [*FORWARDED * 45, *DIRECT[:55]]
    Random(7).shuffle(events)
    assert not told(Suspension(), events * 5)


def test_one_private_address_that_sends_everything_is_no_reader() -> None:
    suspension = Suspension()
    assert told(suspension, [(PROXY, Sign.INSIDE)] * LEAST_EVENTS)
    assert (suspension.peer, suspension.sign) == (PROXY, Sign.INSIDE)


def test_readers_in_a_network_of_their_own_are_told_apart() -> None:
    events = [(bytes([10, 0, 0, n]), Sign.INSIDE) for n in range(100)]
    assert not told(Suspension(), events * 3)


def test_rules_come_back_with_the_traffic_and_not_in_a_quiet_night() -> None:
    suspension = Suspension()
    told(suspension, FORWARDED * LEAST_EVENTS)
    assert told(suspension, DIRECT[: LEAST_EVENTS - 1], WINDOW_SECONDS)
    assert told(suspension, DIRECT[:1], 60 * WINDOW_SECONDS)
    assert not suspension.note(*DIRECT[0], 61 * WINDOW_SECONDS)
    assert suspension.peer == b""


def test_on_a_small_site_a_forgotten_proxy_is_noticed_when_enough_have_come() -> None:
    suspension = Suspension()
    for minute in range(LEAST_EVENTS):
        assert not suspension.suspended
        suspension.note(*FORWARDED[0], minute * WINDOW_SECONDS)
    assert suspension.suspended


def test_they_stay_suspended_while_it_goes_on() -> None:
    suspension = Suspension()
    for window in range(5):
        assert told(suspension, FORWARDED * LEAST_EVENTS, window * WINDOW_SECONDS)


SOME = st.tuples(
    st.sampled_from([PROXY, OTHER, *(peer for peer, _ in DIRECT[:5])]), st.sampled_from(Sign)
)


@given(st.lists(SOME, max_size=300))
def test_whatever_comes_they_suspend_with_more_than_half_and_never_with_less(
    events: list[tuple[bytes, Sign]],
) -> None:
    suspension = Suspension()
    for number, (peer, sign) in enumerate(events, 1):
        before = suspension.suspended
        after = suspension.note(peer, sign, 0.0)
        forwarded = sum(sign is Sign.FORWARDED for _, sign in events[:number])
        inside = [peer for peer, sign in events[:number] if sign is Sign.INSIDE]
        most = max((inside.count(one) for one in set(inside)), default=0)
        if number >= LEAST_EVENTS and forwarded * 2 > number:
            assert after
        if after and not before:
            assert number >= LEAST_EVENTS
            assert forwarded * 2 > number or most * 2 > number


@pytest.mark.parametrize("share", [0.7, 0.9])
def test_a_private_peer_with_most_of_the_traffic_is_found_in_any_order(share: float) -> None:
    many = int(share * 1_000)
    events = [*[(PROXY, Sign.INSIDE)] * many, *DIRECT * 10][:1_000]
    Random(7).shuffle(events)
    suspension = Suspension()
    told(suspension, events)
    suspension.note(*DIRECT[0], WINDOW_SECONDS)
    assert suspension.suspended

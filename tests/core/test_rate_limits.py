"""Limits by address: their names, and what they are by default."""

from __future__ import annotations

import pytest

from adserver.core.events import Kind
from adserver.core.rate_limits import DEFAULTS, RateLimits, read_limits
from adserver.core.sketch import MOST

READERS, PAGES, ADS = 2_000, 10, 3


def test_two_thousand_readers_behind_one_address_stay_below_the_defaults() -> None:
    impressions = READERS * PAGES * ADS
    for kind, share in ((Kind.IMPRESSION, 1), (Kind.VIEWABLE, 1), (Kind.CLICK, 0.01)):
        minute, hour = RateLimits().of(kind, "address")
        assert hour >= impressions * share
        assert minute >= hour / 20


def test_a_network_may_have_more_than_an_address() -> None:
    for kind in Kind:
        for address, network in zip(
            RateLimits().of(kind, "address"), RateLimits().of(kind, "network"), strict=True
        ):
            assert network == 4 * address


def test_what_is_set_replaces_its_default_and_nothing_else() -> None:
    limits = RateLimits(read_limits(" click.address.minute = 5 ,campaigns.address.hour=7,"))
    assert limits.of(Kind.CLICK, "address") == (5, DEFAULTS["click.address.hour"])
    assert limits.campaigns == 7
    assert RateLimits(read_limits("campaigns.address.hour=1")).campaigns == 1
    assert RateLimits(read_limits("")) == RateLimits()


def test_zero_is_no_limit() -> None:
    assert RateLimits(read_limits("click.address.hour=0")).of(Kind.CLICK, "address")[1] == MOST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clicks.address.minute=5", "there is no limit 'clicks.address.minute'"),
        ("click.address.minute", "click.address.minute is ''; expected click.address.minute=60"),
        ("click.address.minute=-1", "a whole number"),
        ("click.address.minute=x", "is 'x'"),
        ("click.address.minute=٣", "a whole number"),
        (f"click.address.minute={MOST + 1}", f"up to {MOST}"),
        (
            "click.address.minute=5,click.address.hour=9,click.address.minute=6",
            "'click.address.minute' is named twice",
        ),
    ],
)
def test_what_is_no_limit_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        read_limits(text)

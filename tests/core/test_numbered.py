"""Permanent numbers without a text for each name: the same as with one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adserver.core.numbered import Numbers, numbers_of
from tests.factories import campaign, catalog, generation, text_creative

TWO = campaign("two", creatives=(text_creative("b"), text_creative("a")))
GENERATION = generation(catalog(TWO, campaign("ten"), campaign("one")))
# Of a creative that is gone, and of one of a campaign whose name begins alike.
PLAIN = {**GENERATION.numbers, "creative/two/gone": 90, "creative/two/0": 80}


def made() -> Numbers:
    return numbers_of(replace(GENERATION, numbers=PLAIN))


def test_they_are_what_was_given() -> None:
    assert made() == PLAIN
    assert dict(made()) == PLAIN
    assert len(made()) == len(PLAIN)


def test_each_campaign_has_its_own_in_the_order_of_its_creatives() -> None:
    names = ("campaign/two", "creative/two/b", "creative/two/a")
    assert made().own["two"] == tuple(PLAIN[name] for name in names)
    assert made().ever("two") == (*made().own["two"], 90, 80)
    known = made()
    assert known.ever("one") is known.own["one"]


@pytest.mark.parametrize(
    "unknown",
    ["campaign/nobody", "creative/nobody/carte", "creative/one/gone", "creative/two/c", "slot/x"],
)
def test_what_has_no_number_has_none(unknown: str) -> None:
    assert unknown not in made()


def test_those_that_were_read_stay_as_they_are() -> None:
    known = made()
    assert numbers_of(replace(GENERATION, numbers=known)) is known


def test_a_campaign_without_a_number_is_found_out_at_once() -> None:
    with pytest.raises(KeyError, match="creative/two/a"):
        Numbers({}).add(TWO, {"campaign/two": 1, "creative/two/b": 1})

"""Goals with their buffers, and limits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adserver.core.catalog import Goal
from adserver.core.events import Kind
from adserver.core.goals import Limits, Unit, limits_of
from tests.factories import campaign

SOLD = Goal(impressions=1_000)


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        ({}, None),
        ({"goal": Goal(share=0.5)}, None),
        ({"goal": SOLD}, Limits(Unit.IMPRESSIONS, 1_000)),
        ({"goal": SOLD, "buffer": Decimal("0.0399")}, Limits(Unit.IMPRESSIONS, 1_039)),
        ({"goal": SOLD, "max_per_day": 40}, Limits(Unit.IMPRESSIONS, 1_000, 40)),
        ({"goal": Goal(clicks=7), "max_per_day": 2}, Limits(Unit.CLICKS, 7, 2)),
        ({"goal": Goal(share=0.5), "max_total": 9}, Limits(Unit.IMPRESSIONS, 9)),
        ({"max_per_day": 3}, Limits(Unit.IMPRESSIONS, 0, 3)),
    ],
)
def test_the_most_that_a_campaign_delivers(written, limits) -> None:
    assert limits_of(campaign("a", **written)) == limits


def test_each_unit_counts_its_event() -> None:
    assert Unit.IMPRESSIONS.kind is Kind.IMPRESSION
    assert Unit.CLICKS.kind is Kind.CLICK

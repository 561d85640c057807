"""What is remembered of a creative when its campaign is gone."""

from __future__ import annotations

from decimal import Decimal

from adserver.core.catalog import Price
from adserver.core.publication import KnownCreative
from tests.factories import ALWAYS, campaign, text_creative


def test_a_creative_is_remembered_with_what_its_campaign_was_paid() -> None:
    price = Price(cpm=Decimal("8.50"))
    sold = campaign("brulerie", price=price, order="BC-1", advertiser="Brûlerie")
    assert KnownCreative.of(sold, text_creative()) == KnownCreative(
        "brulerie", "Brûlerie", text_creative(), ALWAYS, price, "BC-1"
    )

"""What a new price does to what was delivered already."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Catalog, Goal, Price
from adserver.core.events import Metric
from adserver.core.publication import Content, Entry
from adserver.core.renames import Rename
from adserver.publishing.effect import Kind, Weight
from adserver.publishing.recorded import read_records
from adserver.publishing.report import By, Query, report
from tests.factories import NOW, campaign, catalog, row, site
from tests.memory import MemoryStore, store
from tests.publishing.test_effects import flight, found


def counted(impressions: int = 717, clicks: int = 3) -> MemoryStore:
    memory = store()
    memory.counted += [row(Metric.IMPRESSION, impressions), row(Metric.CLICK, clicks)]
    return memory


def told(before: Catalog, after: Catalog, *renamed: Rename, memory: MemoryStore | None = None):
    effects = found(before, after, *renamed, memory=memory or counted())
    return [one for one in effects if one.kind is Kind.REBILLED]


def priced(was: dict[str, str] | None, will: dict[str, str] | None, **changes: Any) -> list[str]:
    before, after = (catalog(sold(terms, **changes)) for terms in (was, will))
    return [one.message for one in told(before, after)]


def sold(terms: dict[str, str] | None, name: str = "brulerie", **changes: Any):
    price = Price(**{key: Decimal(value) for key, value in terms.items()}) if terms else None
    return campaign(name, price=price, **changes)


@pytest.mark.parametrize(
    ("was", "will", "said"),
    [
        (
            {"cpm": "9"},
            {"cpm": "11"},
            "717 impressions already delivered are billed at the new price, too: 6.45 → 7.89 EUR",
        ),
        (
            {"cpc": "1"},
            {"cpc": "0.50"},
            "3 clicks already delivered are billed at the new price, too: 3.00 → 1.50 EUR",
        ),
        (
            {"cpm": "9"},
            {"cpc": "1"},
            "3 clicks already delivered are billed at the new price, too: 6.45 → 3.00 EUR",
        ),
        (
            None,
            {"cpm": "11"},
            "717 impressions already delivered are billed at the new price, too: 0.00 → 7.89 EUR",
        ),
        (
            {"cpm": "9"},
            None,
            "without a price, what is delivered already earns nothing: 6.45 → 0.00 EUR",
        ),
    ],
)
def test_a_new_price_tells_what_it_bills_anew(was, will, said) -> None:
    assert priced(was, will) == [f"brulerie: {said}"]


def test_it_is_a_warning_about_the_campaign() -> None:
    before, after = catalog(sold({"cpm": "9"})), catalog(sold({"cpm": "11"}))
    (effect,) = told(before, after)
    assert (effect.subject, effect.weight) == ("brulerie", Weight.WARNING)


def test_one_impression_is_one() -> None:
    before, after = catalog(sold({"cpm": "9"})), catalog(sold({"cpm": "11"}))
    (effect,) = told(before, after, memory=counted(1))
    assert effect.message.startswith("brulerie: 1 impression already delivered is billed")


@pytest.mark.parametrize(
    ("was", "will", "said"),
    [
        (
            {"flat": "400"},
            {"flat": "500"},
            "the time that is over already is billed at the new flat price, too: "
            "200.00 → 250.00 EUR",
        ),
        (
            {"cpm": "9"},
            {"flat": "500"},
            "the time that is over already is billed at the new flat price, too, instead of what "
            "is delivered: 6.45 → 250.00 EUR",
        ),
        (
            {"flat": "500"},
            {"cpm": "9"},
            "717 impressions already delivered are billed at the new price, too, instead of the "
            "time that is over: 250.00 → 6.45 EUR",
        ),
    ],
)
def test_a_flat_price_is_billed_by_time(was, will, said) -> None:
    assert priced(was, will, flight=flight(-5, 5)) == [f"brulerie: {said}"]


def test_nothing_is_said_where_nothing_was_delivered_or_no_price_changes() -> None:
    before, after = catalog(sold({"cpm": "9"})), catalog(sold({"cpm": "11"}))
    assert told(before, after, memory=store()) == []
    assert told(before, catalog(sold({"cpm": "9"}, weight=2))) == []
    assert told(before, catalog(sold({"cpm": "9.00"}), campaign("other"))) == []


def test_what_is_delivered_beyond_the_goal_is_billed_at_no_price() -> None:
    said = priced({"cpm": "9"}, {"cpm": "11"}, goal=Goal(impressions=100), flight=flight(-5, 5))
    (message,) = said
    assert message.endswith("0.90 → 1.10 EUR")


def test_a_renamed_campaign_has_its_counts_under_the_old_name() -> None:
    before, after = catalog(sold({"cpm": "9"}, "old")), catalog(sold({"cpm": "11"}, "new"))
    (effect,) = told(before, after, Rename("old", "new"))
    assert effect.message.startswith("new: 717 impressions")


def test_one_that_comes_back_with_another_price_is_told_too() -> None:
    memory, rest = counted(), campaign("rest")
    memory.publish(0, catalog(sold({"cpm": "9"}), rest), Content(), Entry("ana"))
    (effect,) = told(catalog(rest), catalog(sold({"cpm": "11"}), rest), memory=memory)
    assert effect.message.endswith("6.45 → 7.89 EUR")
    memory = counted()
    memory.publish(0, catalog(sold({"cpm": "9"}), rest), Content(), Entry("ana"))
    assert told(catalog(rest), catalog(sold({"cpm": "9"}), rest), memory=memory) == []


def test_another_currency_is_told_once_with_all_that_was_earned() -> None:
    before = catalog(sold({"cpm": "9"}))
    (effect,) = told(before, replace(before, site=site(currency="CHF")))
    assert effect.subject == "site"
    assert effect.message == (
        "site: all that was earned already, by ended campaigns too, is told in CHF, and nothing "
        "is converted: 6.45 EUR → 6.45 CHF"
    )
    assert told(before, replace(before, site=site(name="Le Bistrot"))) == []
    free = catalog(campaign())
    assert told(free, replace(free, site=site(currency="CHF"))) == []


CENTS = st.decimals(0, 100, places=2)


@given(st.integers(1, 5_000), CENTS, CENTS, st.integers(1, 5_000))
def test_the_amounts_are_those_of_the_report_before_and_after(there, one, other, goal) -> None:
    memory = counted(there)
    terms = {"goal": Goal(impressions=goal), "flight": flight(-5, 5)}
    before, after = (catalog(campaign(price=Price(cpm=cpm), **terms)) for cpm in (one, other))
    effects = told(before, after, memory=memory)

    def revenue(of: Catalog) -> Decimal:
        records = read_records(memory, of, None, None, NOW)
        return report(records, Query(By.CAMPAIGN, NOW)).total.revenue

    if one == other:
        assert effects == []
    else:
        assert effects[0].message.endswith(f": {revenue(before):,} → {revenue(after):,} EUR")

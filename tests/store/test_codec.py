"""What is stored reads back as it was: the demonstration's catalog and any other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import given

from adserver.core.catalog import Campaign, Clause, Creative, Flight, Price
from adserver.core.publication import KnownCreative
from adserver.core.steps import finish
from adserver.publishing.read import read_folder
from adserver.store.codec import (
    GENERATION,
    KNOWN_CREATIVE,
    LINES_PER_STEP,
    VERSION,
    WHOLE_IN_ONE,
    known_creatives,
    reading,
    write,
)
from tests.factories import campaign, catalog, generation, site
from tests.strategies import CAMPAIGNS, CREATIVES, KEYS, several

DEMO = Path(__file__).parents[2] / "config"


def test_the_catalog_of_the_demonstration_comes_back_as_it_was() -> None:
    written = read_folder(DEMO).catalog
    assert written is not None
    made = generation(written, number=3)
    assert finish(reading(write(made), VERSION)) == made


@given(several(CAMPAIGNS), several(KEYS))
def test_any_generation_comes_back_as_it_was(campaigns, context) -> None:
    made = generation(catalog(campaigns=campaigns, site=site(context=context)))
    assert finish(reading(write(made), VERSION)) == made


def test_a_generation_of_one_line_is_read_as_well() -> None:
    made = generation(catalog(campaign("a"), campaign("b")))
    assert finish(reading(GENERATION.dump_json(made), WHOLE_IN_ONE)) == made


def test_many_campaigns_are_read_in_many_steps() -> None:
    made = generation(catalog(*(campaign(f"c{n}") for n in range(3 * LINES_PER_STEP))))
    assert len(list(reading(write(made), VERSION))) == 3


def test_what_campaigns_have_in_common_is_kept_once_and_as_it_was_written() -> None:
    booked = [
        campaign(name, flight=Flight(1.0, 2.0, "UTC"), price=Price(cpm=Decimal(price)))
        for name, price in (("a", "8.5"), ("b", "8.5"), ("c", "8.50"))
    ]
    a, b, c = finish(reading(write(generation(catalog(*booked))), VERSION)).catalog.campaigns
    assert a.flight is b.flight is c.flight
    assert a.price is b.price
    assert [str(one.price.cpm) for one in (a, b, c)] == ["8.5", "8.5", "8.50"]


def test_equal_wishes_and_weights_are_kept_once_whoever_else_has_others() -> None:
    tech, french = Clause("section", any=("tech",)), Clause("lang", any=("fr",))
    booked = [
        campaign("a", targeting=(tech, french), weight=3.5),
        campaign("b", targeting=(tech,), weight=3.5),
        campaign("c", targeting=(tech, french)),
    ]
    made = generation(catalog(*booked))
    a, b, c = finish(reading(write(made), VERSION)).catalog.campaigns
    assert a.targeting is c.targeting
    assert a.targeting[0] is b.targeting[0]
    assert a.weight is b.weight
    assert a.creatives[0].weight is c.creatives[0].weight
    assert finish(reading(write(made), VERSION)) == made


@given(CAMPAIGNS, CREATIVES)
def test_any_creative_is_remembered_as_it_was(sold: Campaign, creative: Creative) -> None:
    known = KnownCreative.of(sold, creative)
    assert KNOWN_CREATIVE.validate_json(KNOWN_CREATIVE.dump_json(known)) == known


def test_money_stays_exact() -> None:
    known = KnownCreative(
        "a", "b", Creative("c", ""), Flight(None, None, "UTC"), Price(cpm=Decimal("8.10"))
    )
    read = KNOWN_CREATIVE.validate_json(KNOWN_CREATIVE.dump_json(known))
    assert str(read.price.cpm) == "8.10"


def test_every_creative_is_remembered_by_its_number() -> None:
    made = generation()
    assert list(known_creatives(made)) == [made.numbers["creative/brulerie/carte"]]

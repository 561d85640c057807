"""What is stored reads back as it was: the demonstration's catalog and any other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import (
    Campaign,
    Clause,
    ContextKey,
    Creative,
    Flight,
    Frequency,
    Goal,
    Hours,
    Html,
    Image,
    Pace,
    Period,
    Price,
    Size,
    State,
    Text,
    Tier,
)
from adserver.core.ports import KnownCreative
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

DEMO = Path(__file__).parents[2] / "config"
WORDS = st.text(max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.none() | st.decimals(0, 10_000, places=2, allow_nan=False)
SIZES = st.builds(Size, st.integers(1, 4000), st.integers(1, 4000))


def several(of: st.SearchStrategy) -> st.SearchStrategy[tuple]:
    return st.lists(of, max_size=2).map(tuple)


IMAGES = st.builds(Image, WORDS, WORDS, WORDS, SIZES, st.sampled_from([1, 2]))
CREATIVES = st.builds(
    Creative,
    WORDS,
    WORDS,
    FINITE,
    WORDS,
    several(IMAGES),
    st.none() | st.builds(Text, WORDS, WORDS, WORDS),
    st.none() | st.builds(Html, WORDS, WORDS, SIZES, several(WORDS)),
)
COUNTS = st.integers(0, 10**12)
CAMPAIGNS = st.builds(
    Campaign,
    WORDS,
    WORDS,
    st.sampled_from(Tier),
    st.sampled_from(State),
    st.builds(Flight, st.none() | FINITE, st.none() | FINITE, WORDS),
    several(WORDS),
    several(CREATIVES),
    WORDS,
    WORDS,
    several(st.builds(Hours, several(st.integers(0, 6)), st.integers(), st.integers())),
    FINITE,
    st.none() | st.builds(Price, MONEY, MONEY, MONEY),
    several(WORDS),
    targeting=several(st.builds(Clause, WORDS, several(WORDS), several(WORDS), several(WORDS))),
    competes_in=several(WORDS),
    roadblock=st.booleans(),
    frequency=st.none() | st.builds(Frequency, st.integers(1, 9), st.sampled_from(Period)),
    goal=st.none() | st.builds(Goal, st.floats(0.01, 1), st.none() | COUNTS, st.none() | COUNTS),
    buffer=st.decimals(0, 1, places=4),
    max_per_day=COUNTS,
    max_total=COUNTS,
    pacing=st.sampled_from(Pace),
)
KEYS = st.builds(ContextKey, WORDS, several(WORDS), st.booleans())


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

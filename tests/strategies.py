"""Any catalog that there could be, for property tests."""

from __future__ import annotations

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

WORDS = st.text(max_size=12)
# Of campaigns and creatives: `publishing.schema.NAME` lets no slash into them.
NAMES = WORDS.filter(lambda word: "/" not in word)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.none() | st.decimals(0, 10_000, places=2, allow_nan=False)
SIZES = st.builds(Size, st.integers(1, 4000), st.integers(1, 4000))


def several(of: st.SearchStrategy) -> st.SearchStrategy[tuple]:
    return st.lists(of, max_size=2).map(tuple)


IMAGES = st.builds(Image, WORDS, WORDS, WORDS, SIZES, st.sampled_from([1, 2]))
CREATIVES = st.builds(
    Creative,
    NAMES,
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
    NAMES,
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
    renamed_from=WORDS,
)
KEYS = st.builds(ContextKey, WORDS, several(WORDS), st.booleans())

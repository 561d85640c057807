"""Which share of a slot's traffic is whose: as deciding would say, sample by sample."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Clause, Device, Hours, Size
from adserver.core.context import Context
from adserver.core.fit import fitting
from adserver.core.reach import (
    PARTS_A_STEP,
    Part,
    anybody_like,
    forecast_key,
    parts_of,
    shares,
    sharing,
    taker_of,
)
from adserver.core.samples import Sample
from adserver.core.steps import finish
from adserver.core.targeting import ranges_of, unmet
from tests.factories import campaign, image_creative, slot

TOP = slot()
CONTEXTS = [
    Context(
        site=site,
        url=f"https://blog.example/{path}",
        device=device,
        facts=(("country", (country,)), ("lang", ranges_of(lang))) if country else (),
    )
    for site, path, device, country, lang in product(
        ("blog", ""), ("2026/a", "2025/b"), Device, ("fr", "be", ""), ("fr-CA", "en")
    )
]
CLAUSES = st.lists(
    st.sampled_from(
        [
            Clause("url", any=("/2026/*",)),
            Clause("url", none=("*b",)),
            Clause("country", any=("FR", "DE")),
            Clause("country", none=("BE",)),
            Clause("lang", any=("fr",)),
            Clause("lang", all=("fr", "fr-CA")),
            Clause("device", none=("mobile",)),
            Clause("site", any=("blog",)),
        ]
    ),
    max_size=3,
    unique_by=lambda clause: clause.fact,
).map(tuple)
WEIGHTS = st.lists(st.floats(0.5, 1_000), min_size=len(CONTEXTS), max_size=len(CONTEXTS))


@given(st.lists(CLAUSES, min_size=1, max_size=12), WEIGHTS, st.data())
def test_a_share_is_that_of_the_samples_that_targeting_and_room_take(
    targeting: list[tuple[Clause, ...]], weights: list[float], data: st.DataObject
) -> None:
    creatives = ((image_creative(),), campaign().creatives)
    campaigns = [
        campaign(f"c{n}", targeting=clauses, creatives=creatives[data.draw(st.integers(0, 1))])
        for n, clauses in enumerate(targeting)
    ]
    samples = [Sample(*pair) for pair in zip(CONTEXTS, weights, strict=True)]
    parts = parts_of([taker_of(one, TOP) for one in campaigns], samples)
    assert sum(part.share for part in parts) == pytest.approx(1)
    for one, share in zip(campaigns, shares(parts, len(campaigns)), strict=True):
        may = sum(
            weight
            for context, weight in samples
            if unmet(one.targeting, context) is None and fitting(one, TOP, context.device)
        )
        assert share == pytest.approx(may / sum(weights))


def test_without_samples_everybody_is_wanted_and_devices_are_even() -> None:
    wide = slot(sizes={Device.DESKTOP: Size(970, 250), Device.MOBILE: Size(320, 100)})
    banner = campaign(targeting=(Clause("country", any=("FR",)),), creatives=(image_creative(),))
    both = [taker_of(banner, wide), anybody_like((), wide)]
    assert shares(parts_of(both, []), 2) == [0.5, 1.0]
    assert len(parts_of([anybody_like((), wide)], [])) == 1


def test_one_who_is_not_written_yet_has_creatives_for_the_slots_own_rooms() -> None:
    only = slot(sizes={Device.DESKTOP: Size(728, 90)})
    assert anybody_like((), only).devices == set(Device), "with one size, it holds for both"


def test_a_forecast_is_known_by_slot_and_hours_however_they_are_written() -> None:
    morning, evening = Hours((0, 1), 480, 720), Hours((5,), 1_080, 1_440)
    assert forecast_key("post-top", ()) == "post-top"
    one = forecast_key("post-top", (morning, evening))
    assert one == forecast_key("post-top", (evening, morning))
    assert one == "post-top during (0, 1) 480-720; (5,) 1080-1440"


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=PARTS_A_STEP + 10),
    st.dictionaries(st.integers(0, 2), st.floats(0, 1)),
)
def test_sponsors_leave_what_they_do_not_take_of_what_they_may_have(
    parts: list[tuple[float, int]], loads: dict[int, float]
) -> None:
    found = finish(sharing([Part(*part) for part in parts], 3, loads))
    for taker in range(3):
        left = [
            share * max(0.0, 1.0 - sum(load for one, load in loads.items() if may >> one & 1))
            for share, may in parts
            if may >> taker & 1
        ]
        assert found[taker] == pytest.approx(sum(left))


def test_many_parts_are_gone_through_in_small_steps() -> None:
    steps = sharing([Part(0.01, 1)] * (2 * PARTS_A_STEP), 1, {})
    assert sum(1 for _ in steps) == 2

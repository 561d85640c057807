"""The catalog: sizes, kinds of creatives, names that need a number, and slot patterns."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adserver.core.booking import booked_slots, covers
from adserver.core.catalog import Html, Size, names
from tests.factories import campaign, catalog, image_creative, slot, text_creative

# Few letters, so that pieces of a pattern are found, found twice and found overlapping.
NAMES = st.text("ab-", max_size=8)
PATTERNS = st.text("ab-*", max_size=8)


@given(PATTERNS, NAMES)
@example("a*a", "a")
@example("*ab*ab*", "abab")
@example("a*ba*b", "abab")
@example("**", "")
def test_a_pattern_covers_what_a_regular_expression_would(pattern: str, name: str) -> None:
    reference = ".*".join(map(re.escape, pattern.split("*")))
    assert covers(pattern, name) is bool(re.fullmatch(reference, name))


def test_a_name_with_signs_of_regular_expressions_stands_for_itself() -> None:
    assert covers("post.top", "post.top")
    assert not covers("post.top", "post-top")
    assert not covers("[a-z]+", "post")


def test_a_pattern_made_to_be_slow_is_not() -> None:
    started = time.perf_counter()
    assert not covers("*a" * 2_000 + "b", "a" * 20_000)
    assert time.perf_counter() - started < 1.0  # a backtracking matcher would never end


def test_a_campaign_books_each_slot_once_in_the_order_of_the_catalog() -> None:
    slots = (slot("post-top"), slot("home-top"), slot("post-bottom"), slot("footer"))
    booked = booked_slots(campaign(slots=("post-*", "home-top", "post-top", "absent")), slots)
    assert [s.name for s in booked] == ["post-top", "home-top", "post-bottom"]


def test_every_site_slot_campaign_and_creative_needs_a_number() -> None:
    one = campaign("brulerie", creatives=(text_creative("carte"), image_creative("bandeau")))
    assert names(catalog(one, campaign("librairie"))) == [
        "site/blog",
        "slot/post-top",
        "campaign/brulerie",
        "creative/brulerie/carte",
        "creative/brulerie/bandeau",
        "campaign/librairie",
        "creative/librairie/carte",
    ]


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(728, 90, True), (300, 50, True), (729, 90, False), (728, 91, False)],
)
def test_a_size_fits_a_room_that_is_at_least_as_large(width: int, height: int, fits: bool) -> None:
    assert Size(width, height).fits(Size(728, 90)) is fits


def test_a_size_reads_as_people_write_it() -> None:
    assert str(Size(728, 90)) == "728x90"


def test_a_creative_is_an_image_a_text_or_an_html_document() -> None:
    html = Html("d" * 32, "b.html", Size(728, 90))
    assert image_creative().kind == "image"
    assert text_creative().kind == "text"
    assert text_creative(text=None, html=html).kind == "html"

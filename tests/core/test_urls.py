"""Url patterns: whole paths or addresses, one form for both sides, and no slow one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.core.urls import Patterns, in_one_form, matches, path_of

BLOG = "https://blog.example"


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("/2026/*", f"{BLOG}/2026/11/a", True),
        ("/2026/*", f"{BLOG}/x/2026/11", False),
        ("/2026", f"{BLOG}/2026/11", False),
        ("/", BLOG, True),
        ("/*", BLOG, True),
        ("*/recettes/*", f"{BLOG}/fr/recettes/tarte", True),
        (f"{BLOG}/*", f"{BLOG}/a", True),
        ("https://*.example/a", f"{BLOG}/a", True),
        ("https://BLOG.example/A", f"{BLOG}/A", True),
        ("https://blog.example/a", f"{BLOG}/A", False),
        ("/café/*", f"{BLOG}/caf%C3%A9/x", True),
        ("/caf%c3%a9/*", f"{BLOG}/café/x", True),
        ("/a*b*c", f"{BLOG}/a1b2b3c", True),
        ("/a*b*c", f"{BLOG}/a1c", False),
    ],
)
def test_a_pattern_is_the_whole_path_or_address(pattern: str, address: str, expected: bool) -> None:
    assert matches(pattern, address, of_site=True) is expected
    assert Patterns([pattern]).matched(address, of_site=True) == [pattern] * expected


def test_a_path_is_one_of_our_sites_and_an_address_is_anybodys() -> None:
    patterns = Patterns(["/a", "https://*/a"])
    assert patterns.matched("https://elsewhere.example/a", of_site=False) == ["https://*/a"]
    assert sorted(patterns.matched(f"{BLOG}/a", of_site=True)) == ["/a", "https://*/a"]
    assert not matches("/a", "https://elsewhere.example/a", of_site=False)


def test_a_page_that_is_not_known_is_none_of_a_pattern() -> None:
    assert not matches("*", "", of_site=False)
    assert Patterns(["*", "/*"]).matched("", of_site=True) == []


def test_a_path_has_its_own_form_too() -> None:
    assert in_one_form("/É") == "/%C3%89"
    assert path_of("/only/a/path") == "/only/a/path"


PIECES = st.text("/ab*é%", max_size=8)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=12), PIECES)
def test_many_patterns_are_those_that_match_one_by_one(patterns: list[str], path: str) -> None:
    written = ["/" + one for one in patterns] + ["*" + one for one in patterns]
    address = f"{BLOG}/{path}"
    found = Patterns(written).matched(address, of_site=True)
    assert sorted(found) == sorted({one for one in written if matches(one, address, of_site=True)})


def test_stars_upon_stars_are_no_slow_path() -> None:
    patterns = Patterns([f"/{'*a' * n}*b" for n in range(1, 40)] + ["*" * 2_000 + "b"])
    address = f"{BLOG}/{'a' * 2_000}"
    begun = time.perf_counter()
    for n in range(20):
        assert patterns.matched(f"{address}{n}", of_site=True) == []
    assert time.perf_counter() - begun < 2  # a matcher that tries all ways would never end

"""The history at a glance, and what of it can be gone back to."""

from __future__ import annotations

import pytest

from adserver.core.errors import ContentGone, NoSuchName
from adserver.publishing.history import kept, last, tally
from tests.factories import campaign, catalog, store


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        ("", ""),
        ("+ a\n+ b\n~ c\n- d", "+2 ~1 -1"),
        ("* site: name\n* slots\n~ c: weight", "~1 *site *slots"),
        ("> new (was old)\n    price: cpm 1 → 2\n~ c\n    slots: + side", "~1 >1"),
        ("+ a\n    - not one that ended", "+1"),
        ("+ a\n\n+ b", "+2"),
    ],
)
def test_a_diff_is_counted_by_what_its_lines_begin_with(diff: str, told: str) -> None:
    assert tally(diff) == told


def test_a_generation_with_its_content_is_found() -> None:
    memory = store(catalog(campaign("a")), catalog(campaign("b")))
    generation, published = kept(memory, 1)
    assert (generation.number, published.number) == (1, 1)
    assert last(memory) == "2"


def test_one_that_never_was_is_told_with_the_last_one() -> None:
    with pytest.raises(NoSuchName) as refused:
        kept(store(catalog()), 7)
    assert refused.value.hint == "1"
    with pytest.raises(NoSuchName) as refused:
        kept(store(), 7)
    assert refused.value.hint is None


def test_of_one_whose_content_is_gone_that_is_said() -> None:
    memory = store(catalog(), catalog())
    memory.forget(1)
    with pytest.raises(ContentGone, match="generation 1: its content is no longer kept"):
        kept(memory, 1)

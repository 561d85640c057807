"""The history at a glance, and what of it can be gone back to."""

from __future__ import annotations

import pytest

from adserver.core.errors import ContentGone, NoSuchName
from adserver.core.publication import Entry
from adserver.publishing.history import MAX_COMMIT, MAX_MESSAGE, kept, last, readable, tally
from tests.factories import campaign, catalog
from tests.memory import store


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


def test_what_is_recorded_obeys_no_terminal_and_has_an_end() -> None:
    entry = Entry("ana\x1b[2J\n@desk", "one\n\ttwo\x07\u202e" + "x" * 2_000, "+ a", "4fd3" * 99)
    found = readable(entry)
    assert found.author == "ana\ufffd[2J\ufffd@desk"
    assert found.message.startswith("one\n\ttwo\ufffd\ufffdx")
    assert len(found.message) == MAX_MESSAGE
    assert found.message.endswith("x…")
    assert (len(found.commit), found.diff) == (MAX_COMMIT, "+ a")
    plain = Entry(
        "Ana Löpez@desk", "l'été\u00a0! \U0001f469\u200d\U0001f4bb", "+ a", "4fd3+", "rollback", 3
    )
    assert readable(plain) == plain

"""Texts that are drawn alike have one skeleton; others have not."""

from __future__ import annotations

import pytest

from adserver.publishing.alphabets import mixes_scripts, skeleton
from adserver.publishing.lookalikes import twins


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Port", "Роrt"),
        ("PARIS", "РАRІЅ"),
        ("Alpha", "Αlphа"),
        ("cafe\u0301", "café"),
        ("ｗｉｄｅ", "wide"),
        ("a\u200bb", "ab"),
        ("L’Embellie", "L'Embellie"),
        ("two  words", "two words"),
        ("Studio 10", "Studio lO"),
        ("ﬁn", "fin"),
    ],
)
def test_what_is_drawn_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("pêche", "péché"), ("thé", "the"), ("Port", "Fort"), ("ab", "a b"), ("Москва", "Париж")],
)
def test_what_is_drawn_otherwise_has_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("label", ["pаypal", "αpple", "кot", "日本кот"])
def test_scripts_that_nobody_writes_together(label: str) -> None:
    assert mixes_scripts(label)


@pytest.mark.parametrize(
    "label", ["bücher", "кот", "日本語", "東京タワー", "abc日本", "서울-2", "brûlerie", "123", ""]
)
def test_scripts_that_are_written_together(label: str) -> None:
    assert not mixes_scripts(label)


def test_values_that_read_alike_are_named_with_the_first() -> None:
    assert twins(["tech", "culture", "tеch", "TECH"]) == [("tеch", "tech")]

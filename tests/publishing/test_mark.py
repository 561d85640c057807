"""What a folder remembers of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.publishing.mark import Mark, has_moved, read_mark, write_mark

SEEN = Mark("store-a", "adserver", 7, 700.0)


def test_a_folder_remembers_what_was_written(tmp_path: Path) -> None:
    write_mark(tmp_path, SEEN)
    assert read_mark(tmp_path) == SEEN
    assert (tmp_path / ".adserver" / ".gitignore").read_text("ascii") == "*\n"


@pytest.mark.parametrize(
    ("now", "seen"),
    [
        (Mark("store-a", "adserver", 7, 700.0), None),
        (Mark("store-a", "adserver", 8, 800.0), 7),
        # The store was emptied, or lost its last generation, and nobody has applied since.
        (Mark("store-a", "adserver", 0), None),
        (Mark("store-a", "adserver", 6, 600.0), None),
        # Somebody has.
        (Mark("store-a", "adserver", 6, 800.0), 7),
        (Mark("store-a", "adserver", 7, 800.0), 7),
        (Mark("store-b", "adserver", 8, 800.0), None),
        (Mark("store-a", "another", 8, 800.0), None),
    ],
)
def test_only_the_same_store_can_have_moved(tmp_path: Path, now: Mark, seen: int | None) -> None:
    write_mark(tmp_path, SEEN)
    assert has_moved(tmp_path, now) == seen


def test_a_folder_without_a_mark_is_asked_nothing(tmp_path: Path) -> None:
    assert read_mark(tmp_path) is None
    assert has_moved(tmp_path, SEEN) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"store": "a"}', '{"store": "a", "namespace": "b", "generation": "7"}']
)
def test_what_is_no_mark_says_nothing(tmp_path: Path, text: str) -> None:
    write_mark(tmp_path, SEEN)
    (tmp_path / ".adserver" / "live.json").write_text(text, encoding="utf-8")
    assert read_mark(tmp_path) is None


def test_a_folder_that_cannot_be_written_to_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / ".adserver").write_text("in the way", encoding="utf-8")
    write_mark(tmp_path, SEEN)
    assert read_mark(tmp_path) is None


def test_no_folder_is_made_for_it(tmp_path: Path) -> None:
    write_mark(tmp_path / "nowhere", SEEN)
    assert not (tmp_path / "nowhere").exists()

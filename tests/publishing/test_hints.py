"""Whoever is refused is told what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.publishing.read import read_folder
from adserver.publishing.suggest import did_you_mean
from tests.publishing.bad_recipes import put
from tests.publishing.campaign_folder import make_folder

YEARS = "years are 2000 to 2100"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("key-homoglyph", "did you mean `tier`? `і` in it is a Cyrillic letter (U+0456)"),
        ("tier-homoglyph", "did you mean `remnant`? `е` in it is a Cyrillic letter (U+0435)"),
        ("slot-homoglyph", "did you mean `home-top`? `о` in it is a Cyrillic letter (U+043E)"),
        ("id-homoglyph", "`е` in it is a Cyrillic letter (U+0435); letters A-Z and a-z"),
        ("yaml-no-break-space", "write a plain space instead"),
        ("language-name", "write fr"),
        ("flight-year-1999", YEARS),
        ("goal-of-two-units", "keep one: it is what is bought"),
        ("image-folder", "name a file of it: images/…"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(name: str, hint: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    put(name, folder)
    problems = [p for p in read_folder(folder).problems if p.file.endswith(f"{name}.yaml")]
    assert problems[0].hint.startswith(hint)


def test_a_file_name_and_a_folder_are_said_to_be_what_they_are(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    good = (folder / "campaigns" / "house.yaml").read_bytes()
    (folder / "campaigns" / "mаd.yaml").write_bytes(good)
    (folder / "campaigns" / "HOUSE.yaml").write_bytes(good)
    (folder / "campaigns" / "dir.yaml").mkdir()
    found = {p.code: p for p in read_folder(folder).problems}
    assert found["bad_name"].hint.startswith("`а` in it is a Cyrillic letter (U+0430)")
    assert "it is a folder" in found["stray_file"].message
    hint = "give `house` or `HOUSE` another name: capitals alone do not make one"
    assert found["duplicate_name"].hint == hint
    (folder / "campaigns" / "HOUSE.yml").write_bytes(good)
    hints = {p.hint for p in read_folder(folder).problems if p.code == "duplicate_name"}
    assert hints == {hint, "keep one of the two"}


def test_what_is_said_otherwise_is_not_taken_for_what_is_written_alike() -> None:
    periods = ("hour", "day", "week")
    assert did_you_mean("jour", periods) == "did you mean `day`?"
    assert did_you_mean("hours", periods) == "did you mean `hour`?"
    assert did_you_mean("café", periods) == ""

"""Every bad file, in an otherwise good folder, is refused in exactly these words."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.publishing.read import read_folder
from tests.publishing.bad_recipes import KEPT, NAMES, expected_of, put, refused
from tests.publishing.campaign_folder import DATA, make_folder, told


def test_there_are_enough_bad_files() -> None:
    assert len(KEPT) >= 80
    assert sorted(path.stem for path in (DATA / "bad").glob("*.expected")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_file_is_told_where_and_what(name: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    put(name, folder)
    reading = read_folder(folder)
    assert told(reading, folder, about=f"campaigns/{name}.yaml") == expected_of(name)
    if refused(name):
        assert reading.catalog is None
        assert reading.broken == {name}
        assert reading.partial is not None
        assert len(reading.partial.campaigns) == 2


@pytest.mark.parametrize("country", ["[NO]", "[no]", '["NO"]', "{any: [No]}"])
def test_norway_is_a_country(country: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    text = (DATA / "good" / "campaigns" / "house.yaml").read_text("utf-8")
    path = folder / "campaigns" / "norge.yaml"
    path.write_text(f"{text}targeting: {{country: {country}}}\n", "utf-8")
    reading = read_folder(folder)
    assert reading.catalog is not None, reading.problems
    (norge,) = (c for c in reading.catalog.campaigns if c.name == "norge")
    (clause,) = norge.targeting
    assert [value.upper() for value in clause.any] == ["NO"]


def test_words_of_older_yaml_are_words(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    text = (DATA / "good" / "campaigns" / "house.yaml").read_text("utf-8")
    more = "order: 0042\nadvertiser: on\ntargeting: {tags: [yes, off, 12:30, 0o17, ~x]}\n"
    (folder / "campaigns" / "words.yaml").write_text(text + more, "utf-8")
    reading = read_folder(folder)
    assert reading.catalog is not None, reading.problems
    (words,) = (c for c in reading.catalog.campaigns if c.name == "words")
    assert (words.order, words.advertiser) == ("0042", "on")
    assert words.targeting[0].any == ("yes", "off", "12:30", "0o17", "~x")

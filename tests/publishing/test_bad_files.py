"""Every file of tests/data/bad, in an otherwise good folder, is refused in exactly these words."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.publishing.read import read_folder
from tests.publishing.campaign_folder import DATA, make_folder, told

BAD = sorted((DATA / "bad").glob("*.yaml"))


def test_there_are_enough_bad_files() -> None:
    assert len(BAD) >= 45


@pytest.mark.parametrize("bad", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_told_where_and_what(bad: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "campaigns" / bad.name).write_bytes(bad.read_bytes())
    reading = read_folder(folder)
    expected = bad.with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    assert told(reading, folder, about=f"campaigns/{bad.name}") == expected
    if any(" error: " in line for line in expected):
        assert reading.catalog is None
        assert reading.broken == {bad.stem}
        assert reading.partial is not None
        assert len(reading.partial.campaigns) == 2

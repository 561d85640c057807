"""Files of the folder are found by what their names read, and never twice."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from adserver.publishing.findings import Complaint
from adserver.publishing.folder import Folder

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
LARGEST = 100


def put(root: Path, name: str, data: bytes = b"x") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("written", [NFC, NFD])
@pytest.mark.parametrize("on_disk", [NFC, NFD])
def test_an_accent_may_be_written_in_two_ways(tmp_path: Path, written: str, on_disk: str) -> None:
    put(tmp_path, f"{on_disk}/{on_disk}.png")
    assert Folder(tmp_path).read(f"{written}/{written}.png", LARGEST) == b"x"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, f"images/{NFC}.png", b"a")
    put(tmp_path, f"images/{NFD}.png", b"b")
    found = Folder(tmp_path).read(f"images/{NFC}.png", LARGEST)
    assert isinstance(found, Complaint)
    assert (found.code, found.message) == ("twin_files", "2 files are called `images/café.png`")


def test_a_name_in_another_form_may_be_no_way_out(tmp_path: Path) -> None:
    put(tmp_path, "secret.png")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / f"{NFD}.png").symlink_to(tmp_path / "secret.png")
    found = Folder(tmp_path / "config").read(f"{NFC}.png", LARGEST)
    assert isinstance(found, Complaint)
    assert found.code == "outside_folder"


def test_a_missing_file_with_accents_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "images/cafe.png")
    found = Folder(tmp_path).read("images/café.png", LARGEST)
    assert isinstance(found, Complaint)
    assert (found.code, found.hint) == ("no_such_file", "did you mean `cafe.png`?")
    assert isinstance(Folder(tmp_path).read("nowhere/é.png", LARGEST), Complaint)


def test_other_letters_are_other_names(tmp_path: Path) -> None:
    put(tmp_path, "cаfe.png", b"cyrillic")
    put(tmp_path, "cafe.png", b"latin")
    assert Folder(tmp_path).read("cafe.png", LARGEST) == b"latin"
    assert Folder(tmp_path).read("cаfe.png", LARGEST) == b"cyrillic"

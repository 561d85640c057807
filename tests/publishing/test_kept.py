"""Pictures are not held but read again, and are then still what was checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.assets import Asset, digest_of
from adserver.core.errors import CatalogError
from adserver.publishing.kept import Kept
from adserver.publishing.read import read_folder
from tests.publishing.campaign_folder import draw, make_folder

PNG = "image/png"


@pytest.fixture
def kept() -> Kept:
    return Kept()


def remember(kept: Kept, path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return kept.remember(data, PNG, str(path), f"config/{path.name}")


def test_what_is_held_needs_no_file(kept: Kept) -> None:
    digest = kept.hold(b"<p>", "text/html")
    assert kept[digest] == Asset(b"<p>", "text/html")


def test_what_is_remembered_is_read_when_it_is_asked_for(kept: Kept, tmp_path: Path) -> None:
    digest = remember(kept, tmp_path / "a.png", b"one")
    assert digest == digest_of(b"one")
    assert kept[digest] == Asset(b"one", PNG)


@pytest.mark.parametrize("gone", [True, False])
def test_a_picture_that_has_changed_is_not_published(
    kept: Kept, tmp_path: Path, gone: bool
) -> None:
    digest = remember(kept, tmp_path / "a.png", b"one")
    if gone:
        (tmp_path / "a.png").unlink()
    else:
        (tmp_path / "a.png").write_bytes(b"two")
    with pytest.raises(CatalogError) as error:
        kept[digest]
    (problem,) = error.value.problems
    assert (problem.file, problem.code) == ("config/a.png", "changed_file")


def test_it_is_a_mapping(kept: Kept, tmp_path: Path) -> None:
    held = kept.hold(b"both", "text/html")
    remember(kept, tmp_path / "same.png", b"both")
    other = remember(kept, tmp_path / "b.png", b"b")
    assert list(kept) == [held, other]
    assert len(kept) == 2
    assert held in kept
    assert "nothing" not in kept
    assert kept.get("nothing") is None
    assert dict(kept.only({other})) == {other: Asset(b"b", PNG)}
    assert kept.only({other}).sizes == {other: 1}


def test_a_folder_of_pictures_is_not_held(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    reading = read_folder(folder)
    picture = folder / "images" / "b-320x100.png"
    digest = digest_of(picture.read_bytes())
    assert digest in reading.assets
    picture.write_bytes(draw(320, 101))
    with pytest.raises(CatalogError):
        reading.assets[digest]

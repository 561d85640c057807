"""The file in which a node remembers a store: one a store and namespace, whole, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.errors import SettingsError
from adserver.core.nodes import KnownKey
from adserver.wiring.identity import Mark, Remembered, new_identity

URL = "redis://:hush@store.example:6379/0"
KNOWN = (KnownKey("0123456789abcdef", 1_793_610_000.5, "ana@desk"),)


def test_what_was_written_is_remembered(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "state", URL, "blog")
    assert mark.read() is None
    mark.write(Remembered("first", ()))
    mark.write(Remembered("second", KNOWN))
    assert mark.read() == Remembered("second", KNOWN)
    assert [path.name for path in mark.path.parent.iterdir()] == [mark.path.name]
    assert mark.path.stat().st_mode & 0o077 == 0


def test_another_store_or_namespace_is_another_mark(tmp_path: Path) -> None:
    places = [
        (URL, "blog"),
        (URL, "revue"),
        ("redis://store.example:6379/1", "blog"),
        ("redis://other.example:6379/0", "blog"),
        ("unix:///run/store.sock", "blog"),
        ("redis+cluster://a:1,b:2", "blog"),
    ]
    paths = {Mark(tmp_path, url, namespace).path for url, namespace in places}
    assert len(paths) == len(places)


@pytest.mark.parametrize(
    "url", ["redis://store.example:6379/0", "redis://u:other@store.example:6379/0"]
)
def test_a_store_stays_the_same_with_another_password_which_is_not_written(
    tmp_path: Path, url: str
) -> None:
    mark = Mark(tmp_path, URL, "blog")
    mark.write(Remembered("one", KNOWN))
    assert Mark(tmp_path, url, "blog").read() == Remembered("one", KNOWN)
    assert "hush" not in mark.path.read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"identity": "x", "known": [{"a": 1}]}'])
def test_a_damaged_mark_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    mark = Mark(tmp_path, URL, "blog")
    mark.write(Remembered("one", ()))
    mark.path.write_text(text)
    with pytest.raises(SettingsError, match=r"cannot be read from .*\.store.* backup"):
        mark.read()


def test_a_state_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(SettingsError, match=r"cannot write .* ADSERVER_STATE must be a folder"):
        Mark(tmp_path / "state", URL, "blog").write(Remembered("one", ()))


def test_an_identity_is_made_at_random() -> None:
    assert new_identity() != new_identity()

"""Files of a node that somebody else could have written are not believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adserver import logs
from adserver.core.errors import SettingsError
from adserver.settings import Settings
from adserver.wiring.node import serve
from adserver.wiring.owners import check_state
from adserver.wiring.secret_keys import admin_token, kept_keys, read_private, signing_keys

KEY = "FuzoZ13rE8TQq2yGvKgYlM0sWbJc9nXd"
NOBODY = 65_534
STORE = "0123456789abcdef"

Give = Callable[[Path], None]


@pytest.fixture
def to_somebody_else(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Gives a file to another user; who is not root becomes another user instead."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
            monkeypatch.setattr(os, "getegid", lambda: NOBODY)
            monkeypatch.setattr(os, "getgroups", list)

    return give


def planted(state: Path, mode: int = 0o600) -> Path:
    state.mkdir(exist_ok=True)
    path = state / "secret.key"
    path.write_text(f"{KEY}\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_key_that_somebody_else_has_put_there_is_refused(
    tmp_path: Path, to_somebody_else: Give, mode: int
) -> None:
    path, settings = planted(tmp_path, mode), Settings(state=tmp_path)
    assert signing_keys(settings) == [KEY.encode()], "control: ours is taken"
    to_somebody_else(path)
    for read in (signing_keys, kept_keys):
        with pytest.raises(SettingsError, match=r"belongs to user .* chown") as refused:
            read(settings)
        assert KEY not in str(refused.value)


def test_a_secret_that_was_named_may_be_lent_by_its_owner_to_our_group(
    tmp_path: Path, to_somebody_else: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the containers of docker-compose.yml read files of whoever has made them."""
    path = planted(tmp_path)
    assert admin_token(path) == KEY
    to_somebody_else(path)
    with pytest.raises(SettingsError, match="belongs to user"):
        admin_token(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="belongs to user"):
        read_private(path)
    monkeypatch.setattr(os, "getgroups", lambda: [path.stat().st_gid])
    assert read_private(path) == KEY
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="belongs to user"):
        read_private(path)


def state_with_journals(folder: Path) -> Path:
    state = folder / "state"
    (state / "journal" / STORE).mkdir(parents=True)
    (state / "journal" / f"{STORE}.store").write_text("{}")
    return state


@pytest.mark.parametrize(
    "what", ["", "journal", f"journal/{STORE}", f"journal/{STORE}.store"], ids=str
)
def test_a_folder_or_a_journal_of_somebody_else_is_refused(
    tmp_path: Path, to_somebody_else: Give, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "set_up", lambda _: None)  # it is for the whole process
    state = state_with_journals(tmp_path)
    check_state(state)
    to_somebody_else(state / what)
    with pytest.raises(SettingsError, match=r"belongs to user .* expected this user"):
        check_state(state)
    with pytest.raises(SettingsError, match="belongs to user"):
        serve(Settings(state=state, secret_key=KEY), lambda _: None)  # type: ignore[arg-type]


def test_a_link_that_somebody_else_has_made_is_refused(
    tmp_path: Path, to_somebody_else: Give
) -> None:
    state, own = tmp_path / "state", tmp_path / "own"
    state.mkdir()
    own.mkdir()
    (state / "journal").symlink_to(own)
    check_state(state)
    to_somebody_else(state / "journal")
    with pytest.raises(SettingsError, match="belongs to user"):
        check_state(state)


def test_a_folder_of_root_that_everybody_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as /tmp, where anybody may be there first."""
    check_state(Path("/tmp/a-folder-that-is-not-there-yet"))
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    with pytest.raises(SettingsError, match=r"everybody may write to /tmp.*Name one in it"):
        check_state(Path("/tmp"))


def test_what_is_not_there_is_nobodys(tmp_path: Path) -> None:
    check_state(tmp_path / "none")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be read"):
        check_state(tmp_path / "file")

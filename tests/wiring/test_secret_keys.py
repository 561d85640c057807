"""Signing keys: given, read from a file, or made once and kept; never weak and never shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adserver.core.errors import SettingsError
from adserver.core.secret_strength import MIN_SECRET_BYTES
from adserver.settings import Settings
from adserver.wiring.secret_keys import admin_token, read_private, signing_keys

GOOD, OTHER = "FuzoZ13rE8TQq2yGvKgYlM0sWbJc9nXd", "a key that these tests alone know of"
SHORT = GOOD[1:]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def keys(state: Path, **given: Any) -> list[bytes]:
    return signing_keys(Settings(state=state, **given))


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_is_made_once_and_used_again(state: Path) -> None:
    [first] = keys(state)
    assert keys(state) == [first]
    assert len(first) >= MIN_SECRET_BYTES
    assert (state / "secret.key").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o077 == 0


def test_two_servers_make_two_keys(tmp_path: Path) -> None:
    assert keys(tmp_path / "a") != keys(tmp_path / "b")


def test_keys_of_the_environment_are_used_and_none_is_made(state: Path) -> None:
    assert keys(state, secret_key=SecretStr(f"{GOOD}, {OTHER}")) == [GOOD.encode(), OTHER.encode()]
    assert not state.exists()


def test_the_first_line_of_a_file_signs_and_blank_ones_do_not_matter(
    tmp_path: Path, state: Path
) -> None:
    path = written(tmp_path, f"\n  {GOOD}\n\n{OTHER}  \n")
    assert keys(state, secret_key_file=path) == [GOOD.encode(), OTHER.encode()]


@pytest.mark.parametrize("text", [SHORT, f"{GOOD}\n{SHORT}"])
def test_a_short_key_is_refused_with_how_to_make_a_good_one(
    tmp_path: Path, state: Path, text: str
) -> None:
    with pytest.raises(SettingsError, match="fewer than 32 characters; make one with") as refused:
        keys(state, secret_key_file=written(tmp_path, text))
    assert SHORT not in str(refused.value), "a secret is never shown"
    with pytest.raises(SettingsError, match="ADSERVER_SECRET_KEY has a signing key that has"):
        keys(state, secret_key=SecretStr(text))


@pytest.mark.parametrize("weak", ["g" * 48, "changeme" * 6, "changeme-before-you-go-live-0123"])
def test_a_key_that_can_be_guessed_is_refused_unseen(
    state: Path, tmp_path: Path, weak: str
) -> None:
    file = written(tmp_path, weak)
    refusals = []
    for refused in (
        lambda: keys(state, secret_key=SecretStr(f"{GOOD},{weak}")),
        lambda: keys(state, secret_key_file=file),
        lambda: admin_token(file),
    ):
        with pytest.raises(SettingsError, match="make one with") as error:
            refused()
        refusals.append(str(error.value))
    assert refusals[0].startswith("ADSERVER_SECRET_KEY has a signing key that ")
    assert refusals[2].startswith(f"{file} has an admin token that ")
    assert weak not in "".join(refusals)
    assert admin_token(written(tmp_path, f"{GOOD}\n")) == GOOD


def test_a_file_without_a_key_is_refused(tmp_path: Path, state: Path) -> None:
    with pytest.raises(SettingsError, match="has no signing key"):
        keys(state, secret_key_file=written(tmp_path, "\n\n"))


@pytest.mark.parametrize("mode", [0o644, 0o604])
def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match=r"everybody may read .* run: chmod 600"):
        read_private(written(tmp_path, GOOD, mode))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o660])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match=r"others may write .* run: chmod 600"):
        read_private(written(tmp_path, GOOD, mode))


def test_a_file_that_its_group_may_read_is_how_containers_mount_secrets(tmp_path: Path) -> None:
    assert read_private(written(tmp_path, f"{GOOD}\n", 0o440)) == GOOD


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_private(tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff" * 40)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_private(tmp_path / "binary")


def test_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    endless, pipe, long = tmp_path / "endless", tmp_path / "pipe", tmp_path / "long"
    endless.symlink_to("/dev/zero")
    os.mkfifo(pipe, 0o600)
    long.write_bytes(b"a" * 65_537)
    for path, why in ((endless, "regular"), (pipe, "regular"), (long, "64 KiB")):
        with pytest.raises(SettingsError, match=why):
            read_private(path)


def test_a_folder_in_which_no_key_can_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="Not a directory"):
        keys(tmp_path / "file")
    with pytest.raises(SettingsError, match=r"cannot make the signing key .*name too long"):
        keys(tmp_path / ("x" * 300))

"""Whose files they are that a node believes: its own user's or root's.

Whoever else could write them would give it a signing key of theirs, or events that never were.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from adserver.core.errors import SettingsError
from adserver.wiring.identity import JOURNALS

ROOT = 0


def is_ours(found: os.stat_result) -> bool:
    return found.st_uid in (ROOT, os.geteuid())


def was_given_to_us(found: os.stat_result) -> bool:
    """Ours, or lent by its owner to a group that we are in, as containers are given secrets."""
    groups = (os.getegid(), *os.getgroups())
    return is_ours(found) or (bool(found.st_mode & stat.S_IRGRP) and found.st_gid in groups)


def refusal(path: Path, found: os.stat_result) -> SettingsError:
    us = os.geteuid()
    return SettingsError(
        f"{path} belongs to user {found.st_uid}; expected this user ({us}) or root, as its owner "
        f"may write it. If it is yours, run: chown {us} {path}, or run this as that user"
    )


def check_state(state: Path) -> None:
    """Raises `SettingsError` for a state folder, or journals in it, that are somebody else's."""
    try:
        for path in looked_at(state):
            with suppress(FileNotFoundError):  # it is made when it is needed, or has just gone
                # A link leads where its maker likes.
                check_folder(path, path.lstat())
                check_folder(path, path.stat())
    except OSError as error:
        raise SettingsError(f"the state folder {state} cannot be read: {error}") from error


def looked_at(state: Path) -> Iterator[Path]:
    """The folder, the journals' one, and in there what belongs to each store."""
    journals = state / JOURNALS
    yield state
    yield journals
    with suppress(FileNotFoundError):
        yield from sorted(journals.iterdir())


def check_folder(path: Path, found: os.stat_result) -> None:
    if not is_ours(found):
        raise refusal(path, found)
    open_to_all = found.st_mode & stat.S_IWOTH and not stat.S_ISLNK(found.st_mode)
    if open_to_all and found.st_uid != os.geteuid():
        raise SettingsError(
            f"everybody may write to {path}, which is not of this user ({os.geteuid()}); expected "
            "a folder that nobody else may write to. Name one in it in ADSERVER_STATE that is not "
            "there yet: it is made"
        )

"""Secrets: signing keys from the environment, a file, or one that we make and keep; the admin
token. Weak ones are refused, and none is ever in a message."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from adserver.core.errors import SettingsError
from adserver.core.secret_strength import weakness
from adserver.settings import Settings
from adserver.wiring.owners import is_ours, refusal, was_given_to_us

GENERATED = "secret.key"
# Of a file with keys, each of some dozens of bytes.
MOST_BYTES = 65_536
HOW = (
    "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))' > FILE; "
    "chmod 600 FILE"
)


def signing_keys(settings: Settings) -> list[bytes]:
    """The first signs, all verify. Where none is set up, one is made."""
    written = settings.secret_key.get_secret_value()
    if written:
        return checked(written.replace(",", "\n"), "ADSERVER_SECRET_KEY")
    if settings.secret_key_file is not None:
        return checked(read_private(settings.secret_key_file), str(settings.secret_key_file))
    path = settings.state / GENERATED
    make_if_missing(path)
    return checked(read_private(path, lent=False), str(path))


def configured_keys(settings: Settings) -> list[bytes]:
    """The keys that a node would use here; none where it would make one."""
    given = settings.secret_key.get_secret_value() or settings.secret_key_file
    return signing_keys(settings) if given or (settings.state / GENERATED).exists() else []


def kept_keys(settings: Settings) -> list[bytes]:
    """The keys of a node that runs: a file that has gone is an error, and not made anew."""
    keys = configured_keys(settings)
    if not keys:
        raise SettingsError(f"the secret file {settings.state / GENERATED} has gone; put it back")
    return keys


def checked(text: str, source: str) -> list[bytes]:
    keys = [line.strip().encode() for line in text.splitlines() if line.strip()]
    if not keys:
        raise SettingsError(f"{source} has no signing key; {HOW}")
    for key in keys:
        if weak := weakness(key):
            raise SettingsError(f"{source} has a signing key that {weak}; {HOW}")
    return keys


def admin_token(path: Path) -> str:
    token = read_private(path)
    if weak := weakness(token.encode()):
        raise SettingsError(f"{path} has an admin token that {weak}; {HOW}")
    return token


def read_private(path: Path, *, lent: bool = True) -> str:
    """A secret's text; refused if everybody on the machine may read it, or others may write it.

    Whoever may write it could put a key of theirs in its place. A group may read it: that is how
    containers are given secrets. lent: whether its owner may be another user who gave it to our
    group, as one may whose file was named to us.
    """
    try:
        found, text = read_small(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the secret file {path} cannot be read: {error}") from error
    mode = found.st_mode
    if mode & stat.S_IROTH:
        raise SettingsError(f"everybody may read the secret file {path}; run: chmod 600 {path}")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(f"others may write the secret file {path}; run: chmod 600 {path}")
    if not (was_given_to_us(found) if lent else is_ours(found)):
        raise refusal(path, found)
    return text


def read_small(path: Path) -> tuple[os.stat_result, str]:
    """What it is, and its text. OSError where it is no file, as a device or pipe may never end."""
    # A pipe that nobody writes to would be waited for as it is opened.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no regular file")
        read = file.read(MOST_BYTES + 1)
    if len(read) > MOST_BYTES:
        raise OSError(f"it has more than {MOST_BYTES // 1024} KiB")
    return found, read.decode("ascii").strip()


def make_if_missing(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsError(f"cannot make the signing key {path}: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")

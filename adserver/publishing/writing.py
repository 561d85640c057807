"""Files that are written for people: whole, and over another only where that is meant."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from adserver.core.errors import SettingsError


def in_the_way(folder: Path, names: Iterable[str]) -> list[Path]:
    """What already stands where these files would go, a dangling link too."""
    return [path for name in names if os.path.lexists(path := folder / name)]


def write_new(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """The paths that were written. SettingsError where one cannot be, or is there by now."""
    return [write(folder / name, text, replace=False) for name, text in texts.items()]


def write(path: Path, content: str | bytes, *, replace: bool) -> str:
    """Nobody ever reads half of it, and a crash leaves the old file or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        try:
            with open(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            os.chmod(beside, 0o666 & ~umask())
            if replace:
                os.replace(beside, path)
            else:
                os.link(beside, path)  # unlike a rename, it refuses where something stands
        finally:
            if os.path.lexists(beside):
                os.unlink(beside)
    except FileExistsError as error:
        raise SettingsError(f"{path} is there already; nothing is overwritten") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
    return str(path)


def umask() -> int:
    """What new files of this process are not allowed; can only be read by setting it."""
    current = os.umask(0o077)
    os.umask(current)
    return current

"""Packages of others that tests read: fetched once, kept, and held to their digest each time."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from tests.programs import needs

FETCH_SECONDS = 120


def fetched(
    folder: Path, name: str, digest: str, command: Sequence[str], *, asks: str = "", without: str
) -> tarfile.TarFile:
    """The package `name`, open. folder: where it is kept. digest: its SHA-256. command: writes it
    into the working directory, told `asks` on its input. without: what is not tested without it."""
    path = folder / name
    if not path.is_file():
        fetch(folder, name, command, asks, without)
    assert sha256(path.read_bytes()).hexdigest() == digest, f"{path} is not what it was"
    return tarfile.open(path)


def fetch(folder: Path, name: str, command: Sequence[str], asks: str, without: str) -> None:
    done = subprocess.run(
        [needs(command[0]), *command[1:]],
        input=asks,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return
    message = f"{name} COULD NOT BE FETCHED: {without}\n{done.stderr}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()

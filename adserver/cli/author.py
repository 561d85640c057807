"""Who applies: the name that git knows, or the user's, and the machine; and from which commit."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from adserver.cli.options import Invocation
from adserver.core.publication import Entry

GIT_TIMEOUT_SECONDS = 2.0


def entry_of(invocation: Invocation, folder: Path, message: str) -> Entry:
    """What the history is to say of whoever applies this folder now."""
    at = commit(folder) if invocation.commit is None else invocation.commit
    return Entry(invocation.author or name(), message, commit=at)


def name() -> str:
    return f"{git_name() or user_name()}@{socket.gethostname()}"


def git_name() -> str:
    return os.environ.get("GIT_AUTHOR_NAME") or git("config", "user.name")


def commit(folder: Path) -> str:
    """The Git commit that a folder is at, with "+" behind it if something in the folder differs
    from it; "" where there is none."""
    found = git("-C", str(folder), "rev-parse", "HEAD")
    changed = found and git("-C", str(folder), "status", "--porcelain", "--", ".")
    return f"{found}+" if changed else found


def git(*question: str) -> str:
    """What the git of the user's PATH answers, "" where it has none."""
    program = shutil.which("git")
    if program is None:
        return ""
    try:
        asked = subprocess.run(  # noqa: S603 - the questions are ours
            [program, *question],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def user_name() -> str:
    try:
        return os.environ.get("USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user that no file names

"""Who applies: the name that git knows, or the user's, and the machine."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess

GIT_TIMEOUT_SECONDS = 2.0


def name() -> str:
    return f"{git_name() or user_name()}@{socket.gethostname()}"


def git_name() -> str:
    if configured := os.environ.get("GIT_AUTHOR_NAME"):
        return configured
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed question to the git of the user's PATH
            [git, "config", "user.name"],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


def user_name() -> str:
    try:
        return os.environ.get("USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user that no file names

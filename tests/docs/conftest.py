"""What the tests of both Git recipes begin with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.git_server import GH, Repository, Server, executable, key_of_plans
from tests.servers import own_environment
from tests.ssh_server import sshd_running


@pytest.fixture
def server(tmp_path: Path, warm: Path) -> Iterator[Server]:
    """A machine with a store that `adserver` reaches, and an `ssh` that reaches the machine."""
    folder = tmp_path / "server"
    (folder / "ssh").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/adserver").symlink_to(warm)
    env = own_environment(folder, folder, {})
    del env["ADSERVER_CONFIG"]
    env["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
    said = {k: v for k, v in env.items() if k.startswith(("ADSERVER_", "PATH"))}
    with sshd_running(folder / "ssh", said, key_of_plans()) as ssh:
        (ssh.path / "adserver").symlink_to(warm)
        executable(ssh.path / "gh", GH)
        yield (made := Server(folder, env, ssh.path, warm))
    made.adserver("store", "stop")


@pytest.fixture
def clone(server: Server, tmp_path: Path) -> Repository:
    """On a machine of GitHub's, that has no store."""
    for name in ("repository", "home", "temp"):
        (tmp_path / name).mkdir()
    base = {k: v for k, v in os.environ.items() if not k.startswith(("ADSERVER_", "GIT_"))}
    env = base | {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{server.path}:{base['PATH']}",
        "ADSERVER_REDIS": "redis://127.0.0.1:1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Ana Lopez",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "ana@blog.example",
    }
    made = Repository(tmp_path / "repository", env)
    made.git("init", "--quiet", "--initial-branch", "main")
    return made

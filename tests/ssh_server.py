"""A real sshd on a free port, with keys of its own, and an `ssh` that knows it as `ads-server`.

Whoever logs in is the user that runs the tests. What a command has for its environment there is
what the server's settings say, as on a server of one's own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from tests.programs import needs
from tests.servers import until
from tests.stand_in import free_port

HOST = "ads-server"
# The same machine, with a key that may do one thing alone.
PLANNING = "ads-server-plan"
SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv {environment}
"""
CLIENT = """\
Host {host}
  IdentityFile {folder}/user_key
Host {planning}
  IdentityFile {folder}/plan_key
Host {host} {planning}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
  LogLevel ERROR
Host *
  HostName 127.0.0.1
  BatchMode yes
  ConnectTimeout 5
"""


@dataclass(frozen=True, slots=True)
class SshServer:
    """path: what stands first in the PATH of whoever uses it."""

    port: int
    path: Path

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        return {**base, "PATH": f"{self.path}:{base['PATH']}"}


@contextmanager
def sshd_running(
    folder: Path, environment: Mapping[str, str], plan_options: str = "restrict"
) -> Iterator[SshServer]:
    """plan_options: what `authorized_keys` says before the key of PLANNING."""
    program = sshd()
    port = free_port()
    for name in ("host_key", "user_key", "plan_key"):
        line = [needs("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(line, check=True)
    keys = {name: (folder / f"{name}.pub").read_text("ascii") for name in ("user_key", "plan_key")}
    known = f"{keys['user_key']}{plan_options} {keys['plan_key']}"
    (folder / "authorized_keys").write_text(known, "utf-8")
    said = " ".join(f'"{name}={value}"' for name, value in environment.items())
    settings = SETTINGS.format(port=port, folder=folder, environment=said)
    (folder / "sshd_config").write_text(settings, "utf-8")
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(folder / "sshd_config")],
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        until(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "sshd.log").read_text("utf-8")
        yield SshServer(port, client(folder, port))
    finally:
        process.terminate()
        process.wait()


def sshd() -> str:
    """Its path, as it starts under no other name; where root starts it, it wants a folder."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return found or needs("sshd")


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def client(folder: Path, port: int) -> Path:
    """A folder with an `ssh` that reads our settings and nobody else's."""
    key = (folder / "host_key.pub").read_text("ascii")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    settings = CLIENT.format(host=HOST, planning=PLANNING, port=port, user=getuser(), folder=folder)
    (folder / "ssh_config").write_text(settings, "utf-8")
    path = folder / "bin"
    path.mkdir()
    ssh = path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {needs("ssh")} -F {folder}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    return path

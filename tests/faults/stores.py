"""Stores that can be killed, frozen, emptied and kept away: Debian's Redis and the embedded one.

Both come back with what they had; a `Debian` also empty.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import redis

from adserver.store.embedded import Embedded
from tests.programs import needs
from tests.servers import Running, until


@dataclass(slots=True)
class Debian:
    """redis-server. durable: it answers only when what was written is on disk."""

    folder: Path
    durable: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/redis.sock"

    @property
    def socket(self) -> str:
        return f"{self.folder}/redis.sock"

    def start(self) -> None:
        settings = {
            "port": "0",
            "unixsocket": self.socket,
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always" if self.durable else "no",
        }
        command = [needs("redis-server")]
        for name, value in settings.items():
            command += [f"--{name}", value]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: answers(self.url))

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def back(self) -> None:
        self.start()

    def back_empty(self) -> None:
        shutil.rmtree(self.folder / "appendonlydir")
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()


@dataclass(slots=True)
class InUse:
    """The embedded store of a running node, whose supervisor starts it again within a second."""

    ads: Running
    lock: IO[str] | None = field(default=None)

    @property
    def _data(self) -> Path:
        embedded = Embedded.of(self.ads.env["ADSERVER_REDIS"])
        assert embedded is not None
        return embedded.data

    def kill(self) -> None:
        """And keep it away: it cannot be started while somebody has its lock."""
        with redis.Redis.from_url(self.ads.redis) as admin:
            info: Any = admin.info("server")
        os.kill(info["process_id"], signal.SIGKILL)
        self.lock = (self._data / "server.lock").open("a")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def back(self) -> None:
        assert self.lock is not None
        self.lock.close()
        until(lambda: answers(self.ads.redis))


def answers(url: str) -> bool:
    with redis.Redis.from_url(url) as probe:
        try:
            return bool(probe.ping())
        except redis.RedisError:
            return False


@contextmanager
def debian(folder: Path, *, durable: bool = True) -> Iterator[Debian]:
    folder.mkdir(parents=True, exist_ok=True)
    store = Debian(folder, durable)
    try:
        store.start()
        yield store
    finally:
        store.stop()

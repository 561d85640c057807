"""What systemd is told, as sd_notify(3) has it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from adserver.wiring.notify import Notifier


@pytest.fixture(params=["file", "abstract"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        if request.param == "file":
            sock.bind(str(tmp_path / "notify"))
            yield sock, str(tmp_path / "notify")
        else:
            sock.bind("")  # a name that Linux chooses
            yield sock, "@" + sock.getsockname()[1:].decode()


def test_each_state_is_told(told: tuple[socket.socket, str]) -> None:
    sock, address = told
    notifier = Notifier.of({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"}, pid=7)
    for tell, expected in (
        (notifier.ready, "READY=1"),
        (notifier.alive, "WATCHDOG=1"),
        (notifier.reloading, "RELOADING=1"),
        (lambda: notifier.reloaded(False), "STATUS=Serving; the last reload failed, see the log"),
        (lambda: notifier.reloaded(True), "STATUS=Serving"),
        (notifier.stopping, "STOPPING=1"),
    ):
        tell()
        assert expected in sock.recv(1_000).decode().split("\n")


def test_a_watchdog_is_fed_where_there_is_one_and_it_is_ours(
    told: tuple[socket.socket, str],
) -> None:
    sock, address = told
    for more in ({}, {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}):
        Notifier.of({"NOTIFY_SOCKET": address, **more}, pid=7).alive()
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(1_000)


@pytest.mark.parametrize("address", ["", "/no/such/socket"])
def test_nobody_has_to_listen(address: str) -> None:
    Notifier(address).ready()

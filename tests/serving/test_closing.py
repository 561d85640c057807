"""A port is closed, and nobody who is in is cut."""

from __future__ import annotations

import socket
import sys
from contextlib import closing, suppress

import pytest

from adserver.serving.closing import half_connected, let_nobody_in

# On loopback a connection takes microseconds; the kernel sends again after a second.
SOON_SECONDS = 0.3


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def knock(port: int, seconds: float = SOON_SECONDS) -> socket.socket | None:
    """Connected, or left waiting."""
    with suppress(TimeoutError):
        return socket.create_connection(("127.0.0.1", port), timeout=seconds)
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
def test_who_comes_too_late_does_not_get_in_and_who_is_in_is_served() -> None:
    with listening() as door:
        port = door.getsockname()[1]
        early = knock(port)
        assert early
        let_nobody_in(door)
        assert knock(port) is None
        accepted, _ = door.accept()
        accepted.sendall(b"an answer")
        assert early.recv(100) == b"an answer"
        early.close()
        accepted.close()
        door.setblocking(False)
        with pytest.raises(BlockingIOError):
            door.accept()
    with pytest.raises(ConnectionRefusedError):
        knock(port, seconds=5.0)


def test_control_who_comes_too_late_gets_in_and_is_cut() -> None:
    with listening() as door:
        late = knock(door.getsockname()[1])
        assert late
    with closing(late), pytest.raises(ConnectionResetError):
        late.recv(100)


def test_it_is_known_whether_somebody_is_half_connected() -> None:
    with listening() as door:
        assert not half_connected(door.getsockname()[1])


def test_a_handshake_under_way_is_seen(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    table = f"{tmp_path}/tcp"
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    line = "   0: 0100007F:{port:04X} 0100007F:C350 {state} 00000000:00000000\n"
    monkeypatch.setattr("adserver.serving.closing.TABLES", (f"{tmp_path}/no-such-table", table))
    for port, state, found in ((8080, "03", True), (8080, "0A", False), (9090, "03", False)):
        with open(table, "w", encoding="ascii") as file:
            file.write(head + line.format(port=port, state=state))
        assert half_connected(8080) is found

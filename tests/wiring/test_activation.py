"""Sockets that systemd hands over: taken by name, or refused with a reason."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adserver.core.errors import SettingsError
from adserver.settings import Settings
from adserver.wiring import activation
from adserver.wiring.activation import at_addresses, inherited
from adserver.wiring.ports import open_ports

PID = 4_711


@contextmanager
def handed_over(monkeypatch: pytest.MonkeyPatch, *sockets: socket.socket) -> Iterator[None]:
    """These, on file descriptors that follow each other."""
    monkeypatch.setattr(activation, "FIRST", 200)
    for place, sock in enumerate(sockets):
        os.dup2(sock.fileno(), 200 + place)
        sock.close()
    yield


def environ(many: int, names: str = "", pid: int = PID) -> dict[str, str]:
    return {"LISTEN_PID": str(pid), "LISTEN_FDS": str(many), "LISTEN_FDNAMES": names, "HOME": "/"}


def listening(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family)


def test_both_are_taken_by_their_names_and_the_variables_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin, public = listening("::1"), listening()
    addresses = {"admin": admin.getsockname(), "public": public.getsockname()}
    given = environ(2, "admin:public")
    with handed_over(monkeypatch, admin, public):
        found = inherited(given, PID)
    assert {name: sock.getsockname() for name, sock in found.items()} == addresses
    assert not any(sock.get_inheritable() or sock.getblocking() for sock in found.values())
    assert given == {"HOME": "/"}
    settings = at_addresses(Settings(host="198.51.100.1", admin_host="198.51.100.1"), found)
    assert (settings.host, settings.port) == addresses["public"]
    assert (settings.admin_host, settings.admin_port) == addresses["admin"][:2]
    with closing(open_ports(settings, found)) as ports:
        assert (ports.public, ports.admin, ports.held) == (found["public"], found["admin"], True)


def test_one_alone_is_the_public_one_whatever_its_unit_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with handed_over(monkeypatch, listening()):
        found = inherited(environ(1, "adserver.socket"), PID)
    with closing(found["public"]):
        assert set(found) == {"public"}
    with handed_over(monkeypatch, listening()):
        found = inherited(environ(1, "admin"), PID)
    with closing(found["admin"]):
        settings = at_addresses(Settings(port=0), found)
        with closing(open_ports(settings, found)) as ports:
            assert not ports.held


@pytest.mark.parametrize("given", [{}, environ(1, "public", pid=1), environ(0)])
def test_what_is_not_for_us_is_left_alone(given: dict[str, str]) -> None:
    assert inherited(given, PID) == {}


@pytest.mark.parametrize("names", ["", "public", "public:public", "public:web", "a:b:c"])
def test_sockets_without_a_name_that_we_know_are_refused(names: str) -> None:
    with pytest.raises(SettingsError, match="FileDescriptorName=public"):
        inherited(environ(2, names), PID)


def test_what_does_not_listen_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "socket"))
    unix.listen()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for wrong in (unix, datagrams, socket.socket()):
        with handed_over(monkeypatch, wrong), pytest.raises(SettingsError, match="Accept=no"):
            inherited(environ(1), PID)
        os.close(200)  # still open: it is not ours
    with open(os.devnull) as file:
        monkeypatch.setattr(activation, "FIRST", file.fileno())
        with pytest.raises(SettingsError, match="is no socket"):
            inherited(environ(1), PID)


def test_a_port_that_is_taken_leaves_the_other_one_free() -> None:
    with listening() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="--admin-port"):
            open_ports(Settings(port=0, admin_port=port), {})

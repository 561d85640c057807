"""A node's addresses, ports and guards: refused before anything is started."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from adserver.core.errors import SettingsError
from adserver.serving.admin import Guard
from adserver.settings import Settings
from adserver.wiring.node import check_public_url, guard_of
from adserver.wiring.ports import address_of, bind

NETWORK = ip_network("10.0.0.0/8")
TOKEN = "a token that these tests alone know of"


def guard(**given: Any) -> Guard:
    return guard_of(Settings(**given))


def test_the_admin_port_on_loopback_needs_no_guard() -> None:
    assert guard() == Guard(names=(socket.gethostname(),))


def test_beyond_loopback_the_admin_port_needs_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can be reached from other machines"):
        guard(admin_host="0.0.0.0")
    assert guard(admin_host="0.0.0.0", admin_allow="10.0.0.0/8").allow == (NETWORK,)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    assert guard(admin_host="::", admin_token_file=token).token == TOKEN


@pytest.mark.parametrize("everybody", [
    "0.0.0.0/0", "::/0", "10.0.0.0/8,0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", "8.0.0.0/7", "2000::/15",
])  # fmt: skip
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_everybody_is_no_network(host: str, everybody: str) -> None:
    with pytest.raises(SettingsError, match="is everybody"):
        guard(admin_host=host, admin_allow=everybody)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.0.2.1", "ads.example", "LOCALHOST.x"])
def test_whatever_is_not_loopback_needs_a_guard(host: str) -> None:
    with pytest.raises(SettingsError, match="can be reached from other machines"):
        guard(admin_host=host)


@pytest.mark.parametrize("url", ["", "https://ads.example", "http://h:8080/ads/"])
def test_a_public_address_is_taken(url: str) -> None:
    check_public_url(url)


@pytest.mark.parametrize(
    "url", ["ads.example", "//ads.example", "ftp://h", "https://", "https://h/?a"]
)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"expected https://ads\.example"):
        check_public_url(url)


def test_a_port_that_is_taken_is_told_with_the_option_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f":{port}: Address already in use; .* --port"):
            bind("127.0.0.1", port, "--port")


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on no-such-host\.invalid:1"):
        bind("no-such-host.invalid", 1, "--port")


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")],
)
def test_an_address_is_shown_as_a_browser_takes_it(host: str, shown: str) -> None:
    with bind("127.0.0.1", 0, "--port") as sock:
        assert address_of(host, sock) == f"http://{shown}:{sock.getsockname()[1]}"

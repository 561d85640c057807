"""The node's two ports: bound by us, or handed over by systemd, which keeps them when we leave."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from adserver.core.errors import SettingsError
from adserver.settings import Settings

# Connections that wait in the kernel, while a worker is replaced or all are busy.
BACKLOG = 2_048


@dataclass(frozen=True, slots=True)
class Ports:
    """held: somebody else holds the public one as well: it goes on to listen without us."""

    public: socket.socket
    admin: socket.socket
    held: bool = False

    def close(self) -> None:
        self.public.close()
        self.admin.close()


def open_ports(settings: Settings, handed_over: Mapping[str, socket.socket]) -> Ports:
    """handed_over: by name, see `activation`. SettingsError for an address that cannot be had."""
    public, admin = handed_over.get("public"), handed_over.get("admin")
    bound: list[socket.socket] = []
    try:
        if public is None:
            public = bind(settings.host, settings.port, "--port")
            bound.append(public)
        if admin is None:
            admin = bind(settings.admin_host, settings.admin_port, "--admin-port")
    except SettingsError:
        for one in bound:
            one.close()
        raise
    return Ports(public, admin, held="public" in handed_over)


def bind(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {reason_of(error)}; choose another with {option}"
        ) from error
    return sock


def address_of(host: str, sock: socket.socket) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{sock.getsockname()[1]}"


def reason_of(error: OSError) -> str:
    """The system's own words; `strerror` repeats the address, and a failed look-up has no errno."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)

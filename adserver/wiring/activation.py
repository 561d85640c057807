"""Listening sockets that systemd holds for us (socket activation), so that they outlive a node.

`LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` are sd_listen_fds(3)'s; file descriptors begin at 3.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, MutableMapping

from adserver.core.errors import SettingsError
from adserver.settings import Settings

FIRST = 3
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
NAMES = ("public", "admin")
HOW = "name it in its .socket unit: FileDescriptorName=public, or admin (config/systemd)"


def inherited(environ: MutableMapping[str, str], pid: int) -> dict[str, socket.socket]:
    """Those that were handed over to this process, by name; the variables are taken away.

    SettingsError for one that we cannot listen on, or do not know what for.
    """
    said_pid, said_many, said_names = (environ.pop(name, "") for name in VARIABLES)
    if said_pid != str(pid) or not said_many.isdigit():
        return {}  # they are meant for somebody else: we are a child of whoever was activated
    many = int(said_many)
    # Without names, systemd calls each after its unit; with one alone there is no doubt.
    names = said_names.split(":") if said_names else []
    if many == 1 and names[:1] != ["admin"]:
        names = ["public"]
    if len(names) != many or not set(names) <= set(NAMES) or len(set(names)) != many:
        raise SettingsError(
            f"systemd hands over {many} socket(s), called {said_names or 'nothing'}; "
            f"each has to be public or admin, once: {HOW}"
        )
    return {name: listening(FIRST + place, name) for place, name in enumerate(names)}


def at_addresses(settings: Settings, handed_over: Mapping[str, socket.socket]) -> Settings:
    """The settings with the addresses of these sockets, which are the ones that we listen on."""
    update: dict[str, str | int] = {}
    for name, prefix in (("public", ""), ("admin", "admin_")):
        if name in handed_over:
            update[f"{prefix}host"], update[f"{prefix}port"] = handed_over[name].getsockname()[:2]
    return settings.model_copy(update=update)


def listening(handle: int, name: str) -> socket.socket:
    try:
        found = socket.socket(fileno=handle)
    except OSError as error:
        raise SettingsError(f"what systemd hands over as {name} is no socket: {error}") from error
    if (
        found.family not in (socket.AF_INET, socket.AF_INET6)
        or found.type != socket.SOCK_STREAM
        or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        found.detach()  # it is not ours to close
        raise SettingsError(
            f"what systemd hands over as {name} is no TCP socket that listens; its .socket unit "
            "needs ListenStream=ADDRESS:PORT and Accept=no"
        )
    found.setblocking(False)
    found.set_inheritable(False)
    return found

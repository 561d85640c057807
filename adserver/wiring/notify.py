"""Telling systemd how the node is: sd_notify(3), a datagram to the socket that it names.

Where nobody asks to be told, nothing is sent.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Notifier:
    """address: of a Unix socket, `@` for an abstract one; none: nobody asks.
    watched: whether to be heard of again and again (WATCHDOG_USEC)."""

    address: str = ""
    watched: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        for_us = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        return cls(environ.get("NOTIFY_SOCKET", ""), for_us and bool(environ.get("WATCHDOG_USEC")))

    def ready(self) -> None:
        self._say("READY=1", "STATUS=Serving")

    def reloading(self) -> None:
        now = int(time.monotonic() * MICROSECONDS)
        self._say("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=Replacing workers")

    def reloaded(self, done: bool) -> None:
        """The old workers of a round that was given up serve on."""
        status = "Serving" if done else "Serving; the last reload failed, see the log"
        self._say("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        if self.watched:
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        self._say("STOPPING=1", "STATUS=Answering what is open, writing what is counted")

    def _say(self, *lines: str) -> None:
        """A system that does not listen is no reason not to serve."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        ):
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(), address)

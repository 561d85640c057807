"""Running our command on another machine, by the user's own `ssh`, with a folder for its stdin.

ssh hands what it is to run to a shell there, as one text, so every word is quoted. What stands in
the address is never taken for an option.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from adserver.core.errors import SettingsError, StoreUnavailable, WrongCommand

# What ssh itself answers where it did not get through, and a shell where there is no command.
NOT_REACHED, NO_COMMAND, NOT_RUN = 255, 127, 126
CHUNK_BYTES = 64 * 1024
# How long to look for a word of the user's before looking whether the other side has ended.
LOOK_SECONDS = 0.1
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]+)?")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
# Begins a line of stderr that is for us and not for the user.
ASIDE = b"\x1e"


@dataclass(frozen=True, slots=True)
class Host:
    """port: 0 where ssh's own settings decide."""

    name: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{self.user}@{self.name}" if self.user else self.name


def read_host(url: str) -> Host:
    """Of `ssh://[user@]host[:port]`. SettingsError."""
    expected = f"--via {url!r} cannot be used; expected ssh://[USER@]HOST[:PORT]"
    if any(one.isspace() or not one.isprintable() for one in url):
        raise SettingsError(expected)  # urlsplit would leave some of them out
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError as error:
        raise SettingsError(expected) from error
    name, user = parts.hostname or "", parts.username or ""
    unknown = parts.scheme != "ssh" or parts.query or parts.fragment
    if unknown or not HOST.fullmatch(name) or (user and not USER.fullmatch(user)):
        raise SettingsError(expected)
    if parts.password is not None:
        raise SettingsError(f"--via: a password does not belong into an address; {host_hint(name)}")
    if parts.path not in ("", "/"):
        raise SettingsError(f"{expected}, without a path: the folder is what --config says here")
    return Host(name, user, port)


def host_hint(name: str) -> str:
    return f"ssh asks for it, or uses a key of yours (ssh-copy-id {name})"


def command_of(host: Host, words: Sequence[str]) -> list[str]:
    """What is run here. SettingsError where there is no ssh."""
    ssh = shutil.which("ssh")
    if ssh is None:
        raise SettingsError("--via needs the program ssh, which is not installed here")
    port = ["-p", str(host.port)] if host.port else []
    return [ssh, "-T", "-C", *port, "--", str(host), shlex.join(words)]


def run(host: Host, words: Sequence[str], bundle: IO[bytes], aside: Callable[[bytes], None]) -> int:
    """Send the bundle, then whatever the user answers; the other side's exit code.

    What it says on stdout and stderr is said here; lines that are meant for us go to `aside`.
    SettingsError and StoreUnavailable where there was no other side; WrongCommand where `aside`
    raises it, and the session ends at once.
    """
    sys.stdout.flush()
    with subprocess.Popen(  # noqa: S603 - a list of words, of which those for a shell are quoted
        command_of(host, words), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            Conversation(process, bundle, aside).run()
        except WrongCommand:
            process.kill()
            raise
        code = process.wait()
    if code == NOT_REACHED:
        raise StoreUnavailable(
            f"ssh did not get through to {host}, or lost it half-way; it says above why. "
            "`adserver history` there shows what is live"
        )
    if code in (NO_COMMAND, NOT_RUN):
        raise SettingsError(
            f"there is no command {words[0]!r} on {host}; say where it is with --remote-command, "
            "such as /srv/ads/.venv/bin/adserver"
        )
    return code


class Conversation:
    """One session. The bundle goes out while the other side may already be speaking."""

    def __init__(
        self, process: subprocess.Popen[bytes], bundle: IO[bytes], aside: Callable[[bytes], None]
    ) -> None:
        self._process = process
        self._bundle = bundle
        self._aside = aside
        self._out: Any = process.stdin
        self._err: Any = process.stderr
        self._part = b""
        self._held = b""

    def run(self) -> None:
        os.set_blocking(self._out.fileno(), False)
        sending, hearing = True, True
        answering = sys.stdin is not None and sys.stdin.isatty()
        while hearing:
            reading = [self._err, *([sys.stdin] if answering and not sending else [])]
            ready, free, _ = select.select(
                reading, [self._out] if sending else [], [], LOOK_SECONDS
            )
            if self._err in ready:
                hearing = self._hear()
            if free:
                sending = self._send()
                if not sending:
                    os.set_blocking(self._out.fileno(), True)
                if not sending and not answering:
                    self._close()
            if answering and sys.stdin in ready:
                answering = self._answer()
        self._close()

    def _send(self) -> bool:
        """Some more of the bundle; whether there is more."""
        self._part = self._part or self._bundle.read(CHUNK_BYTES)
        if not self._part:
            return False
        try:
            self._part = self._part[os.write(self._out.fileno(), self._part) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False  # it has ended, and said why
        return True

    def _answer(self) -> bool:
        """What the user has written; whether there may be more."""
        words = os.read(sys.stdin.fileno(), CHUNK_BYTES)
        if not words:
            self._close()
            return False
        try:
            os.write(self._out.fileno(), words)
        except BrokenPipeError:
            return False
        return True

    def _hear(self) -> bool:
        """Whatever it complains of, at once, as questions end in no new line."""
        heard = os.read(self._err.fileno(), CHUNK_BYTES)
        self._held += heard
        while self._held:
            said, begins, rest = self._held.partition(ASIDE)
            sys.stderr.buffer.write(said)
            sys.stderr.flush()
            line, ends, after = rest.partition(b"\n")
            self._held = after if ends else begins + rest
            if not ends:
                break
            self._aside(line)
        return bool(heard)

    def _close(self) -> None:
        with suppress(BrokenPipeError):
            self._out.close()

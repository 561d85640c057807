"""A command on a terminal of its own, asked and answered as a person would.

with on_terminal(tmp_path, "init") as terminal:
    terminal.answer("called?", "The Harbour Gazette")
    assert terminal.ended() == 0
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import command_line

PATIENCE_SECONDS = 30.0
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class Terminal:
    """said: all that was on the screen so far, answers included; raw: with what moves and colours
    it."""

    process: subprocess.Popen[bytes]
    screen: int
    said: str = ""
    raw: str = ""
    answered: int = 0

    def answer(self, question: str, text: str) -> None:
        """Wait for the question, behind what was answered before, and type."""
        self._until(lambda: question in self.said[self.answered :])
        self.answered = len(self.said)
        os.write(self.screen, f"{text}\n".encode())

    def shows(self, text: str, after: int = 0) -> int:
        """Wait until the terminal was sent this, colours included, behind so many characters; how
        many it has been sent by then."""
        self._until(lambda: text in self.raw[after:])
        return len(self.raw)

    def type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def ended(self) -> int:
        """Read to the end; the exit code."""
        self._until(lambda: self.process.poll() is not None)
        with suppress(OSError):
            while select.select([self.screen], [], [], 0)[0] and self._read():
                pass
        return self.process.wait()

    def _until(self, condition) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, self.said
            if select.select([self.screen], [], [], 0.05)[0]:
                with suppress(OSError):  # the other end has hung up
                    self._read()

    def _read(self) -> bool:
        read = os.read(self.screen, 65_536)
        text = read.decode("utf-8", "replace").replace("\r\n", "\n")
        self.said += COLOURS.sub("", text)
        self.raw += text
        return bool(read)


def as_on_a_terminal() -> None:
    """So that Ctrl-C is one, also where the tests themselves run in the background and hear none:
    what is ignored there is inherited."""
    os.login_tty(0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def on_terminal(
    folder: Path,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    size: tuple[int, int] = (200, 50),
) -> Iterator[Terminal]:
    """The `adserver` command in this working directory; what it does not say is not inherited.

    size: columns and lines.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, size[::-1])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ADSERVER_", "LC_", "LANG"))}
    process = subprocess.Popen(
        command_line(*arguments),
        cwd=folder,
        env=kept | {"TERM": "dumb", "COLUMNS": str(size[0]), "LANG": "C.UTF-8", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=as_on_a_terminal,  # noqa: PLW1509 - two calls, and no lock is taken
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)

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
import subprocess
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
    """said: all that was on the screen so far, answers included."""

    process: subprocess.Popen[bytes]
    screen: int
    said: str = ""
    answered: int = 0

    def answer(self, question: str, text: str) -> None:
        """Wait for the question, behind what was answered before, and type."""
        self._until(lambda: question in self.said[self.answered :])
        self.answered = len(self.said)
        os.write(self.screen, f"{text}\n".encode())

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
        self.said += COLOURS.sub("", read.decode("utf-8", "replace").replace("\r\n", "\n"))
        return bool(read)


@contextmanager
def on_terminal(
    folder: Path, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """The `adserver` command in this working directory; what it does not say is not inherited."""
    ours, theirs = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ADSERVER_", "LC_", "LANG"))}
    process = subprocess.Popen(
        command_line(*arguments),
        cwd=folder,
        env=kept | {"TERM": "dumb", "COLUMNS": "200", "LANG": "C.UTF-8", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
